"""Reaching Kafka. Nothing here waits for minutes; where no broker answers, that is said once: where, and what to do."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from kafka.admin import KafkaAdminClient
from kafka.errors import RetriableError, UnknownBrokerIdError

from consumers.ports import Unfit, Unreachable

CLIENT = "troth"
LOOK_EVERY = 2.0
"""Seconds between two looks whether a broker is there, while nothing else says so."""
REACH_MS = 10_000
"""How long to look for a broker that answers, and to wait for an answer."""


class NoBroker(Unreachable):
    """The brokers cannot be reached, or do not answer in time. Nothing is lost by it; try again."""

    def __init__(self, bootstrap: str, why: str) -> None:
        super().__init__(
            f"Kafka at {bootstrap} cannot be reached, or is not ready ({why}): start it, or wait until it has "
            "leaders again, or let TROTH_KAFKA name other bootstrap servers"
        )


class SlowChecksums(Unfit):
    """The C library for Kafka's checksums is missing: without it reading is five times slower, and troth refuses to start."""

    def __init__(self) -> None:
        super().__init__("the package crc32c is missing, without which reading Kafka is five times slower: pip install crc32c")


def has_fast_checksums() -> bool:
    """Whether the C library for Kafka's checksums is there; kafka-python falls back to Python without a word."""
    return find_spec("crc32c") is not None


_AWAY = (RetriableError, UnknownBrokerIdError)
"""What the client raises where a broker is away; the second of what nobody leads just now, and which it does not try again."""


@contextmanager
def reaching(bootstrap: str) -> Iterator[None]:
    """What is raised inside because a broker is away becomes NoBroker."""
    try:
        yield
    except _AWAY as why:
        raise NoBroker(bootstrap, type(why).__name__) from why


def make_sure(bootstrap: str) -> None:
    """Look before a client is made: one that finds nobody leaves a thread and open sockets behind.

    Raises SlowChecksums, or NoBroker where nobody listens.
    """
    if not has_fast_checksums():
        raise SlowChecksums
    if not any(_listens(each) for each in bootstrap.split(",")):
        raise NoBroker(bootstrap, "nobody listens there; each server is HOST:PORT")


class Watch:
    """Looks now and then whether some broker is there: a client that has nothing to do waits for one without a word."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self.all_is_well()

    def all_is_well(self) -> None:
        """Some broker has just answered."""
        self._look_again_at = time.monotonic() + LOOK_EVERY

    def look(self) -> None:
        """Raises NoBroker where nobody listens."""
        if time.monotonic() >= self._look_again_at:
            make_sure(self._bootstrap)
            self.all_is_well()


@contextmanager
def administering(bootstrap: str) -> Iterator[KafkaAdminClient]:
    """A client that makes topics and looks at them. Raises NoBroker, also for what is asked of it inside."""
    make_sure(bootstrap)
    with reaching(bootstrap):
        admin = KafkaAdminClient(
            bootstrap_servers=bootstrap, client_id=CLIENT, bootstrap_timeout_ms=REACH_MS, request_timeout_ms=REACH_MS
        )
        try:
            yield admin
        finally:
            admin.close()


def _listens(server: str) -> bool:
    host, _, port = server.strip().rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=REACH_MS / 1000).close()
    except (OSError, ValueError):
        return False
    return True
