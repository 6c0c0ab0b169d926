"""`troth replay` where services are: from Kafka, by either client, and of a ledger in PostgreSQL."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from consumers import replay
from consumers.project import Projector
from domain.instant import DAY
from infra import replaying
from infra.kafka.assigned import AssignedFeed, KafkaReader, open_reader
from infra.settings import Settings
from infra.sqlite.shadow import FILE
from projections.catalog import PROJECTIONS
from tests.crowd import crowd
from tests.infra.kafka import topic as topics
from tests.infra.kafka.topic import Topic
from tests.ledgers import NOW, Hands, Ledger

pytestmark = pytest.mark.service
PLACES = ["files", "postgres"]
Troth = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ledger(
    request: pytest.FixtureRequest, ledger_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Ledger]:
    """A ledger with some hundred entries, in files or, where asked for, in PostgreSQL; its settings in the environment."""
    database = request.getfixturevalue("database") if getattr(request, "param", "files") == "postgres" else None
    if database is not None:
        monkeypatch.setenv("TROTH_DATABASE", database)
    monkeypatch.setenv("TROTH_KAFKA", request.getfixturevalue("kafka_bootstrap"))
    monkeypatch.setenv("TROTH_LEDGER", ledger_name)
    monkeypatch.setattr(topics, "partition_of", replaying._partition_of)
    with Ledger(tmp_path / "home", database=database, name=ledger_name) as ledger:
        ledger.report(*crowd(4, 200))
        yield ledger


@pytest.fixture
def topic(ledger: Ledger, kafka_bootstrap: str) -> Iterator[Topic]:
    """Its topic of entries, where all of them are published."""
    with Topic(kafka_bootstrap, ledger.log.name, 3) as topic:
        topic.publish(ledger.stored())
        yield topic


def replayed(troth: Troth, ledger: Ledger, *arguments: str, expected: int = 0) -> Any:
    """What `troth replay --json` answers."""
    code, printed, wrong = troth(ledger.home, "replay", *arguments, "--json")
    assert code == expected, (printed, wrong)
    return json.loads(printed)


def project_from_kafka(ledger: Ledger) -> None:
    """Bring what readers see up to date, by partitions."""
    feed = AssignedFeed(open_reader(Settings(home=ledger.home)))
    try:
        Projector(ledger.log, feed, ledger.views, PROJECTIONS, ledger.clock).catch_up()
    finally:
        feed.close()


@pytest.mark.parametrize("ledger", PLACES, indirect=True)
@pytest.mark.parametrize("by_partitions", [True, False])
@pytest.mark.parametrize("fast", [True, False])
def test_what_is_published_comes_to_what_readers_see(
    troth: Troth, ledger: Ledger, topic: Topic, monkeypatch: pytest.MonkeyPatch, *, by_partitions: bool, fast: bool
) -> None:
    if not fast:
        monkeypatch.setattr("infra.kafka.assigned.open_reader", lambda of: KafkaReader(of.kafka, f"{of.ledger}.entries"))
    project_from_kafka(ledger) if by_partitions else ledger.catch_up()
    seen = ledger.log.end()
    ledger.report(*crowd(5, 20))  # which readers do not see yet
    topic.publish(ledger.stored())
    answer = replayed(troth, ledger, "--from", "kafka")
    assert answer["agrees"]
    assert {each["entries"] for each in answer["projections"]} == {seen} != {ledger.log.end()}
    assert replayed(troth, ledger, "--from", "store")["agrees"]


@pytest.mark.parametrize("ledger", PLACES, indirect=True)
def test_an_export_agrees_with_views_by_partitions(troth: Troth, ledger: Ledger, topic: Topic, tmp_path: Path) -> None:
    project_from_kafka(ledger)
    for name in ("file.jsonl", "file.parquet"):
        assert troth(ledger.home, "export", str(tmp_path / name))[0] == 0
        assert replayed(troth, ledger, "--from", str(tmp_path / name))["agrees"]


def stop(troth: Troth, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    """Replay, and be stopped on the way."""

    class Stopped(Exception):
        pass

    def stopping(_: str) -> None:
        if next(times) == 0:
            raise Stopped

    with monkeypatch.context() as smaller:
        smaller.setattr(replay, "PAGE", 100)
        smaller.setattr(replay, "ENTRIES_AT_MOST", 50)
        smaller.setattr(replaying, "failpoint", stopping)
        times = iter((2, 1, 0))
        with pytest.raises(Stopped):
            troth(ledger.home, "replay", "--from", source)
    assert (ledger.home / FILE).exists()


@pytest.mark.parametrize("source", ["store", "kafka"])
def test_it_goes_on_where_it_was_stopped(
    troth: Troth, ledger: Ledger, topic: Topic, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    project_from_kafka(ledger)
    stop(troth, ledger, monkeypatch, source)
    answer = replayed(troth, ledger, "--from", source)
    assert answer["went_on_at"] > 0
    assert answer["agrees"]


@pytest.mark.parametrize("ledger", ["postgres"], indirect=True)
@pytest.mark.parametrize("named", ["otherwise", "alike"])
def test_another_ledger_does_not_go_on_where_this_one_was_stopped(
    troth: Troth, ledger: Ledger, database: str, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    ledger.catch_up()
    stop(troth, ledger, monkeypatch, "store")
    name = f"{ledger.log.name}-b"
    if named == "alike":  # as in another database that is called alike too
        name = ledger.log.name
        with psycopg.connect(database) as connection:
            connection.execute(f'ALTER SCHEMA "{name}" RENAME TO former'.encode())
    monkeypatch.setenv("TROTH_LEDGER", name)
    with Ledger(ledger.home, Hands(NOW + DAY), database=database, name=name) as another:
        another.report(*crowd(5, 200))
        another.catch_up()
        answer = replayed(troth, another)
    assert (answer["went_on_at"], answer["agrees"]) == (0, True)


def test_what_the_relay_has_not_published_is_waited_for_and_then_said(
    troth: Troth, ledger: Ledger, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.report(*crowd(6, 20))
    ledger.catch_up()
    monkeypatch.setattr(replaying, "WAITS", 3)
    code, _, wrong = troth(ledger.home, "replay", "--from", "kafka")
    assert (code, "Kafka holds fewer entries" in wrong, "troth run relay" in wrong) == (3, True, True)
    monkeypatch.setattr(replaying, "Event", lambda: topic.publish(ledger.stored()) or Published())
    assert replayed(troth, ledger, "--from", "kafka")["agrees"]


class Published:
    """What was waited for has come."""

    def wait(self, _: float) -> bool:
        return False


def test_without_kafka_it_is_said_what_to_set(troth: Troth, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TROTH_KAFKA")
    code, _, wrong = troth(ledger.home, "replay", "--from", "kafka")
    assert (code, "TROTH_KAFKA names its servers" in wrong) == (2, True)
