"""The garbage collector is held back for as long as a long work lasts, and no longer."""

import gc

import pytest

from infra.collector import THRESHOLDS, sparing_the_collector


def test_the_collector_is_as_it_was_once_the_work_is_done_or_has_failed() -> None:
    before = gc.get_threshold(), gc.get_freeze_count()
    with sparing_the_collector():
        assert gc.get_threshold() == THRESHOLDS
        assert gc.get_freeze_count() > before[1]
    assert (gc.get_threshold(), gc.get_freeze_count()) == before
    with pytest.raises(ValueError, match="failed"), sparing_the_collector():
        raise ValueError("failed")
    assert (gc.get_threshold(), gc.get_freeze_count()) == before
