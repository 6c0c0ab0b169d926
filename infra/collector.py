"""Python's garbage collector, held back where millions of small values are made that no cycle holds."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

THRESHOLDS = (100_000, 50, 100)
"""So many new objects before the youngest are looked through, and so rarely the others: a tenth of a replay's time."""


@contextmanager
def sparing_the_collector() -> Iterator[None]:
    """What is there already is not looked through again while the block lasts, and what comes is seldom."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
