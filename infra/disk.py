"""The disk that a ledger's folder is on, or will be once it is made."""

import shutil
from pathlib import Path

FREE_AT_LEAST = 256 * 1024 * 1024
"""Bytes that should be free: nothing is recorded on a full disk."""


def nearest(folder: Path) -> Path:
    """The folder itself, or the nearest one above it that is there."""
    found = folder.resolve()
    return next(each for each in (found, *found.parents) if each.exists())


def free(folder: Path) -> int:
    """Bytes that are free where this folder is, or will be."""
    return shutil.disk_usage(nearest(folder)).free
