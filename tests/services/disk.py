"""A disk that can be made full and roomy again while it is in use: a file system in memory, mounted where that is allowed.

with mounted(tmp_path / "disk") as disk:
    disk.leave(0)               nothing more can be written
    disk.leave(ROOMY)           there is room again
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

TRIES = 100
ROOMY = 1 << 30
"""More than a ledger asks for to be ready. Nothing of it is used before it is written."""


class Disk:
    """One file system in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def leave(self, free: int) -> None:
        """Leave so many bytes free; the system rounds them to pages."""
        refused = "never tried"
        for _ in range(TRIES):  # it is refused where more was written than there was when we looked
            found = os.statvfs(self.folder)
            used = (found.f_blocks - found.f_bfree) * found.f_frsize
            refused = mount("-o", f"remount,size={max(used + free, found.f_frsize)}", str(self.folder))  # 0 is no limit
            if not refused:
                return
        raise AssertionError(refused)


@contextmanager
def mounted(folder: Path) -> Iterator[Disk]:
    """A disk for as long as the block lasts. Skips the test where nothing may be mounted."""
    folder.mkdir(parents=True)
    refused = mount("-t", "tmpfs", "-o", f"size={ROOMY}", "tmpfs", str(folder))
    if refused:
        pytest.skip(f"a disk that is to be full has to be mounted, and that is not allowed here: {refused}")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S607  # wherever the system has it


def mount(*arguments: str) -> str:
    """Why nothing could be mounted; nothing where it could."""
    try:
        done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)  # noqa: S607  # the same
    except FileNotFoundError:
        return "there is no program mount"
    return done.stderr.strip() if done.returncode else ""
