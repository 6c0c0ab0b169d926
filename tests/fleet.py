"""The drivers of one ledger as processes of their own, as `troth run` starts them, for as long as a test needs them.

with Fleet(home, TROTH_DATABASE=url, TROTH_KAFKA=bootstrap) as fleet:
    fleet.start("relay")
    fleet.start("project", PYTHONHASHSEED="7")
    fleet.settled(entries=100)
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any, Protocol, Self
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from consumers.ports import Unreachable
from infra.asking import status
from infra.asking.status import Digests, Projections
from infra.record import NoLedgerHere
from infra.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
_PROGRAM = """
import faulthandler, signal, sys
from infra.cli.app import main
faulthandler.register(signal.SIGUSR1)
sys.argv[0] = "troth"
main()
"""
TROTH = [sys.executable, "-c", _PROGRAM]
STOP_SECONDS = 30
LOOK_SECONDS = 0.1
_WEB = build_opener(ProxyHandler({}))


class Process(Protocol):
    """What is used of `subprocess.Popen`."""

    @property
    def pid(self) -> int:
        """Its number."""

    @property
    def returncode(self) -> int | None:
        """How it ended, as far as is known."""

    def poll(self) -> int | None:
        """How it ended, or None where it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """How it ended, once it has."""

    def send_signal(self, sig: signal.Signals, /) -> None:
        """Send it a signal."""

    def terminate(self) -> None:
        """SIGTERM."""

    def kill(self) -> None:
        """SIGKILL."""


Starting = Callable[[tuple[str, ...], dict[str, str], Path], Process]
"""Starts the command with these arguments, in this environment, its output at the end of this file."""


def started(arguments: tuple[str, ...], environment: dict[str, str], log: Path) -> Process:
    """Start a process as everybody does."""
    with log.open("ab") as said:
        return subprocess.Popen(
            [*TROTH, *arguments], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
        )


class Member:
    """One process."""

    def __init__(self, driver: str, process: Process, log: Path) -> None:
        self.driver = driver
        self.process = process
        self.log = log

    def signal(self, what: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(what)

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        self.process.terminate()
        return self.process.wait(STOP_SECONDS)

    def said(self) -> str:
        """All that it has said so far."""
        return self.log.read_text("utf-8", "replace")


class Fleet:
    """Processes that drive one ledger; those that still run are killed when the block ends."""

    def __init__(self, home: Path, *, starting: Starting = started, **environment: str) -> None:
        self.home = home
        self._starting = starting
        home.mkdir(parents=True, exist_ok=True)
        clean = {name: value for name, value in os.environ.items() if not name.startswith("TROTH_")}
        given = {"TROTH_HOME": str(home / "ledger"), "TROTH_LOG_FORMAT": "json", "TROTH_PORT": "0", **environment}
        self.environment = {**clean, **given}
        names = {name.removeprefix("TROTH_").lower(): value for name, value in given.items() if name.startswith("TROTH_")}
        self.settings = Settings.model_validate(names)
        self.members: list[Member] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self.members:
            if each.process.poll() is None:
                each.kill()

    def start(self, driver: str, *arguments: str, **environment: str) -> Member:
        """Start `troth run DRIVER`, or `troth serve`."""
        command = ("serve",) if driver == "serve" else ("run", driver)
        log = self.home / f"{driver}-{len(self.members)}.txt"
        process = self._starting((*command, *arguments), {**self.environment, **environment}, log)
        self.members.append(Member(driver, process, log))
        return self.members[-1]

    def troth(self, *arguments: str, code: int = 0) -> str:
        """What a command says, which must end with this code."""
        return self._run(arguments, code).stdout

    def refused(self, *arguments: str, code: int) -> str:
        """What a command says on standard error, which must end with this code."""
        return self._run(arguments, code).stderr

    def _run(self, arguments: tuple[str, ...], code: int) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*TROTH, *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False, timeout=600
        )
        assert done.returncode == code, (arguments, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
        return done

    def json(self, *arguments: str) -> Any:
        """What a command answers as JSON."""
        return json.loads(self.troth(*arguments, "--json"))

    def is_there(self, seconds: float = 60) -> None:
        """Wait until somebody has made the ledger and its topics, and readers see every projection."""
        self._until(lambda: self.has_settled(1), seconds)

    def answers(self, member: Member) -> str:
        """Wait until the API answers; its URL."""
        found: list[str] = []
        self._until(lambda: bool(found.extend(re.findall(r"^http://\S+", member.said(), re.MULTILINE)) or found), STOP_SECONDS)
        return found[0]

    def ask(self, url: str, body: Any = None, *, media: str = "application/cloudevents+json") -> Any:
        """What the API answers, refusals too."""
        data = None if body is None else json.dumps(body).encode()
        try:
            with _WEB.open(Request(url, data, {"content-type": media}), timeout=STOP_SECONDS) as answer:  # noqa: S310  # ours
                return json.load(answer)
        except HTTPError as refused:
            return json.load(refused)

    def projections(self) -> Projections:
        """How far the projections have come, with their digests."""
        return status.projections(self.settings, Digests())

    def settled(self, entries: int, seconds: float = 120) -> dict[str, str]:
        """Wait until so many entries are recorded and every projection has taken them in; the digests."""
        self._until(lambda: self.has_settled(entries), seconds)
        return {each.name: each.digest or "" for each in self.projections().projections}

    def has_settled(self, entries: int) -> bool:
        """Whether so many entries are recorded, and every projection has taken them in."""
        try:
            found = status.projections(self.settings)
        except (NoLedgerHere, Unreachable):  # it is being made
            return False
        return found.entries >= entries and bool(found.projections) and all(each.lag == 0 for each in found.projections)

    def check(self) -> None:
        """No member has ended by itself."""
        for each in self.members:
            code = each.process.poll()
            assert code in (None, 0, -signal.SIGKILL, -signal.SIGTERM), (each.driver, code, each.said()[-3000:])

    def _until(self, met: Callable[[], bool], seconds: float) -> None:
        ends = time.monotonic() + seconds
        while not met():
            self.check()
            if time.monotonic() > ends:
                raise AssertionError(self._where_all_is())
            Event().wait(LOOK_SECONDS)

    def _where_all_is(self) -> object:
        """How far all has come, and what each that still runs does and has said."""
        running = [each for each in self.members if each.process.poll() is None]
        for each in running:
            each.signal(signal.SIGUSR1)  # says where each of its threads is
        Event().wait(1)
        try:
            come: object = status.projections(self.settings)
        except (NoLedgerHere, Unreachable) as missing:
            come = missing
        return come, {each.log.name: each.said()[-6000:] for each in running}

    def stop(self) -> None:
        """Tell all that still run to stop; they drain and end with 0."""
        left = [each for each in self.members if each.process.poll() is None]
        for each in left:
            each.process.terminate()
        codes = {each.log.name: each.process.wait(STOP_SECONDS) for each in left}
        assert not any(codes.values()), (codes, [each.said()[-3000:] for each in left])
