"""Six Sigma of promises: the published table, the open ends, and an interval that narrows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.beta import cdf
from projections.sigma import MICRO, dpmo_interval_micro, dpmo_micro, level_interval_micro, level_micro

ALL = MICRO * MICRO
counts = st.tuples(st.integers(0, 2_000), st.integers(0, 2_000)).map(lambda pair: (min(pair), max(pair)))


@pytest.mark.parametrize(
    ("dpmo", "sigma"),
    [(691_462, 1), (308_537, 2), (66_807, 3), (22_750, 3.5), (6_210, 4), (233, 5), (3.4, 6)],
)
def test_the_published_table_of_dpmo_and_sigma_holds(dpmo: float, sigma: float) -> None:
    level = level_micro(round(dpmo * MICRO))
    assert level is not None
    assert level / MICRO == pytest.approx(sigma, abs=5e-4)


def test_seven_defects_in_a_thousand_promises_are_7000_dpmo() -> None:
    assert dpmo_micro(7, 1_000) == 7_000 * MICRO
    assert dpmo_micro(1, 3) == 333_333_333_333
    assert dpmo_micro(2, 3) == 666_666_666_667


def test_without_opportunities_there_is_no_answer() -> None:
    assert dpmo_micro(0, 0) is None
    assert dpmo_interval_micro(0, 0) is None
    assert level_interval_micro(0, 0) is None


def test_no_defect_has_no_finite_level_and_still_a_lower_bound() -> None:
    assert dpmo_micro(0, 20) == 0
    assert level_micro(0) is None
    interval = level_interval_micro(0, 20)
    assert interval is not None
    lower, upper = interval
    assert upper is None
    assert lower is not None
    assert 2.6 * MICRO < lower < 2.8 * MICRO


def test_nothing_but_defects_has_no_finite_level_and_still_an_upper_bound() -> None:
    assert dpmo_micro(20, 20) == ALL
    assert level_micro(ALL) is None
    interval = level_interval_micro(20, 20)
    assert interval is not None
    assert interval[0] is None
    assert interval[1] is not None
    assert interval[1] < 0.4 * MICRO


def test_the_interval_of_one_defect_in_ten_is_the_published_jeffreys_interval() -> None:
    interval = dpmo_interval_micro(1, 10)
    assert interval is not None
    assert (round(interval[0] / ALL, 3), round(interval[1] / ALL, 3)) == (0.011, 0.381)


@given(counts)
def test_the_observed_rate_lies_in_its_interval(pair: tuple[int, int]) -> None:
    defects, opportunities = pair
    rate, interval = dpmo_micro(defects, opportunities), dpmo_interval_micro(defects, opportunities)
    if rate is None or interval is None:
        assert (rate, interval, opportunities) == (None, None, 0)
        return
    assert 0 <= interval[0] <= rate <= interval[1] <= ALL


@given(counts, st.sampled_from([0.8, 0.95, 0.99]))
def test_the_interval_leaves_out_no_more_than_its_level_allows(pair: tuple[int, int], level: float) -> None:
    defects, opportunities = pair
    interval = dpmo_interval_micro(defects, opportunities, level)
    if interval is None:
        return
    alpha, other = defects + 0.5, opportunities - defects + 0.5
    inside = cdf(interval[1] / ALL, alpha, other) - cdf(interval[0] / ALL, alpha, other)
    assert inside >= level - 1e-9


@given(counts)
def test_sigma_bounds_are_the_sigma_levels_of_the_rate_bounds(pair: tuple[int, int]) -> None:
    rates, levels = dpmo_interval_micro(*pair), level_interval_micro(*pair)
    if rates is None or levels is None:
        assert (rates, levels, pair) == (None, None, (0, 0))
        return
    assert levels == (level_micro(rates[1]), level_micro(rates[0]))
    if levels[0] is not None and levels[1] is not None:
        assert levels[0] < levels[1]


@given(st.integers(1, ALL - 1), st.integers(1, ALL - 1))
def test_more_defects_never_mean_a_higher_level(one: int, other: int) -> None:
    better, worse = level_micro(min(one, other)), level_micro(max(one, other))
    assert better is not None
    assert worse is not None
    assert better >= worse


def test_ten_times_the_opportunities_narrow_the_interval() -> None:
    few, many = dpmo_interval_micro(5, 100), dpmo_interval_micro(50, 1_000)
    assert few is not None
    assert many is not None
    assert many[1] - many[0] < few[1] - few[0]


def test_impossible_counts_and_rates_are_refused() -> None:
    for defects, opportunities in ((-1, 5), (6, 5), (0, -1)):
        with pytest.raises(ValueError, match="no such counts"):
            dpmo_micro(defects, opportunities)
        with pytest.raises(ValueError, match="no such counts"):
            level_interval_micro(defects, opportunities)
    for rate in (-1, ALL + 1):
        with pytest.raises(ValueError, match="no such rate"):
            level_micro(rate)
    with pytest.raises(ValueError, match="level"):
        dpmo_interval_micro(0, 5, 1.0)
