"""What must hold of every record, whatever happened to the processes that wrote it."""

from collections.abc import Iterable

from consumers.ports import Stored
from domain.entry import Entry, decode, fact_of, known_from
from domain.kinds import RESERVED, standing
from tests.ledgers import Message


def prove(stored: Iterable[Stored]) -> list[Entry]:
    """Positions, versions and times of recording in order and without a gap; standings those of their facts. The entries."""
    stored = list(stored)
    assert [each.position for each in stored] == list(range(len(stored)))
    record = [decode(each.state) for each in stored]
    assert [each.recorded_at for each in record] == sorted(each.recorded_at for each in record)
    streams: dict[str, list[Entry]] = {}
    for each in record:
        streams.setdefault(each.stream, []).append(each)
    for stream in streams.values():
        prove_stream(stream)
    return record


def prove_stream(stream: list[Entry]) -> None:
    """Versions are dense, each `before` is the `after` before it, and each `after` what the facts so far amount to."""
    assert [each.version for each in stream] == list(range(len(stream)))
    assert [each.before for each in stream] == [None, *(each.after for each in stream[:-1])]
    fact, known = fact_of(stream[0]), [known_from(each) for each in stream]
    for count, each in enumerate(stream, 1):
        assert each.after == standing(fact.family, fact.key, known[:count])


def prove_recorded_once(record: list[Entry], reports: Iterable[Message]) -> None:
    """Every report is on the record, once, and beside them only what the ledger itself records."""
    names = [(each.source, each.id) for each in record if not each.source.startswith("troth:")]
    assert len(set(names)) == len(names)
    assert set(names) == {(each["source"], each["id"]) for each in reports}
    lapses = [(each.stream, each.kind, bytes(each.fact)) for each in record if each.kind in RESERVED]
    assert len(set(lapses)) == len(lapses)
