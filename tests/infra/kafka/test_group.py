"""A member of a consumer group that is of no use any more says so, and does not wait for ever."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing

import pytest
from kafka.consumer.fetcher import ConsumerRecord

from infra.kafka import topics
from infra.kafka.connect import NoBroker
from infra.kafka.group import Group, InstanceTaken
from infra.settings import Settings
from tests.infra.kafka.publishing import binary, put
from tests.infra.kafka.topic import settings
from tests.ledgers import made

pytestmark = pytest.mark.service


@pytest.fixture
def ours(kafka_bootstrap: str, ledger_name: str) -> Settings:
    """The settings of a process that has a name, of a ledger whose topics are there."""
    topics.ensure(kafka_bootstrap, ledger_name, 1, 1)
    return settings(kafka_bootstrap, ledger_name).model_copy(update={"instance": "intake-1"})


@pytest.fixture
def member(ours: Settings) -> Iterator[Group]:
    """A process that reads reports."""
    with closing(joined(ours)) as group:
        yield group


def joined(ours: Settings) -> Group:
    """A member that reads the one partition from its beginning."""
    group = Group(ours, "intake", topics.names(ours.ledger).reports)
    until(lambda: group.dealt() or group.poll((), 1))
    group.seek(0, 0)
    return group


def until(true: Callable[[], object]) -> None:
    """Ask until it is so, at most half a minute."""
    ends = time.monotonic() + 30
    while not true():
        assert time.monotonic() < ends


def test_one_under_whose_name_another_one_comes_says_so(ours: Settings, member: Group) -> None:
    def commits() -> Mapping[int, list[ConsumerRecord]]:
        member.commit({0: 0})
        return member.poll({0}, 1)

    with closing(joined(ours)), pytest.raises(InstanceTaken, match="TROTH_INSTANCE"):
        until(commits)


def test_a_client_that_stops_bringing_what_is_there_is_given_up(
    ours: Settings, member: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(str(ours.kafka), topics.names(ours.ledger).reports, [binary(made("acme", f"p{each}")) for each in range(4)])
    until(lambda: member.poll({0}, 2))
    monkeypatch.setattr("infra.kafka.group.SILENT_AT_MOST", 0.2)
    monkeypatch.setattr(member._consumer, "poll", lambda *_, **__: {})
    with pytest.raises(NoBroker, match="there is more to read"):
        until(lambda: member.poll({0}, 2))


def test_a_client_that_never_hears_where_a_partition_ends_is_given_up(member: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.kafka.group.SILENT_AT_MOST", 0.2)
    monkeypatch.setattr(member._consumer, "highwater", lambda _: None)
    with pytest.raises(NoBroker, match="or may be"):
        until(lambda: member.poll({0}, 2))


def test_a_member_that_is_never_dealt_anything_is_given_up(member: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.kafka.group.SILENT_AT_MOST", 0.2)
    monkeypatch.setattr(member._dealing, "done", False)
    with pytest.raises(NoBroker, match="or may be"):
        until(lambda: member.poll(set(), 2))


def test_one_that_has_all_there_is_waits_for_ever(member: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    until(lambda: member._consumer.highwater(member._all[0]) is not None or member.poll({0}, 2))
    monkeypatch.setattr("infra.kafka.group.SILENT_AT_MOST", 0.2)
    ends = time.monotonic() + 1
    while time.monotonic() < ends:
        assert not member.poll({0}, 2)
