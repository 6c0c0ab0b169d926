"""Reports on a real Kafka: recorded once whatever becomes of the process, and what is none is set aside and stops nobody."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

from consumers.intake import Intake
from consumers.ports import Mark, NotWritten, Refused, Stored, Unreachable
from consumers.take_in import Taken, TakingIn
from domain.entry import Entry
from infra.kafka import aside, topics
from infra.kafka.connect import NoBroker
from infra.kafka.reports import KafkaReports, ReportsGone, Spent
from infra.sqlite.log import SQLiteLog
from tests.crowd import crowd
from tests.infra.kafka.publishing import Put, all_of, binary, put, structured
from tests.infra.kafka.topic import settings
from tests.ledgers import Ledger, Message, made
from tests.places import Place
from tests.proof import prove, prove_recorded_once

pytestmark = pytest.mark.service
PARTITIONS = 4


class Member:
    """A process that takes reports in, as a thread."""

    def __init__(self, ledger: Ledger, bootstrap: str, name: str) -> None:
        self._log = SQLiteLog(ledger.home, ledger.clock)
        self.feed = KafkaReports(settings(bootstrap, name))
        self.taking_in = TakingIn(self._log, Intake(self._log, self._log.name, ledger.clock), self.feed)
        self._ended = threading.Event()
        self._running = ThreadPoolExecutor(1)
        self._run = self._running.submit(self._work)

    def _work(self) -> None:
        while not self._ended.is_set():
            self.taking_in.step()

    def close(self) -> None:
        self._ended.set()
        self._run.result()
        self._running.shutdown()
        self.feed.close()
        self._log.close()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path) as ledger:
        yield ledger


@pytest.fixture
def named(kafka_bootstrap: str, ledger_name: str) -> topics.Names:
    """The topics of a ledger of that name, made."""
    topics.ensure(kafka_bootstrap, ledger_name, PARTITIONS, 1)
    return topics.names(ledger_name)


def wait_until(true: Callable[[], bool], seconds: float = 30) -> None:
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends
        threading.Event().wait(0.02)


def distinct(reports: Sequence[Message]) -> int:
    """How many reports there are, apart from those that are said twice."""
    return len({(each["source"], each["id"]) for each in reports})


def recorded(ledger: Ledger) -> int:
    """How many entries there are, apart from the policy."""
    return ledger.log.end() - 1


def test_reports_of_both_modes_are_recorded_as_they_are_said(
    ledger: Ledger, tmp_path_factory: pytest.TempPathFactory, kafka_bootstrap: str, ledger_name: str, named: topics.Names
) -> None:
    reports = crowd(1, 40)
    put(kafka_bootstrap, named.reports, [(binary, structured)[at % 2](each) for at, each in enumerate(reports)])
    with closing(Member(ledger, kafka_bootstrap, ledger_name)):
        wait_until(lambda: recorded(ledger) == distinct(reports))
    prove_recorded_once(prove(ledger.stored()), reports)
    with Ledger(tmp_path_factory.mktemp("one")) as one:
        one.receipts(*reports)
        assert one.catch_up() == ledger.catch_up()


def test_what_is_no_report_is_kept_and_set_aside_as_it_came_and_its_neighbours_are_recorded(
    ledger: Ledger, place_quarantine: Place, kafka_bootstrap: str, ledger_name: str, named: topics.Names
) -> None:
    poison = poisonous()
    sent = [Put(*each[:3], partition=1) for each in poison.values()]
    put(kafka_bootstrap, named.reports, [part for each in sent for part in (each, good(each)) if part is not None])
    with closing(Member(ledger, kafka_bootstrap, ledger_name)):
        wait_until(lambda: recorded(ledger) == len(sent))
    kept = {each.origin: each for each in place_quarantine.quarantined()}
    aside = all_of(kafka_bootstrap, named.quarantine)
    assert [(each.value, each.key or None, each.headers[:-5]) for each in aside] == [
        (each.value, each.key, [(name, value or b"") for name, value in each.headers]) for each in sent
    ]
    for name, record in zip(poison, aside, strict=True):
        said = {key.removeprefix("__connect.errors."): value.decode() for key, value in record.headers[-5:]}
        assert said["exception.class.name"] == REASONS[name], (name, said)
        assert (said["topic"], said["partition"]) == (named.reports, "1")
        origin = f"kafka:{named.reports}:1:{said['offset']}"
        if origin in kept:  # the same bytes for the same reason are counted and not kept twice
            assert kept[origin].reason == REASONS[name]
        assert "acme" not in "".join(said.values())
    assert sum(each.times for each in kept.values()) == len(sent)


numbers = iter(range(10**6))


def good(after: Put) -> Put:
    """A report that is recorded, behind one that is not."""
    return structured(made("acme", f"good-{next(numbers)}"))._replace(partition=after.partition)


def poisonous() -> dict[str, Put]:
    report = made("acme", "p", ident="poison")
    as_binary, as_structured = binary(report), structured(report)
    without_id = [each for each in as_binary.headers if each[0] != "ce_id"]
    return {
        "no value": as_structured._replace(value=None),
        "no value, binary": as_binary._replace(value=None),
        "no value and nothing else": Put(None),
        "no JSON": as_structured._replace(value=b"{"),
        "bytes that are no text": as_structured._replace(value=b"\xff\xfe\x00"),
        "too large": as_structured._replace(value=json.dumps(report | {"x": "y" * 300_000}).encode()),
        "a header is missing": as_binary._replace(headers=without_id),
        "a header without a value": as_binary._replace(headers=[*without_id, ("ce_id", None)]),
        "a header that is no text": as_binary._replace(headers=[*without_id, ("ce_id", b"\xff\xfe")]),
        "a header twice": as_binary._replace(headers=[*as_binary.headers, ("ce_id", b"another")]),
        "another content type": as_binary._replace(
            headers=[("content-type", b"text/plain"), *(each for each in as_binary.headers if each[0] != "content-type")]
        ),
        "a batch": as_structured._replace(headers=[("content-type", b"application/cloudevents-batch+json")]),
        "data that reaches beyond itself": as_binary._replace(value=b'{}, "id": "2"'),
    }


REASONS = {
    "no value": "MalformedJson",
    "no value, binary": "MalformedEnvelope",
    "no value and nothing else": "MalformedJson",
    "no JSON": "MalformedJson",
    "bytes that are no text": "MalformedJson",
    "too large": "TooLarge",
    "a header is missing": "MalformedEnvelope",
    "a header without a value": "MalformedEnvelope",
    "a header that is no text": "MalformedJson",
    "a header twice": "MalformedJson",
    "another content type": "MalformedEnvelope",
    "a batch": "MalformedEnvelope",
    "data that reaches beyond itself": "MalformedJson",
}


@pytest.fixture
def place_quarantine(tmp_path: Path) -> Place:
    """Where the ledger of the test is kept."""
    return Place(tmp_path, None)


def test_two_that_share_partitions_and_change_under_load_record_each_report_once(
    ledger: Ledger, kafka_bootstrap: str, ledger_name: str, named: topics.Names
) -> None:
    reports = crowd(3, 200)
    third = len(reports) // 3

    def say(some: Sequence[Message]) -> None:
        for begun in range(0, len(some), 30):
            put(kafka_bootstrap, named.reports, [binary(each) for each in some[begun : begun + 30]])

    with closing(Member(ledger, kafka_bootstrap, ledger_name)) as first, ThreadPoolExecutor(1) as saying:
        said = saying.submit(say, reports[:third])
        wait_until(lambda: recorded(ledger) > 0)
        with closing(Member(ledger, kafka_bootstrap, ledger_name)) as second:
            said.result()
            said = saying.submit(say, reports[third : 2 * third])
            wait_until(lambda: len(first.feed.assigned()) == len(second.feed.assigned()) == 2)
            said.result()
        say(reports[2 * third :])
        wait_until(lambda: recorded(ledger) == distinct(reports))
    prove_recorded_once(prove(ledger.stored()), reports)


class NoText(str):
    """What a client sends that does not know that the names of headers are UTF-8."""

    __slots__ = ()

    def encode(self, *_: str) -> bytes:  # type: ignore[override]
        return b"ce_\xff"


def test_a_header_whose_name_is_no_text_stops_nobody(
    ledger: Ledger, place_quarantine: Place, kafka_bootstrap: str, ledger_name: str, named: topics.Names
) -> None:
    reports = [made("acme", f"p{number}") for number in range(5)]
    with closing(KafkaProducer(bootstrap_servers=kafka_bootstrap, linger_ms=200)) as producer:
        for at, each in enumerate(map(binary, reports)):  # all of them in one batch
            headers = [(NoText("x"), b"1")] if at == 2 else each.headers
            producer.send(named.reports, each.value, each.key, list(headers), partition=0)
    for _ in range(5):
        with closing(KafkaReports(settings(kafka_bootstrap, ledger_name))) as feed, suppress(Unreachable):
            step_until(lambda: recorded(ledger) == 4, TakingIn(ledger.log, ledger.intake, feed))
            break
    assert [each.id for each in ledger.entries()[1:]] == [each["id"] for each in reports if each != reports[2]]
    (kept,) = place_quarantine.quarantined()
    assert (kept.reason, kept.origin) == ("MalformedEnvelope", f"kafka:{named.reports}:0:2")
    (aside,) = all_of(kafka_bootstrap, named.quarantine)
    assert (aside.key, aside.value) == (b"acme", binary(reports[2]).value)


# What it stands on


class Failing(SQLiteLog):
    """A record that cannot be written, for some times."""

    left = 2

    def append(self, entries: Sequence[tuple[Entry, bytes]], refused: Sequence[Refused], mark: Mark | None) -> Sequence[Stored]:
        if self.left:
            self.left -= 1
            raise NotWritten("no room")
        return super().append(entries, refused, mark)


def step_until(true: Callable[[], bool], taking_in: TakingIn) -> None:
    """Step until it is so."""
    ends = time.monotonic() + 30
    while not true():
        taking_in.step()
        assert time.monotonic() < ends


def test_a_record_that_cannot_be_written_costs_no_report_its_place(
    ledger: Ledger, kafka_bootstrap: str, ledger_name: str, named: topics.Names
) -> None:
    reports = crowd(4, 10)
    put(kafka_bootstrap, named.reports, [binary(each) for each in reports])
    with closing(Failing(ledger.home, ledger.clock)) as log:
        intake = Intake(log, log.name, ledger.clock)
        for _ in range(2):
            with closing(KafkaReports(settings(kafka_bootstrap, ledger_name))) as feed, pytest.raises(NotWritten):
                step_until(lambda: False, TakingIn(log, intake, feed))
        with closing(KafkaReports(settings(kafka_bootstrap, ledger_name))) as feed:
            step_until(lambda: recorded(ledger) == distinct(reports), TakingIn(log, intake, feed))
    prove_recorded_once(prove(ledger.stored()), reports)


def test_where_somebody_else_has_taken_it_nothing_is_written_and_reading_goes_on_behind_it(
    ledger: Ledger, kafka_bootstrap: str, ledger_name: str, named: topics.Names
) -> None:
    reports = [made("acme", f"p{number}") for number in range(4)]

    def say(report: Message) -> None:
        put(kafka_bootstrap, named.reports, [binary(report)._replace(partition=0)])

    with closing(KafkaReports(settings(kafka_bootstrap, ledger_name))) as feed:
        taking_in, take = TakingIn(ledger.log, ledger.intake, feed), feed.take

        def overtaken(mark: Callable[[str], str | None]) -> Sequence[Taken]:
            taken = take(mark)
            for each in taken:
                ledger.intake.record([], each.mark)
            return taken

        say(reports[0])
        step_until(lambda: recorded(ledger) == 1, taking_in)
        say(reports[1])
        feed.take = overtaken  # type: ignore[method-assign]
        while not taking_in.step():
            pass
        feed.take = take  # type: ignore[method-assign]
        say(reports[2])
        step_until(lambda: recorded(ledger) == 2, taking_in)
    assert [each.id for each in ledger.entries()[1:]] == [reports[0]["id"], reports[2]["id"]]


def test_a_topic_that_is_made_anew_is_read_from_its_beginning(
    ledger: Ledger, kafka_bootstrap: str, ledger_name: str, named: topics.Names
) -> None:
    reports = crowd(5, 8)
    for count in (5, len(reports)):
        topics.ensure(kafka_bootstrap, ledger_name, PARTITIONS, 1)
        put(kafka_bootstrap, named.reports, [structured(each) for each in reports[:count]])
        with closing(KafkaReports(settings(kafka_bootstrap, ledger_name))) as feed:
            step_until(lambda: recorded(ledger) == distinct(reports[:count]), TakingIn(ledger.log, ledger.intake, feed))  # noqa: B023
        with closing(KafkaAdminClient(bootstrap_servers=kafka_bootstrap)) as admin:
            admin.delete_topics([named.reports])
    prove_recorded_once(prove(ledger.stored()), reports)


def test_reports_that_were_deleted_before_they_were_taken_in_are_missed_aloud(
    ledger: Ledger, kafka_bootstrap: str, ledger_name: str, named: topics.Names
) -> None:
    reports = [made("acme", f"p{number}") for number in range(6)]

    def say(some: Sequence[Message]) -> None:
        put(kafka_bootstrap, named.reports, [binary(each)._replace(partition=0) for each in some])

    def take_in(until: int) -> None:
        with closing(KafkaReports(settings(kafka_bootstrap, ledger_name))) as feed:
            step_until(lambda: recorded(ledger) == until, TakingIn(ledger.log, ledger.intake, feed))

    say(reports[:2])
    take_in(2)
    say(reports[2:])
    with closing(KafkaAdminClient(bootstrap_servers=kafka_bootstrap)) as admin:
        admin.delete_records({TopicPartition(named.reports, 0): 3})
    with pytest.raises(ReportsGone, match=f"partition 0 of {named.reports} was read up to offset 2 and begins at 3 now"):
        take_in(5)


def test_reports_that_are_deleted_under_a_member_make_it_look_again_from_the_mark(
    ledger: Ledger, kafka_bootstrap: str, ledger_name: str, named: topics.Names
) -> None:
    def say(*some: Message) -> None:
        put(kafka_bootstrap, named.reports, [binary(each)._replace(partition=0) for each in some])

    with closing(KafkaReports(settings(kafka_bootstrap, ledger_name))) as feed:
        taking_in = TakingIn(ledger.log, ledger.intake, feed)
        say(made("acme", "first"))
        step_until(lambda: recorded(ledger) == 1, taking_in)
        feed._group._consumer.seek(TopicPartition(named.reports, 0), 5)  # as if brokers had lost what it has read
        with pytest.raises(Spent, match="OffsetOutOfRangeError"):
            step_until(lambda: False, taking_in)
    say(made("acme", "second"))
    with closing(KafkaReports(settings(kafka_bootstrap, ledger_name))) as feed:
        step_until(lambda: recorded(ledger) == 2, TakingIn(ledger.log, ledger.intake, feed))


def test_where_what_is_refused_cannot_be_set_aside_nothing_is_written_and_it_is_tried_again(
    ledger: Ledger, kafka_bootstrap: str, ledger_name: str, named: topics.Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aside, "REACH_MS", 300)
    with closing(KafkaAdminClient(bootstrap_servers=kafka_bootstrap)) as admin:
        admin.delete_topics([named.quarantine])
    put(kafka_bootstrap, named.reports, [structured(made("acme", "p")), structured({"subject": "acme"})])
    with closing(KafkaReports(settings(kafka_bootstrap, ledger_name))) as feed, pytest.raises(NoBroker):
        step_until(lambda: False, TakingIn(ledger.log, ledger.intake, feed))
    topics.ensure(kafka_bootstrap, ledger_name, PARTITIONS, 1)
    with closing(KafkaReports(settings(kafka_bootstrap, ledger_name))) as feed:
        step_until(lambda: recorded(ledger) == 1 and not feed.take(ledger.log.mark), TakingIn(ledger.log, ledger.intake, feed))
    assert len(all_of(kafka_bootstrap, named.quarantine)) == 1
