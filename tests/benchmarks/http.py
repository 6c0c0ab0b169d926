"""A party's trust over HTTP, asked by 16 clients, against a bare ASGI answer of the same bytes on the same server.

    python -m tests.benchmarks.http --parties 2000 --seconds 5

Both are served by uvicorn as `troth serve` configures it, each in a process of its own; the clients are one more process, each
keeps its connection and asks again as soon as it is answered. The floor is what no application could be faster than there.
"""

import argparse
import asyncio
import os
import re
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn

from consumers.intake import Incoming
from infra import wiring
from infra.drivers import driving
from infra.http.binding import bound, url
from infra.settings import Settings
from tests.benchmarks.passes import compared, say
from tests.crowd import crowd
from tests.ledgers import raw

CLIENTS = 16
ROOT = Path(__file__).resolve().parents[2]
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parties", type=int, default=2_000, help="how many parties the ledger knows")
    parser.add_argument("--seconds", type=float, default=5, help="how long each pass takes")
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--bare", metavar="BYTES", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.bare is not None:
        asyncio.run(bare(asked.bare))
        return 0
    home = Path(tempfile.mkdtemp(prefix="troth-http-"))
    try:
        paths = [f"/parties/{party}/trust" for party in fill(home, asked.parties)]
        troth = [sys.executable, "-c", "from infra.cli.app import main; main()", "serve", "--port", "0"]
        with served(home, *troth) as ours:
            answer = len(ask(ours, paths[0]).partition(b"\r\n\r\n")[2])
            with served(home, sys.executable, "-m", "tests.benchmarks.http", "--bare", str(answer)) as floor:
                say(f"an answer has {answer} bytes; {CLIENTS} clients; median of {asked.passes} passes of {asked.seconds:g} s")
                compared(
                    {
                        "bare ASGI answer": lambda: rate(floor, paths, asked.seconds),
                        "GET /parties/{party}/trust": lambda: rate(ours, paths, asked.seconds),
                    },
                    to="bare ASGI answer",
                    passes=asked.passes,
                )
    finally:
        shutil.rmtree(home)
    return 0


def fill(home: Path, parties: int) -> list[str]:
    """A ledger in which something is known of about so many parties: of these."""
    settings = Settings(home=home)
    wiring.make(settings)
    with driving(settings) as drivers:
        intake = wiring.open_intake(drivers.log)
        reports = crowd(1, parties * 3, parties=parties)
        for begun in range(0, len(reports), 1_000):
            intake.record([Incoming("benchmark", raw=raw(each)) for each in reports[begun : begun + 1_000]])
        drivers.catch_up()
    known = sorted({each["subject"] for each in reports})
    say(f"{len(reports):,} reports about {len(known):,} parties")
    return known


async def bare(size: int) -> None:
    """Answer everything with so many bytes, on the server that `troth serve` runs on."""
    body = b"x" * size
    headers = [(b"content-type", b"application/json"), (b"content-length", str(size).encode())]

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    listener = bound(Settings(port=0))
    say(f"{url(listener)} answers")
    config = uvicorn.Config(app, lifespan="off", loop="asyncio", http="h11", ws="none", log_config=None, access_log=False)
    await uvicorn.Server(config).serve(sockets=[listener])


@contextmanager
def served(home: Path, *command: str) -> Iterator[tuple[str, int]]:
    """The address of a server, which says first where it answers; it is ended afterwards."""
    environment = {**os.environ, "TROTH_HOME": str(home), "TROTH_LOG_LEVEL": "error"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        where = urlsplit(process.stdout.readline().split()[0])
        try:
            yield str(where.hostname), int(where.port or 0)
        finally:
            process.terminate()


def ask(address: tuple[str, int], path: str) -> bytes:
    """One answer, whole."""
    with closing(socket.create_connection(address)) as connection:
        connection.sendall(_request(path, b"close"))
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def rate(address: tuple[str, int], paths: Sequence[str], seconds: float) -> float:
    """Answers a second that all clients together get."""
    requests, answered = cycle([_request(path) for path in paths]), 0
    with selectors.DefaultSelector() as selector:
        clients = [socket.create_connection(address) for _ in range(CLIENTS)]
        for each in clients:
            selector.register(each, selectors.EVENT_READ)
            each.sendall(next(requests))
        left = dict.fromkeys(clients, -1)
        began = now = time.perf_counter()
        while now - began < seconds:
            for key, _ in selector.select():
                client = key.fileobj
                assert isinstance(client, socket.socket)
                left[client] = _left(client.recv(65_536), left[client])
                if left[client] == 0:
                    answered, left[client] = answered + 1, -1
                    client.sendall(next(requests))
            now = time.perf_counter()
        for each in clients:
            each.close()
    return answered / (now - began)


def _left(received: bytes, left: int) -> int:
    """How many bytes of an answer are still to come; `left` is −1 before its head has come (which is never divided here)."""
    assert received, "the server closed a connection"
    if left >= 0:
        return left - len(received)
    assert received.startswith(b"HTTP/1.1 200 "), received[:200]
    head, _, body = received.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    assert length is not None
    return int(length[1]) - len(body)


def _request(path: str, connection: bytes = b"keep-alive") -> bytes:
    return b"GET %b HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: %b\r\n\r\n" % (path.encode(), connection)


if __name__ == "__main__":
    sys.exit(main())
