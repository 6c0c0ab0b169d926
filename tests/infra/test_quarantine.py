"""The quarantine, in either database: the same bytes once for each reason, and every number for ever."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumers.ports import Refused
from infra.record import Kept, NotInQuarantine, Quarantine
from tests.ledgers import NOW, Ledger
from tests.places import Place, quarantine_of

REASONS = ("MalformedJson", "UnknownType", "InTheFuture")


def refused(reason: str, raw: bytes) -> Refused:
    return Refused(reason, "what is wrong", "/data", raw, "test")


@pytest.fixture
def quarantine(place: Place) -> Iterator[Quarantine]:
    """Four reports, refused for two reasons in turn."""
    with place.open() as ledger:
        ledger.log.append([], [refused(REASONS[number % 2], b"%d\0" % number) for number in range(4)], None)
    with closing(place.quarantine()) as quarantine:
        yield quarantine


def test_what_was_refused_is_shown_as_it_came(quarantine: Quarantine) -> None:
    assert quarantine.show(3) == Kept(3, "MalformedJson", "what is wrong", "/data", b"2\0", "test", NOW, 1, "waiting", None)


def test_it_is_listed_by_number_status_and_reason(quarantine: Quarantine) -> None:
    quarantine.discard(1)
    quarantine.recorded(4, 7)
    assert [each.number for each in quarantine.list()] == [2, 3]
    assert [each.number for each in quarantine.list(status=None, after=1, limit=2)] == [2, 3]
    assert [(each.number, each.position) for each in quarantine.list(status="recorded")] == [(4, 7)]
    assert [each.number for each in quarantine.list(status="discarded", reason="UnknownType")] == []
    assert [each.number for each in quarantine.list(reason="UnknownType")] == [2]
    assert quarantine.count_by_reason() == {"MalformedJson": 1, "UnknownType": 1}


def test_a_number_that_it_has_not_is_said(quarantine: Quarantine) -> None:
    for attempt in (
        lambda: quarantine.show(5),
        lambda: quarantine.discard(5),
        lambda: quarantine.recorded(5, 1),
        lambda: quarantine.refused_again(5, "UnknownType", "", ""),
    ):
        with pytest.raises(NotInQuarantine, match="has the number 5"):
            attempt()


def test_what_another_has_recorded_meanwhile_is_neither_discarded_nor_does_it_wait_again(quarantine: Quarantine) -> None:
    quarantine.recorded(1, 7)
    recorded = quarantine.show(1)
    quarantine.discard(1)
    quarantine.refused_again(1, "UnknownType", "no longer known", "")
    assert quarantine.show(1) == recorded
    quarantine.discard(2)
    quarantine.recorded(2, 8)
    assert (quarantine.show(2).status, quarantine.show(2).position) == ("recorded", 8)


def test_whoever_asks_for_a_reason_that_no_database_can_hold_finds_nothing(quarantine: Quarantine) -> None:
    assert quarantine.list(reason="\0") == quarantine.list(reason="\ud800") == []


NUMBERS = st.integers(1, 7)
ACTS = st.one_of(
    st.tuples(st.just("refuse"), st.lists(st.tuples(st.sampled_from(REASONS), st.sampled_from([b"a", b"b"])), max_size=3)),
    st.tuples(st.just("again"), NUMBERS, st.sampled_from(REASONS)),
    st.tuples(st.just("discard"), NUMBERS),
    st.tuples(st.just("recorded"), NUMBERS),
)


@pytest.mark.service
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])  # each in a ledger of its own
@given(acts=st.lists(ACTS, max_size=12))
def test_whatever_is_done_both_databases_keep_the_same(
    database: str, tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[object, ...]]
) -> None:
    home = tmp_path_factory.mktemp("ledger")
    kept = []
    for where in (None, database):
        with (
            Ledger(home, name=home.name, database=where) as ledger,
            closing(quarantine_of(home, where, home.name)) as quarantine,
        ):
            kept.append([(done(act, ledger, quarantine), quarantine.list(status=None)) for act in acts])
    assert kept[0] == kept[1]


def done(act: tuple[object, ...], ledger: Ledger, quarantine: Quarantine) -> bool:
    """Whether the act was possible."""
    try:
        match act:
            case ("refuse", [*which]):
                ledger.log.append([], [refused(*each) for each in which], None)
            case ("again", int(number), str(reason)):
                quarantine.refused_again(number, reason, f"now {reason}", "")
            case ("discard", int(number)):
                quarantine.discard(number)
            case ("recorded", int(number)):
                quarantine.recorded(number, 0)
    except NotInQuarantine:
        return False
    return True
