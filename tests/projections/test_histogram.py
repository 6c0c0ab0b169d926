"""Durations by logarithmic buckets: exact to add and take back, within 1/64 to read."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.histogram import bounds, bucket, percentile

durations = st.integers(0, 300) | st.integers(0, 10**6) | st.integers(0, 10**12)
lists = st.lists(durations, min_size=1, max_size=30)
permilles = st.integers(0, 1000)


def counted(seconds: list[int]) -> Counter[int]:
    return Counter(bucket(each) for each in seconds)


def nearest_rank(seconds: list[int], permille: int) -> int:
    return sorted(seconds)[max(1, -(-permille * len(seconds) // 1000)) - 1]


def test_short_durations_have_a_bucket_each() -> None:
    assert [bounds(bucket(seconds)) for seconds in range(128)] == [(seconds, seconds) for seconds in range(128)]


def test_an_hour_is_counted_to_the_half_minute() -> None:
    assert bounds(bucket(3_600)) == (3_584, 3_615)


def test_buckets_follow_one_another_without_gap_or_overlap() -> None:
    for before, after in pairwise(range(2_000)):
        assert bounds(before)[1] + 1 == bounds(after)[0]


@given(durations)
def test_a_duration_lies_within_the_bounds_of_its_bucket_and_they_within_a_64th(seconds: int) -> None:
    low, high = bounds(bucket(seconds))
    assert low <= seconds <= high
    assert (high - low) * 64 <= low
    assert bucket(low) == bucket(high) == bucket(seconds)


@given(durations, durations)
def test_a_longer_duration_never_has_a_lower_bucket(one: int, other: int) -> None:
    assert bucket(min(one, other)) <= bucket(max(one, other))


@given(lists, permilles)
def test_a_percentile_is_the_true_one_or_less_than_a_64th_above(seconds: list[int], permille: int) -> None:
    answer, true = percentile(counted(seconds), permille), nearest_rank(seconds, permille)
    assert answer is not None
    assert true <= answer
    assert (answer - true) * 64 <= true


@given(lists, permilles, permilles)
def test_a_higher_percentile_is_never_a_shorter_duration(seconds: list[int], one: int, other: int) -> None:
    low, high = percentile(counted(seconds), min(one, other)), percentile(counted(seconds), max(one, other))
    assert low is not None
    assert high is not None
    assert low <= high


@given(lists, lists, permilles)
def test_merged_parts_answer_like_the_whole(left: list[int], right: list[int], permille: int) -> None:
    assert percentile(counted(left) + counted(right), permille) == percentile(counted(left + right), permille)


@given(lists, lists, permilles)
def test_what_was_counted_can_be_taken_back(kept: list[int], taken_back: list[int], permille: int) -> None:
    counts = counted(kept + taken_back)
    counts.subtract(counted(taken_back))
    assert percentile(counts, permille) == percentile(counted(kept), permille)


def test_where_nothing_is_counted_there_is_no_percentile() -> None:
    assert percentile({}, 500) is None
    assert percentile({7: 0}, 500) is None


def test_a_single_duration_is_every_percentile() -> None:
    assert [percentile({bucket(42): 1}, permille) for permille in (0, 1, 500, 1000)] == [42] * 4


def test_the_median_of_an_even_number_is_the_lower_of_the_two() -> None:
    assert percentile(counted([10, 20, 30, 40]), 500) == 20
    assert percentile(counted([10, 20, 30, 40]), 501) == 30


def test_impossible_durations_buckets_permilles_and_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="duration"):
        bucket(-1)
    with pytest.raises(ValueError, match="bucket"):
        bounds(-1)
    for permille in (-1, 1001):
        with pytest.raises(ValueError, match="permille"):
            percentile({1: 1}, permille)
    with pytest.raises(ValueError, match="taken back"):
        percentile({1: -1, 2: 3}, 500)
