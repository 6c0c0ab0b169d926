"""Every question has the same answer, to the byte, whichever database it is asked of: about the demo's year, and a crowd."""

import importlib
import inspect
import os
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date
from functools import partial
from itertools import product
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import psycopg
import pytest
from pydantic import BaseModel

from consumers.intake import Incoming
from domain.instant import DAY
from infra import asking
from infra.agenda import AgendaInViews
from infra.asking import board, company, entries, front, incidents, kept, layers, parties, promises, recovered, theirs, timeline
from infra.asking import trust as trusting
from infra.asking.answers import BadQuestion
from infra.asking.board import DurationsWanted
from infra.asking.entries import EntriesWanted
from infra.asking.incidents import IncidentsWanted
from infra.asking.kept import MonthsWanted, PromisorsWanted
from infra.asking.moment import Moment, Present, past
from infra.asking.parties import PartiesWanted
from infra.asking.promises import PromisesWanted
from infra.asking.ranking import Ranking
from infra.asking.recovered import RecoveredWanted
from infra.asking.timeline import TimelineWanted
from infra.demo import year
from tests.crowd import crowd
from tests.ledgers import NOW, Hands, Ledger, raw
from tests.services.postgres import new_database

pytestmark = pytest.mark.service

UNTIL = date(2026, 5, 30)
Ask = Callable[[Moment], Iterator[BaseModel]]


class Both(NamedTuple):
    """The same reports, recorded at the same times in both databases."""

    embedded: Ledger
    postgres: Ledger

    @contextmanager
    def now(self) -> Iterator[tuple[Moment, Moment]]:
        """The views as they are."""
        one, other = (Present(each.views.reader, each.log) for each in self)
        with one.moment(NOW) as first, other.moment(NOW) as second:
            yield first, second


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[Both]:
    home, name = tmp_path_factory.mktemp("both"), f"asking_{os.getpid()}"
    database = new_database(postgres_server, name)
    with Ledger(home / "embedded", Hands()) as one, Ledger(home, Hands(), database=database) as other:
        for each in (one, other):
            tell(each)
        yield Both(one, other)
    with closing(psycopg.connect(postgres_server, autocommit=True)) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def tell(ledger: Ledger) -> None:
    """The demo's year week by week, then what a crowd has to say; the views, lapses and ranks that come of it."""
    arriving = [(each.at, each.raw) for each in year.reports(1, UNTIL)]
    for begun in range(0, len(arriving), 500):
        some = arriving[begun : begun + 500]
        ledger.clock.at = some[-1][0] + DAY
        ledger.intake.record([Incoming("demo", raw=each) for _, each in some])
    ledger.clock.at = NOW
    ledger.intake.record([Incoming("test", raw=raw(each)) for each in crowd(7, 200, parties=12)])
    ledger.settle()
    ranking = Ranking(ledger.views.ranked, ledger.views.reader, ledger.log)
    while ranking.refresh(ledger.projector.policy, ledger.clock()):
        pass


def test_both_recorded_and_computed_the_same(both: Both) -> None:
    assert both.embedded.stored() == both.postgres.stored()
    assert both.embedded.digests() == both.postgres.digests()
    assert [p for p, _ in everybody(both.embedded)] == [p for p, _ in everybody(both.postgres)]


def everybody(ledger: Ledger) -> list[Any]:
    return ledger.views.reader.execute("SELECT party, stream_count FROM party_totals ORDER BY party").fetchall()


# The questions


def each_way(model: type[BaseModel], **more: list[Any]) -> Iterator[dict[str, Any]]:
    """Every combination of the choices that a question has, and of these values of its other parameters."""
    choices: dict[str, list[Any]] = {}
    for name, kind in get_type_hints(model).items():
        named = [each for each in (kind, *get_args(kind)) if get_origin(each) is Literal]
        if named:
            choices[name] = [*get_args(named[0]), *([None] if type(None) in get_args(kind) else [])]
    choices |= more
    for values in product(*choices.values()):
        yield dict(zip(choices, values, strict=True))


def paged(ask: Callable[..., Any], model: type[BaseModel], limits: tuple[int, ...] = (7,), **more: list[Any]) -> Ask:
    """All pages of a list, in each way that it can be asked for."""

    def pages(moment: Moment) -> Iterator[BaseModel]:
        for way, limit in product(each_way(model, **more), limits):
            cursor: str | None = None
            for _ in range(4):
                yield (page := ask(moment, wanted=model(**way, limit=limit, cursor=cursor)))
                cursor = page.next
                if cursor is None:
                    break

    return pages


def of_everybody(ask: Callable[[Moment, str], Any]) -> Ask:
    """The answer about each party."""

    def answers(moment: Moment) -> Iterator[BaseModel]:
        for (party,) in moment.views.execute("SELECT party FROM party_totals ORDER BY party").fetchall():
            yield ask(moment, party)

    return answers


def of_every_subject(moment: Moment) -> Iterator[BaseModel]:
    subjects = "SELECT subject_kind, subject, direction FROM trust_sums ORDER BY subject_kind, subject, direction"
    for kind, subject, direction in moment.views.execute(subjects).fetchall():
        yield trusting.explain(moment, kind, subject, direction)


def timelines(moment: Moment) -> Iterator[BaseModel]:
    for (party,) in moment.views.execute("SELECT party FROM party_totals ORDER BY party LIMIT 3").fetchall():
        yield from paged(partial(timeline.of_party, party=party), TimelineWanted)(moment)


SEARCHED = ["o", "HOTEL", "ä", "%", "_", "!", "café", "CAFÉ", "party-1", "'; --", "a\0b"]
QUESTIONS: dict[str, Ask] = {
    "board.of_company": lambda moment: iter([board.of_company(moment)]),
    "board.durations": lambda moment: (
        board.durations(moment, DurationsWanted(**way)) for way in each_way(DurationsWanted, since=[None, "2026-02"])
    ),
    "company.ours": of_everybody(company.ours),
    "front.examples": lambda moment: iter([front.examples(moment)]),
    "incidents.listed": paged(incidents.listed, IncidentsWanted, past_target=[False, True], order=[None]),
    "kept.months": paged(kept.months, MonthsWanted, since=[None, "2026-01"], value=[None, "service"]),
    "kept.of_all": lambda moment: (kept.of_all(moment, side) for side in ("company", "party")),
    "kept.promisors": paged(kept.promisors, PromisorsWanted, (3,), since=[None, "2026-01"], order=[None]),
    "layers.of_party": of_everybody(layers.of_party),
    "parties.listed": paged(parties.listed, PartiesWanted, kind=[None, "customer"], layer=[None, "affective"]),
    "parties.of_party": of_everybody(parties.of_party),
    "parties searched": paged(parties.listed, PartiesWanted, sort=["name", "id"], layer=[None], kind=[None], search=SEARCHED),
    "promises.listed": paged(promises.listed, PromisesWanted, (50,), order=[None, "ascending"], category=[None, "delivery"]),
    "promises of one": paged(promises.listed, PromisesWanted, party=["old-mill-cafe"], sort=["due"], order=[None]),
    "recovered.listed": paged(recovered.listed, RecoveredWanted, (3,), good=[1, 3]),
    "theirs.theirs": of_everybody(theirs.theirs),
    "timeline.of_party": timelines,
    "trust.explain": of_every_subject,
    "trust.of_party": of_everybody(trusting.of_party),
}


def told(ask: Ask, moment: Moment) -> list[str]:
    """The answers, as HTTP gives them."""
    return [answer.model_dump_json() for answer in ask(moment)]


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_has_the_same_answer_in_both_databases(both: Both, question: str) -> None:
    with both.now() as (embedded, postgres):
        one, other = (told(QUESTIONS[question], each) for each in (embedded, postgres))
    assert one == other
    assert len(one) == 1 or len({*one}) > len(one) // 10


def test_no_question_is_left_out() -> None:
    asked = {
        f"{module}.{name}"
        for module in (each.name for each in pkgutil.iter_modules(asking.__path__))
        for name, function in inspect.getmembers(importlib.import_module(f"infra.asking.{module}"), inspect.isfunction)
        if function.__module__ == f"infra.asking.{module}" and answers(function)
    }
    assert asked - {*QUESTIONS} == {"incidents.counted", "promises.counted", "trust.shown"}  # parts of others


def answers(function: Callable[..., Any]) -> bool:
    """Whether a function answers a question that is asked of a moment."""
    first, returned = next(iter(inspect.signature(function).parameters), ""), inspect.signature(function).return_annotation
    public = not function.__name__.startswith("_")
    return public and first == "moment" and inspect.isclass(returned) and issubclass(returned, BaseModel)


@pytest.mark.parametrize("party", ["harbour-hotel", "party-3", None])
def test_a_past_moment_is_the_same_from_either_record(both: Both, party: str | None) -> None:
    asked = (
        ["board.of_company", "promises.listed"] if party is None else ["company.ours", "layers.of_party", "timeline.of_party"]
    )
    for when in ({"as_of": NOW - 60 * DAY, "known_at": None}, {"as_of": None, "known_at": NOW})[: 2 if party else 1]:
        moments = [past(each.log, NOW, **when, party=party) for each in both]
        for question in asked:
            one, other = (told(QUESTIONS[question], each) for each in moments)
            assert one == other != []
        for each in moments:
            each.views.close()


def test_the_record_is_shown_the_same(both: Both) -> None:
    one, other = ([*shown(each)] for each in both)
    assert one == other
    assert len(one) > 5


def shown(ledger: Ledger) -> Iterator[str]:
    after: int | None = None
    for _ in range(4):
        page = entries.listed(ledger.log, EntriesWanted(after=after, limit=400))
        yield page.model_dump_json()
        after = page.next
    first = ledger.entries()[1]
    yield entries.listed(ledger.log, EntriesWanted(source=first.source, id=first.id)).model_dump_json()
    yield entries.count_by_kind(ledger.log).model_dump_json()


def test_what_lapses_next_is_the_same(both: Both) -> None:
    one, other = (AgendaInViews(each.views.reader) for each in both)
    assert one.next_at() == other.next_at()
    assert one.due(NOW + 400 * DAY, 1_000) == other.due(NOW + 400 * DAY, 1_000) != []


@pytest.mark.parametrize("cursor", ["WyJ0cnVzdDpkZXNjZW5kaW5nIiwieCIsInkiXQ", "WyJ0cnVzdDpkZXNjZW5kaW5nIixudWxsLG51bGxd"])
def test_a_cursor_of_other_types_is_refused_by_both(both: Both, cursor: str) -> None:
    with both.now() as moments:
        for each in moments:
            with pytest.raises(BadQuestion, match="another question's"):
                parties.listed(each, PartiesWanted(cursor=cursor))
