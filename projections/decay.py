"""Trust that fades with age, in exact integers: forward decay over a beta reputation.

An evidence of weight w and outcome v, which happened at time u, weighs w·2^(−(t − u)/h) at time t. That changes with
every t, so it is not what is kept. Kept is w·2^((u − L)/h), against a landmark L that never moves, added into two
integers; dividing by 2^((t − L)/h) when reading gives the weight at any t: w(i, t) = g(tᵢ − L) / g(t − L), the
definition of forward decay in Cormode, Shkapenyuk, Srivastava, Xu, "Forward Decay: A Practical Time Decay Model for
Streaming Systems" (ICDE 2009).

    mass = Σ term mass,  term mass = weight_micro · growth(u)                   in 2^−FRACTION_BITS · 10^−6
    gain = Σ term gain,  term gain = weight_micro · outcome_micro · growth(u)   in 2^−FRACTION_BITS · 10^−12

Each term is rounded once, inside `growth`, before anything is summed; there is no division after it. So what was added
can be subtracted to the last bit, sums merge, and their order does not matter. 2^x is computed in integers because a
platform's `pow` may differ in its last bit.
"""

from collections.abc import Sequence
from math import isqrt
from typing import Final, NamedTuple

MICRO: Final = 1_000_000
LANDMARK: Final = 1_262_304_000 * MICRO
"""2010-01-01T00:00:00Z in microseconds since 1970: growth is 1 here, whatever the half-life. It never moves."""

FRACTION_BITS: Final = 64
"""Fractional bits of `exp2` and `growth`: 1 << FRACTION_BITS stands for 1."""

EXPONENT_BITS: Final = 30
"""Fractional bits of an exponent: three table indices of ten bits. A step is a factor of 1 + 6.5e-10."""

LARGEST_EXPONENT: Final = 1 << 20 << EXPONENT_BITS
"""Past 2^20 doublings (86,000 years at a half-life of 30 days, 2,870 at a day) growth stays put: 128 KiB an integer."""

_INDEX_BITS: Final = 10
_INDEX_MASK: Final = (1 << _INDEX_BITS) - 1
_TABLE_BITS: Final = 59
_GUARDED_BITS: Final = 128
_EXTRA_BITS: Final = 3 * _TABLE_BITS - FRACTION_BITS


def _root(halvings: int) -> int:
    """2^(2^−halvings) with _GUARDED_BITS fractional bits, below the true value by less than 2 units of the last."""
    root = 2 << _GUARDED_BITS
    for _ in range(halvings):
        root = isqrt(root << _GUARDED_BITS)
    return root


def _powers(root: int) -> tuple[int, ...]:
    """root^0 … root^1023 with _TABLE_BITS fractional bits, each below the true value by less than 1 + 2^−50 units."""
    powers, power = [], 1 << _GUARDED_BITS
    for _ in range(1 << _INDEX_BITS):
        powers.append(power >> _GUARDED_BITS - _TABLE_BITS)
        power = power * root >> _GUARDED_BITS
    return tuple(powers)


_COARSE: Final = _powers(_root(10))
_MIDDLE: Final = _powers(_root(20))
_FINE: Final = _powers(_root(30))


def exp2(exponent_fixed: int) -> int:
    """2^x with FRACTION_BITS fractional bits, for x = exponent_fixed / 2^EXPONENT_BITS of either sign.

    Never above the true value; below it by less than 2^−57 of it plus one unit of the last bit. Never decreasing in x,
    exact for whole x ≥ −FRACTION_BITS, and exp2(x − 1) is always exp2(x) >> 1 (below the largest exponent). Far below
    zero it is 0, past LARGEST_EXPONENT it stays put. Raises nothing. 2^x = 2^⌊x⌋ · three table entries, one for each
    ten bits of x's fraction.
    """
    coarse, middle, fine = exponent_fixed >> 20 & _INDEX_MASK, exponent_fixed >> 10 & _INDEX_MASK, exponent_fixed & _INDEX_MASK
    power = _COARSE[coarse] * _MIDDLE[middle] * _FINE[fine]
    doublings = exponent_fixed >> EXPONENT_BITS
    if doublings < _EXTRA_BITS:
        return power >> _EXTRA_BITS - doublings
    if exponent_fixed > LARGEST_EXPONENT:
        return exp2(LARGEST_EXPONENT)
    return power << doublings - _EXTRA_BITS


def growth(at: int, half_life_micro_seconds: int) -> int:
    """2^((at − LANDMARK) / half-life) with FRACTION_BITS fractional bits; `at` in microseconds since 1970 UTC.

    The exponent is rounded down to 2^−EXPONENT_BITS: relative error below 6.5e-10 (2.4 ms of a 30-day half-life). n
    half-lives before the landmark it has 64 − n bits, and from 65 on it is 0: evidence that old counts for nothing.
    Raises ValueError for a half-life that is not positive. This is the exponential g(t − L) of Cormode et al. (2009).
    """
    if half_life_micro_seconds <= 0:
        raise ValueError(f"a half-life must be positive, not {half_life_micro_seconds} microseconds")
    return exp2((at - LANDMARK << EXPONENT_BITS) // half_life_micro_seconds)


def term(at: int, weight_micro: int, outcome_micro: int, half_life_micro_seconds: int) -> tuple[int, int]:
    """(mass, gain), in the units of the sums: what an evidence that happened at `at` (microseconds since 1970) adds.

    Raises ValueError for a negative weight, an outcome outside 0 … 10^6 or a half-life that is not positive.
    """
    if weight_micro < 0 or not 0 <= outcome_micro <= MICRO:
        raise ValueError(f"no such evidence: weight_micro={weight_micro}, outcome_micro={outcome_micro}")
    if half_life_micro_seconds <= 0:
        raise ValueError(f"a half-life must be positive, not {half_life_micro_seconds} microseconds")
    exponent = (at - LANDMARK << EXPONENT_BITS) // half_life_micro_seconds
    doublings = exponent >> EXPONENT_BITS
    if doublings < _EXTRA_BITS:  # `growth`, written out: replay comes by here more often than anywhere else
        power = _COARSE[exponent >> 20 & _INDEX_MASK] * _MIDDLE[exponent >> 10 & _INDEX_MASK] * _FINE[exponent & _INDEX_MASK]
        mass = weight_micro * (power >> _EXTRA_BITS - doublings)
    else:
        mass = weight_micro * exp2(exponent)
    return mass, mass * outcome_micro


class Reading(NamedTuple):
    """Trust at one moment: T = numerator / denominator exactly; each `_micro` is an exact value rounded down."""

    numerator: int
    denominator: int
    score_micro: int
    alpha_micro: int
    beta_micro: int
    mass_micro: int
    uncertainty_micro: int


def read(mass: int, gain: int, growth_now: int, prior_rate_micro: int, prior_mass_micro: int) -> Reading:
    """Trust from the sums, at the moment t whose growth(t, half-life) is `growth_now` (the same for every party).

    T = (a·W + Σwv) / (W + Σw), α = a·W + Σwv, β = (1 − a)·W + Σw(1 − v), mass Σw, uncertainty W / (W + Σw), with w as
    decayed to t: the beta reputation system (Jøsang and Ismail 2002), with the prior rate a and prior mass W of
    Jøsang's "Subjective Logic" (2016). The sums should hold only evidence up to t: a later one weighs more than its
    weight. A growth of 0, more than 64 half-lives before the landmark, is read as the least above it. Raises ValueError
    for a prior rate outside 0 … 10^6 or a prior mass that is not positive.
    """
    if not 0 <= prior_rate_micro <= MICRO or prior_mass_micro <= 0:
        raise ValueError(f"no such prior: rate_micro={prior_rate_micro}, mass_micro={prior_mass_micro}")
    unit = growth_now or 1
    prior_mass = prior_mass_micro * unit
    total = prior_mass + mass
    numerator = prior_rate_micro * prior_mass + gain
    micro_unit = MICRO * unit
    return Reading(
        numerator=numerator,
        denominator=MICRO * total,
        score_micro=numerator // total,
        alpha_micro=numerator // micro_unit,
        beta_micro=(MICRO * total - numerator) // micro_unit,
        mass_micro=mass // unit,
        uncertainty_micro=MICRO * prior_mass // total,
    )


def contributions(terms: Sequence[tuple[int, int]], prior_rate_micro: int) -> list[int]:
    """What each term (mass, gain) adds to T − a, as numerators over the denominator of the `Reading` of their sums.

    The contribution of evidence i is wᵢ(vᵢ − a) / (W + Σw); the numerators are gainᵢ − a·massᵢ, and their sum over the
    denominator is T − a exactly, at every t: between two moments only the denominator differs.
    """
    return [gain - prior_rate_micro * mass for mass, gain in terms]


def apportion(numerators: Sequence[int], denominator: int, total_micro: int) -> list[int]:
    """Each numerator / denominator in whole millionths, so chosen that they add up to `total_micro` exactly.

    With the total score_micro − prior_rate_micro, the shown contributions sum to the shown score to the last digit.
    Largest remainders (Hamilton's method): each is rounded down, and the millionths left over go one each to the
    largest remainders, ties to the lower index; so each is within a millionth of its exact value. Raises ValueError for
    a denominator that is not positive, or for a total that is not the sum rounded down or up.
    """
    if denominator <= 0:
        raise ValueError("a denominator must be positive")
    shares = [divmod(numerator * MICRO, denominator) for numerator in numerators]
    whole = [share for share, _ in shares]
    left_over = total_micro - sum(whole)
    exact = sum(numerators) * MICRO
    if total_micro not in (exact // denominator, -(-exact // denominator)):
        raise ValueError(f"the contributions do not add up to {total_micro} millionths")
    by_remainder = sorted(range(len(shares)), key=lambda index: -shares[index][1])
    for index in by_remainder[:left_over]:
        whole[index] += 1
    return whole
