"""Entries for benchmarks: a year of the demo's company with 20,000 parties, as its intake would have recorded it.

    for position, party, state in made(1_000_000): ...

A thousand parties live their year, quieter than the demo's; of their promises, incidents and threads as many are kept, each of
them whole, as are asked for; and the entries are told of nineteen other parties each, under other names. So every standing is
what the domain makes of the facts, and a million entries are there in seconds. The clock's own entries are not among them.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache
from typing import NamedTuple

from consumers.ports import Stored
from domain.entry import encode, stream_of
from domain.recording import Recording
from domain.report import Report, read
from domain.strictjson import read as read_json
from infra.demo.cast import PARTIES, Party
from infra.demo.year import begins_at, course

LEDGER = "main"
COPIES = 20
UNTIL = date(2026, 6, 30)
SEED = 1


class Made(NamedTuple):
    """An entry as the log keeps it, and the party that it is about."""

    position: int
    party: str
    state: bytes


class _Arrived(NamedTuple):
    """A report of the first twentieth, when it was recorded, and its stream."""

    at: int
    report: Report
    stream: str


class _Recorded(NamedTuple):
    """The entry that came of it."""

    report: Report
    stream: str
    state: bytes


def made(count: int, parties: int = 20_000) -> Iterator[Made]:
    """So many entries about so many parties, in the order in which they were recorded; the same whenever it is asked for.

    A party has about 55 entries a year: where more are asked for than all of them have, there are no more.
    """
    streams: dict[tuple[str, int], str] = {}
    position = 0
    for report, stream, state in _recorded(-(-count // COPIES), parties // COPIES):
        for copy in range(min(COPIES, count - position)):
            party = report.party[:-2] + f"{copy:02}"
            named = streams.get((stream, copy))
            if named is None:
                named = streams[stream, copy] = stream_of(LEDGER, report._replace(party=party))
            told = state.replace(report.party.encode(), party.encode()).replace(stream.encode(), named.encode())
            yield Made(position, party, told)
            position += 1


def stored(count: int, parties: int = 20_000) -> list[Stored]:
    """The same as a log gives them."""
    return [Stored(position, state) for position, _, state in made(count, parties)]


def reported(reports: int, first: int = 0) -> list[bytes]:
    """So many reports as publishers send them, by their arrival: a year of as many parties as it takes, from this number on."""
    begins, arriving, number = begins_at(UNTIL), list[tuple[int, bytes]](), first
    while len(arriving) < reports:
        arriving += course(_party(number), SEED, begins)
        number += 1
    return [raw for _, raw in sorted(arriving)[:reports]]


@cache
def _recorded(count: int, parties: int) -> Sequence[_Recorded]:
    """The entries of the first twentieth."""
    streams: dict[str, Recording] = {}
    recorded = []
    for at, report, stream in _kept(_arrived(parties), count)[:count]:
        entry = streams.setdefault(stream, Recording(stream)).record(report, at)
        recorded.append(_Recorded(report, stream, encode(entry)))
    return recorded


def _kept(arrived: list[_Arrived], count: int) -> list[_Arrived]:
    """So many of the reports at least, every stream whole: ids of streams are as good as random."""
    facts, total, last = Counter(each.stream for each in arrived), 0, ""
    for last in sorted(facts):
        total += facts[last]
        if total >= count:
            break
    return [each for each in arrived if each.stream <= last]


@cache
def _arrived(parties: int) -> list[_Arrived]:
    """All reports of the year in the order of their arrival, each once."""
    begins = begins_at(UNTIL)
    arriving = sorted(each for number in range(parties) for each in course(_party(number), SEED, begins))
    reports = {(report.source, report.id): (at, report) for at, report in ((at, read(read_json(raw))) for at, raw in arriving)}
    return [_Arrived(at, report, stream_of(LEDGER, report)) for at, report in reports.values()]


def _party(number: int) -> Party:
    like = PARTIES[number % len(PARTIES)]
    quiet = tuple(-(-contacts // 4) for contacts in like.course.contacts)
    return like._replace(id=f"party-{number:06}-00", course=like.course._replace(contacts=quiet))
