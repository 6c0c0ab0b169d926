"""Forward decay: exact integers, the published rates, and the laws that make the sums order-free."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.decay import (
    EXPONENT_BITS,
    FRACTION_BITS,
    LANDMARK,
    LARGEST_EXPONENT,
    MICRO,
    apportion,
    contributions,
    exp2,
    growth,
    read,
    term,
)

DAY = 86_400 * MICRO
HALF_LIFE = 90 * DAY
ONE = 1 << FRACTION_BITS
RATE = MICRO // 2
MASS = 2 * MICRO

exponents = st.integers(-100 << EXPONENT_BITS, 400 << EXPONENT_BITS)
half_lives = st.integers(DAY, 3_650 * DAY)
moments = st.integers(LANDMARK, LANDMARK + 7_300 * DAY)
weights = st.integers(0, 20 * MICRO)
outcomes = st.integers(0, MICRO)
evidence = st.lists(st.tuples(moments, weights, outcomes), max_size=12)
NOW = LANDMARK + 7_301 * DAY


def terms_of(listed: Sequence[tuple[int, int, int]]) -> list[tuple[int, int]]:
    return [term(at, weight, outcome, HALF_LIFE) for at, weight, outcome in listed]


def sums(terms: Sequence[tuple[int, int]]) -> tuple[int, int]:
    return sum(mass for mass, _ in terms), sum(gain for _, gain in terms)


@settings(deadline=None)
@given(exponents)
def test_a_power_is_never_above_the_true_one_and_below_it_only_by_the_stated_error(exponent: int) -> None:
    with localcontext() as context:
        context.prec = 200
        true = Fraction(Decimal(2) ** (Decimal(exponent) / (1 << EXPONENT_BITS))) * ONE
    computed = exp2(exponent)
    assert computed <= true * (1 + Fraction(1, 10**180))
    assert true - computed < true / (1 << 57) + 1


@given(exponents, st.integers(0, 1 << 12) | st.integers(0, 1 << 40))
def test_powers_never_decrease(exponent: int, more: int) -> None:
    assert exp2(exponent) <= exp2(exponent + more)


def test_powers_increase_with_every_step_across_the_seams_of_the_tables() -> None:
    for seam in (0, 1 << 10, 1 << 20, 1 << 30, 113 << 30, (113 << 30) + (1023 << 20)):
        powers = [exp2(seam + step) for step in range(-3, 4)]
        assert all(before < after for before, after in pairwise(powers))


@given(st.integers(-FRACTION_BITS, 2_000))
def test_whole_powers_are_exact(doublings: int) -> None:
    assert exp2(doublings << EXPONENT_BITS) == 1 << FRACTION_BITS + doublings


@given(exponents)
def test_one_doubling_more_is_one_bit_more(exponent: int) -> None:
    assert exp2(exponent + (1 << EXPONENT_BITS)) >> 1 == exp2(exponent)


def test_exponents_far_below_zero_give_nothing_and_far_above_stay_put() -> None:
    assert exp2(-(1 << 100)) == exp2(-FRACTION_BITS - 1 << EXPONENT_BITS) == 0
    assert exp2(1 << 100) == exp2(LARGEST_EXPONENT) == exp2(LARGEST_EXPONENT + 1)
    assert exp2(LARGEST_EXPONENT - 1) < exp2(LARGEST_EXPONENT)


def test_the_landmark_is_the_start_of_2010_and_growth_is_one_there() -> None:
    assert datetime.fromtimestamp(LANDMARK // MICRO, UTC) == datetime(2010, 1, 1, tzinfo=UTC)
    assert growth(LANDMARK, HALF_LIFE) == growth(LANDMARK, DAY) == ONE


@given(st.integers(LANDMARK - 3_650 * DAY, LANDMARK + 7_300 * DAY), half_lives)
def test_an_old_evidence_weighs_half_after_one_half_life(at: int, half_life: int) -> None:
    assert growth(at + half_life, half_life) >> 1 == growth(at, half_life)


@given(moments, st.integers(0, 365 * DAY), half_lives)
def test_growth_never_decreases_with_time(at: int, later: int, half_life: int) -> None:
    assert growth(at, half_life) <= growth(at + later, half_life)


def test_the_year_9999_is_read_without_trouble() -> None:
    mass, gain = sums(terms_of([(NOW, MICRO, MICRO)]))
    end = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp()) * MICRO
    reading = read(mass, gain, growth(end, 30 * DAY), RATE, MASS)
    assert (reading.score_micro, reading.mass_micro, reading.uncertainty_micro) == (RATE, 0, MICRO - 1)


def test_long_before_the_landmark_there_is_only_the_prior() -> None:
    ancient = LANDMARK - 200 * HALF_LIFE
    mass, gain = term(ancient, MICRO, MICRO, HALF_LIFE)
    reading = read(mass, gain, growth(ancient, HALF_LIFE), RATE, MASS)
    assert (reading.score_micro, reading.alpha_micro, reading.beta_micro) == (RATE, MICRO, MICRO)
    assert reading.uncertainty_micro == MICRO


def test_seven_good_and_one_bad_are_beta_8_2_with_mean_eight_tenths() -> None:
    mass, gain = sums(terms_of([(NOW, MICRO, MICRO)] * 7 + [(NOW, MICRO, 0)]))
    reading = read(mass, gain, growth(NOW, HALF_LIFE), RATE, MASS)
    assert Fraction(reading.numerator, reading.denominator) == Fraction(8, 10)
    assert (reading.score_micro, reading.alpha_micro, reading.beta_micro) == (800_000, 8 * MICRO, 2 * MICRO)
    assert (reading.mass_micro, reading.uncertainty_micro) == (8 * MICRO, 200_000)


def test_half_a_life_later_a_single_evidence_has_moved_the_score_as_by_the_formula() -> None:
    mass, gain = term(NOW, MICRO, MICRO, HALF_LIFE)
    reading = read(mass, gain, growth(NOW + HALF_LIFE // 2, HALF_LIFE), RATE, MASS)
    weight = 0.5**0.5
    assert reading.numerator / reading.denominator == pytest.approx((1 + weight) / (2 + weight), rel=1e-9)
    assert reading.mass_micro == int(weight * MICRO)


@given(evidence, st.randoms(use_true_random=False))
def test_the_order_of_evidence_does_not_matter(listed: list[tuple[int, int, int]], random: Random) -> None:
    terms = terms_of(listed)
    shuffled = list(terms)
    random.shuffle(shuffled)
    assert sums(shuffled) == sums(terms)


@given(evidence, moments, weights, outcomes)
def test_what_was_added_can_be_taken_back_to_the_last_bit(
    listed: list[tuple[int, int, int]], at: int, weight: int, outcome: int
) -> None:
    mass, gain = sums(terms_of(listed))
    more_mass, more_gain = term(at, weight, outcome, HALF_LIFE)
    with_it = sums([*terms_of(listed), (more_mass, more_gain)])
    assert (with_it[0] - more_mass, with_it[1] - more_gain) == (mass, gain)


@given(evidence, st.integers(0, 12))
def test_sums_over_parts_merge_into_the_sums_over_all(listed: list[tuple[int, int, int]], cut: int) -> None:
    left, right = sums(terms_of(listed[:cut])), sums(terms_of(listed[cut:]))
    assert (left[0] + right[0], left[1] + right[1]) == sums(terms_of(listed))


@given(evidence, st.integers(0, 3_650 * DAY), outcomes, st.integers(1, 50 * MICRO))
def test_trust_is_the_formula_exactly_and_lies_between_0_and_1(
    listed: list[tuple[int, int, int]], later: int, rate: int, prior_mass: int
) -> None:
    now = growth(NOW + later, HALF_LIFE)
    reading = read(*sums(terms_of(listed)), now, rate, prior_mass)
    trust = Fraction(reading.numerator, reading.denominator)
    decayed = [(Fraction(weight * growth(at, HALF_LIFE), now * MICRO), Fraction(v, MICRO)) for at, weight, v in listed]
    good = Fraction(rate * prior_mass, MICRO**2) + sum(w * v for w, v in decayed)
    total = Fraction(prior_mass, MICRO) + sum(w for w, _ in decayed)
    assert trust == good / total
    assert 0 <= trust <= 1
    assert reading.score_micro == trust * MICRO // 1
    assert reading.alpha_micro == good * MICRO // 1
    assert reading.beta_micro == (total - good) * MICRO // 1
    assert reading.uncertainty_micro == Fraction(prior_mass) / total // 1


@given(evidence, st.integers(0, 3_650 * DAY), outcomes)
def test_contributions_sum_to_trust_less_the_prior_rate_exactly(
    listed: list[tuple[int, int, int]], later: int, rate: int
) -> None:
    terms = terms_of(listed)
    reading = read(*sums(terms), growth(NOW + later, HALF_LIFE), rate, MASS)
    trust = Fraction(reading.numerator, reading.denominator)
    assert Fraction(sum(contributions(terms, rate)), reading.denominator) == trust - Fraction(rate, MICRO)


@given(evidence, st.integers(0, 3_650 * DAY), outcomes)
def test_shown_contributions_sum_to_the_shown_score_and_are_each_within_a_millionth(
    listed: list[tuple[int, int, int]], later: int, rate: int
) -> None:
    terms = terms_of(listed)
    reading = read(*sums(terms), growth(NOW + later, HALF_LIFE), rate, MASS)
    numerators = contributions(terms, rate)
    shown = apportion(numerators, reading.denominator, reading.score_micro - rate)
    assert sum(shown) == reading.score_micro - rate
    for numerator, micro in zip(numerators, shown, strict=True):
        assert abs(micro - Fraction(numerator * MICRO, reading.denominator)) < 1
        assert numerator or not micro


def test_millionths_left_over_go_to_the_largest_remainders_and_ties_to_the_lower_index() -> None:
    assert apportion([1, 1, 1], 3, MICRO) == [333_334, 333_333, 333_333]
    assert apportion([1, 2, -1], 3, 666_666) == [333_333, 666_667, -333_334]
    assert apportion([1, 1], 3 * MICRO, 1) == [1, 0]
    assert apportion([], 1, 0) == []


@pytest.mark.parametrize(("numerators", "denominator", "total"), [([1], 1, 0), ([], 1, 1), ([1, 1], 2, MICRO + 1)])
def test_a_total_that_is_not_the_sum_is_refused(numerators: list[int], denominator: int, total: int) -> None:
    with pytest.raises(ValueError, match="do not add up"):
        apportion(numerators, denominator, total)


def test_impossible_evidence_priors_and_half_lives_are_refused() -> None:
    with pytest.raises(ValueError, match="half-life"):
        growth(NOW, 0)
    for weight, outcome in ((-1, 0), (1, -1), (1, MICRO + 1)):
        with pytest.raises(ValueError, match="evidence"):
            term(NOW, weight, outcome, HALF_LIFE)
    for rate, mass in ((-1, MASS), (MICRO + 1, MASS), (RATE, 0)):
        with pytest.raises(ValueError, match="prior"):
            read(0, 0, ONE, rate, mass)
    with pytest.raises(ValueError, match="denominator"):
        apportion([1], 0, 0)
