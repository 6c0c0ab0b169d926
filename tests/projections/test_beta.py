"""The Beta distribution: published numbers, exact binomial sums, symmetry, and one answer from both ways of asking."""

from fractions import Fraction
from math import comb

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from projections.beta import MICRO, at_least, cdf, interval_micro, quantile

wide = st.floats(-3.0, 6.0).map(lambda power: 10.0**power)
usual = st.floats(0.1, 300.0)
chances = st.floats(0.001, 0.999)


def exact_cdf(x: Fraction, alpha: int, beta: int) -> Fraction:
    """I_x(a, b) = Σ from j = a of C(n, j) x^j (1 − x)^(n − j), n = a + b − 1 (NIST DLMF 8.17.5)."""
    n = alpha + beta - 1
    return sum((comb(n, j) * x**j * (1 - x) ** (n - j) for j in range(alpha, n + 1)), Fraction(0))


def test_seven_good_and_one_bad_lie_between_5175_and_9719() -> None:
    assert interval_micro(8.0, 2.0) == (517_503, 971_856)
    assert quantile(0.025, 8.0, 2.0) == pytest.approx(0.5175, abs=5e-5)
    assert quantile(0.975, 8.0, 2.0) == pytest.approx(0.9719, abs=5e-5)


def test_the_uniform_and_the_arcsine_distribution_are_known_in_closed_form() -> None:
    assert cdf(0.3, 1.0, 1.0) == pytest.approx(0.3, abs=1e-15)
    assert cdf(0.25, 0.5, 0.5) == pytest.approx(1 / 3, abs=1e-15)
    assert quantile(0.1, 1.0, 1.0) == pytest.approx(0.1, rel=1e-13)
    assert interval_micro(1.0, 1.0, 0.5) == (250_000, 750_000)


@settings(deadline=None)
@given(st.integers(1, 120), st.integers(1, 120), st.integers(1, 63))
def test_the_cdf_is_the_exact_binomial_sum_for_whole_parameters(alpha: int, beta: int, x: int) -> None:
    exact = exact_cdf(Fraction(x, 64), alpha, beta)
    assert cdf(x / 64, float(alpha), float(beta)) == pytest.approx(float(exact), rel=1e-12, abs=1e-300)


def test_a_million_against_a_million_is_even_at_one_half() -> None:
    assert cdf(0.5, 1e6, 1e6) == pytest.approx(0.5, abs=1e-12)
    assert quantile(0.5, 1e6, 1e6) == pytest.approx(0.5, abs=1e-12)
    lower, upper = interval_micro(1e6, 1e6)
    assert (lower, upper) == (499_307, 500_693)


@given(wide, wide, st.integers(0, 1 << 20))
def test_the_mirrored_distribution_has_the_complement(alpha: float, beta: float, x: int) -> None:
    value = x / (1 << 20)
    assert cdf(value, alpha, beta) + cdf(1.0 - value, beta, alpha) == pytest.approx(1.0, abs=1e-11)


@given(wide, wide, chances, chances)
def test_the_cdf_never_decreases_by_more_than_rounding(alpha: float, beta: float, one: float, other: float) -> None:
    assert cdf(min(one, other), alpha, beta) <= cdf(max(one, other), alpha, beta) + 1e-13


@given(wide, wide, chances)
def test_the_cdf_of_the_quantile_is_the_probability_again(alpha: float, beta: float, p: float) -> None:
    x = quantile(p, alpha, beta)
    assume(1e-290 < x < 1.0 - 1e-9)
    slack = abs(cdf(x * (1 + 2e-16), alpha, beta) - cdf(x * (1 - 2e-16), alpha, beta))
    assert cdf(x, alpha, beta) == pytest.approx(p, rel=1e-9, abs=slack)


@given(usual, usual, chances)
def test_mirrored_quantiles_add_up_to_one(alpha: float, beta: float, p: float) -> None:
    assert quantile(p, alpha, beta) + quantile(1.0 - p, beta, alpha) == pytest.approx(1.0, abs=1e-12)


@given(wide, wide)
def test_the_mirrored_interval_is_the_same_to_the_last_digit(alpha: float, beta: float) -> None:
    lower, upper = interval_micro(alpha, beta)
    assert interval_micro(beta, alpha) == (MICRO - upper, MICRO - lower)
    assert 0 <= lower <= upper <= MICRO


@given(usual, usual, st.sampled_from([0.5, 0.8, 0.95, 0.99]))
def test_the_interval_holds_at_least_its_level(alpha: float, beta: float, level: float) -> None:
    lower, upper = interval_micro(alpha, beta, level)
    assert cdf(upper / MICRO, alpha, beta) - cdf(lower / MICRO, alpha, beta) >= level - 1e-12


@given(wide, wide, st.integers(0, MICRO), st.sampled_from([0.5, 0.8, 0.95, 0.999]))
def test_at_least_agrees_with_the_interval(alpha: float, beta: float, threshold: int, level: float) -> None:
    lower, _ = interval_micro(alpha, beta, level)
    assert at_least(threshold, alpha, beta, level) == (lower >= threshold)


@given(usual, usual, st.integers(-2, 2))
def test_at_least_agrees_with_the_interval_next_to_its_bound(alpha: float, beta: float, offset: int) -> None:
    lower, _ = interval_micro(alpha, beta)
    assert at_least(lower + offset, alpha, beta) == (offset <= 0 or lower + offset <= 0)


@given(wide, wide)
def test_more_good_evidence_never_lowers_the_lower_bound(alpha: float, beta: float) -> None:
    assert interval_micro(alpha, beta)[0] <= interval_micro(alpha + 1.0, beta)[0]


def test_a_certain_prior_is_a_point() -> None:
    assert interval_micro(0.0, 2.0) == (0, 0)
    assert interval_micro(2.0, 0.0) == (MICRO, MICRO)
    assert at_least(MICRO, 2.0, 0.0)
    assert not at_least(1, 0.0, 2.0)
    assert (quantile(0.5, 0.0, 1.0), quantile(0.5, 1.0, 0.0)) == (0.0, 1.0)
    assert (cdf(0.0, 0.0, 1.0), cdf(0.999, 1.0, 0.0), cdf(1.0, 1.0, 0.0)) == (1.0, 0.0, 1.0)


def test_the_ends_are_reached() -> None:
    assert (cdf(0.0, 2.0, 3.0), cdf(-1.0, 2.0, 3.0), cdf(1.0, 2.0, 3.0), cdf(2.0, 2.0, 3.0)) == (0.0, 0.0, 1.0, 1.0)
    assert (quantile(0.0, 2.0, 3.0), quantile(1.0, 2.0, 3.0)) == (0.0, 1.0)
    assert at_least(0, 1e-3, 1e3)
    assert not at_least(MICRO + 1, 1e6, 1e-3)


def test_impossible_questions_are_refused() -> None:
    for alpha, beta in ((0.0, 0.0), (-1.0, 2.0), (1.0, float("inf")), (float("nan"), 1.0)):
        with pytest.raises(ValueError, match="no such distribution"):
            cdf(0.5, alpha, beta)
    with pytest.raises(ValueError, match="probability"):
        quantile(1.5, 1.0, 1.0)
    for level in (0.0, 1.0):
        with pytest.raises(ValueError, match="level"):
            interval_micro(1.0, 1.0, level)
