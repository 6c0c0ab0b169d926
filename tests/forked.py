"""Processes that run the command `troth` and need not read the program first: they are forked from one that has.

Reading it takes longer than most lives of a process that is to be killed. All else is as if it had been started: its own
environment, its own output, signals, and how it ends.
"""

import faulthandler
import importlib
import multiprocessing
import os
import signal
import sys
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from subprocess import TimeoutExpired

READ = [
    *("infra.cli.app", "infra.cli.run", "infra.http.serving", "infra.drivers", "infra.postgres.store", "tests.forked"),
    "tests.crash.siege",  # each process reads the module that its parent was started with, and with it all that it imports
]


class Forked:
    """A process, with what is used of `subprocess.Popen`."""

    def __init__(self, arguments: tuple[str, ...], environment: dict[str, str], log: Path) -> None:
        log.touch()
        self._process: ForkServerProcess = _context().Process(target=_troth, args=(arguments, environment, log))
        self._process.start()

    @property
    def pid(self) -> int:
        """Its number."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """How it ended."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """How it ended, or None where it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """How it ended, once it has. Raises TimeoutExpired."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise TimeoutExpired("troth", timeout or 0)
        return self._process.exitcode

    def send_signal(self, what: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self._process.is_alive() and self._process.pid is not None:
            os.kill(self._process.pid, what)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(READ)
    return context


def _troth(arguments: tuple[str, ...], environment: dict[str, str], log: Path) -> None:
    os.environ.clear()
    os.environ.update(environment)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(output, stream)
    from infra import failpoint  # noqa: PLC0415  # read already, and once more where this process is to be killed

    importlib.reload(failpoint)
    from infra.cli.app import main  # noqa: PLC0415  # it reads the environment

    faulthandler.register(signal.SIGUSR1)  # says where each thread is
    sys.argv = ["troth", *arguments]
    main()
