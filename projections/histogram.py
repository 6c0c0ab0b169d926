"""Durations counted by logarithmic buckets: exact to add, subtract and merge, within 1/64 to read.

A histogram is a mapping of bucket to count, {bucket: count}; to merge two is to add their counts, to take a duration
back is to subtract one. A bucket is named by the bit length of its durations and the six bits after the leading one:
the idea of HdrHistogram (Tene 2012). Durations below 128 seconds have a bucket each; above, a bucket is at most 1/64 of
its lowest duration wide.
"""

from collections.abc import Mapping
from typing import Final

_PRECISION_BITS: Final = 6
_LEADING_BITS: Final = _PRECISION_BITS + 1


def bucket(seconds: int) -> int:
    """The bucket of a duration in whole seconds: never decreasing, and never skipping a number.

    Raises ValueError for a negative duration.
    """
    if seconds < 0:
        raise ValueError(f"a duration cannot be negative: {seconds} seconds")
    dropped_bits = max(0, seconds.bit_length() - _LEADING_BITS)
    return (dropped_bits << _PRECISION_BITS) + (seconds >> dropped_bits)


def bounds(bucket: int) -> tuple[int, int]:
    """(lowest, highest) duration of the bucket, in seconds, both included. Raises ValueError for a negative bucket."""
    if bucket < 0:
        raise ValueError(f"a bucket cannot be negative: {bucket}")
    dropped_bits = max(0, (bucket >> _PRECISION_BITS) - 1)
    leading = bucket - (dropped_bits << _PRECISION_BITS)
    return leading << dropped_bits, (leading + 1 << dropped_bits) - 1


def percentile(counts: Mapping[int, int], permille: int) -> int | None:
    """The nearest-rank percentile in seconds: the highest duration of its bucket; None where nothing is counted.

    The nearest rank is ⌈permille · n / 1000⌉, at least 1 (500 is the median, 1000 the greatest). The answer is never
    below the true duration and less than 1/64 of it above. Raises ValueError for a permille outside 0 … 1000 or a
    negative count.
    """
    if not 0 <= permille <= 1000:
        raise ValueError(f"a permille lies between 0 and 1000, not at {permille}")
    if any(count < 0 for count in counts.values()):
        raise ValueError("more durations were taken back than were counted")
    rank = max(1, -(-permille * sum(counts.values()) // 1000))
    counted = 0
    for each in sorted(counts):
        counted += counts[each]
        if counted >= rank:
            return bounds(each)[1]
    return None
