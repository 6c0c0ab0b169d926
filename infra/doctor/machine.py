"""The machine: Python, SQLite, the folder, the disk, the clock."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from domain.instant import aware, text
from infra import disk, wiring
from infra.doctor.check import Check
from infra.sqlite import checkup

OLDEST_YEAR = 2025
"""Before that there was no troth: a clock that says so was never set."""


def looked_at(home: Path) -> Iterator[Check]:
    """The machine, and the folder of the ledger on it."""
    found = ".".join(map(str, sys.version_info[:3]))
    yield Check(
        "Python", sys.version_info >= (3, 11), found, "" if sys.version_info >= (3, 11) else "install Python 3.11 or later"
    )
    engine = checkup.engine()
    fit = engine.new_enough and engine.thread_safe
    shown = [each for each in engine.options if each.startswith(("THREADSAFE", "DEFAULT_SYNCHRONOUS", "MAX_VARIABLE"))]
    needed = ".".join(map(str, checkup.OLDEST))
    do = "" if fit else f"use a Python that is linked with SQLite {needed} or later, THREADSAFE=1"
    yield Check("SQLite", fit, f"{engine.version} ({', '.join(shown)})", do)
    there = disk.nearest(home)
    writable = there.is_dir() and os.access(there, os.R_OK | os.W_OK | os.X_OK)
    yield Check("folder", writable, str(there), "" if writable else "let this user write there, or set TROTH_HOME")
    free = disk.free(home)
    enough = free >= disk.FREE_AT_LEAST
    yield Check(
        "disk", enough, f"{free // 1_048_576:,} MiB free", "" if enough else "make room: nothing is recorded on a full disk"
    )
    now = wiring.now()
    sane = aware(now).year >= OLDEST_YEAR
    yield Check("clock", sane, text(now)[:19] + "Z", "" if sane else "set the machine's clock")
