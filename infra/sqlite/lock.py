"""A lock that is a file in the ledger's folder: the system gives it back when the process ends, however it ends."""

import fcntl
import os
from pathlib import Path


class FileLock:
    """The port Lock on a file that nobody writes to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def take(self) -> bool:
        """Take it if nobody has it, without waiting; whether it is ours now."""
        if self._handle is not None:
            return self.held()
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        self._handle = handle
        return self.held()

    def held(self) -> bool:
        """Whether it is still ours: not where the file was deleted, since another can lock a new one then."""
        if self._handle is None:
            return False
        try:
            return os.path.samestat(os.fstat(self._handle), self._path.stat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Give it back, if it is ours."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
