"""Six Sigma of promises: defects per million opportunities, the sigma level, and how sure both are.

An opportunity is a promise that could have been kept, a defect one that was not. All results are integers in
millionths: `dpmo_micro` of a defect per million (3.4 DPMO is 3_400_000), `level_micro` of a sigma (4.5 sigma is
4_500_000).
"""

from math import ceil, floor
from statistics import NormalDist
from typing import Final

from projections import beta

MICRO: Final = 1_000_000
_ALL: Final = MICRO * MICRO
_SHIFT: Final = 1.5
_STANDARD_NORMAL: Final = NormalDist()


def dpmo_micro(defects: int, opportunities: int) -> int | None:
    """10^6 · defects / opportunities, in millionths, to the nearest (halves up); None without opportunities.

    Raises ValueError for negative defects or more defects than opportunities.
    """
    _refuse_impossible(defects, opportunities)
    if opportunities == 0:
        return None
    return (2 * defects * _ALL + opportunities) // (2 * opportunities)


def level_micro(dpmo_micro: int) -> int | None:
    """Φ⁻¹(1 − DPMO / 10^6) + 1.5 in millionths of a sigma: one-tailed, with Motorola's long-term shift (Harry 1988).

    None where no finite level exists: at 0 DPMO it is above every number, at 10^6 below. Raises ValueError outside 0 …
    10^12.
    """
    if not 0 <= dpmo_micro <= _ALL:
        raise ValueError(f"no such rate of defects: {dpmo_micro} millionths per million")
    if dpmo_micro in (0, _ALL):
        return None
    return round((_SHIFT - _STANDARD_NORMAL.inv_cdf(dpmo_micro / _ALL)) * MICRO)


def dpmo_interval_micro(defects: int, opportunities: int, level: float = 0.95) -> tuple[int, int] | None:
    """(lower, upper) DPMO in millionths, rounded outwards; None without opportunities.

    The Jeffreys interval: the central interval of Beta(d + ½, n − d + ½), down to 0 for no defect and up to 10^6 for
    nothing but defects (Brown, Cai and DasGupta 2001, "Interval Estimation for a Binomial Proportion"). `level` is its
    probability. Raises ValueError for impossible counts, or for a level outside 0 … 1.
    """
    _refuse_impossible(defects, opportunities)
    if not 0.0 < level < 1.0:
        raise ValueError(f"a level lies between 0 and 1, not at {level}")
    if opportunities == 0:
        return None
    below, alpha, other = (1.0 - level) / 2.0, defects + 0.5, opportunities - defects + 0.5
    lower = 0 if defects == 0 else floor(beta.quantile(below, alpha, other) * _ALL)
    upper = _ALL if defects == opportunities else ceil(beta.quantile(1.0 - below, alpha, other) * _ALL)
    return lower, upper


def level_interval_micro(defects: int, opportunities: int, level: float = 0.95) -> tuple[int | None, int | None] | None:
    """(lower, upper) sigma level in millionths: the levels of the DPMO interval's ends, the worse end first.

    An end that is None is open: after no defect there is no upper bound, after nothing but defects no lower one. None
    without opportunities. Raises ValueError like `dpmo_interval_micro`.
    """
    interval = dpmo_interval_micro(defects, opportunities, level)
    if interval is None:
        return None
    fewest, most = interval
    return level_micro(most), level_micro(fewest)


def _refuse_impossible(defects: int, opportunities: int) -> None:
    if not 0 <= defects <= opportunities:
        raise ValueError(f"no such counts: {defects} defects in {opportunities} opportunities")
