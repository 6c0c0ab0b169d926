"""The past: what the views were when it was the present, whatever was recorded, corrected or adopted since."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.entry import Receipt
from domain.instant import DAY, HOUR, MINUTE, parse, text
from domain.policy import Policy
from infra import wiring
from infra.asking.answers import BadQuestion
from infra.asking.moment import Moment, Present, past
from infra.tables import all_built, digest
from projections.catalog import PROJECTIONS
from tests.consumers.test_clock import wavering
from tests.crowd import crowd
from tests.ledgers import NOW, Hands, Ledger, Message, contact, kept, made

BY_NAME = {each.name: each for each in PROJECTIONS}


class Was(NamedTuple):
    """What was known at a moment: the digests of the views, and how many entries they had taken in."""

    known_at: int
    position: int
    digests: dict[str, str]


def digests(moment: Moment) -> dict[str, str]:
    with closing(moment.views) as views:
        return {each.name: digest(views, each, BY_NAME[each.name]) for each in all_built(views)}


def told(ledger: Ledger, reports: Sequence[Message], sizes: Sequence[int]) -> list[Was]:
    """Tell the ledger reports batch by batch, an hour or so apart, its clock running; what it was after each batch."""
    was, begun, number = [], 0, 0
    while begun < len(reports):
        size = sizes[number % len(sizes)]
        ledger.receipts(*reports[begun : begun + size])
        ledger.clock.at += 1
        was.append(Was(ledger.clock.at, 0, ledger.settle())._replace(position=ledger.log.end()))
        ledger.clock.at += (1 + number * 7 % 5) * HOUR
        begun, number = begun + size, number + 1
    return was


# What was known


@settings(max_examples=8)
@given(seed=st.integers(0, 2**32), sizes=st.lists(st.integers(1, 40), min_size=1, max_size=4))
def test_what_was_known_at_every_moment_is_what_the_views_were_then(
    tmp_path_factory: pytest.TempPathFactory, seed: int, sizes: list[int]
) -> None:
    with Ledger(tmp_path_factory.mktemp("ledger")) as ledger:
        for each in told(ledger, crowd(seed, 25, parties=4), sizes):
            moment = past(ledger.log, ledger.clock(), as_of=None, known_at=each.known_at, party=None)
            assert digests(moment) == each.digests


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32), sizes=st.lists(st.integers(1, 5), min_size=1, max_size=3))
def test_it_is_so_too_where_what_is_due_wavers(tmp_path_factory: pytest.TempPathFactory, seed: int, sizes: list[int]) -> None:
    reports = list(wavering(Random(seed), 25))
    with Ledger(tmp_path_factory.mktemp("ledger")) as ledger:
        for each in told(ledger, reports, sizes):
            moment = past(ledger.log, ledger.clock(), as_of=None, known_at=each.known_at, party=None)
            assert digests(moment) == each.digests


def test_what_a_publisher_whose_clock_is_ahead_said_was_known_too(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        was = told(ledger, [contact("acme", "a", text(NOW + 4 * MINUTE)), contact("acme", "b")], [1])
        for each in was:
            moment = past(ledger.log, ledger.clock(), as_of=None, known_at=each.known_at, party=None)
            assert digests(moment) == each.digests


def test_what_was_known_is_always_the_record_up_to_some_position(tmp_path: Path) -> None:
    """Two writers, of whom the second one's clock is behind: their entries are known in the order of their positions."""
    with Ledger(tmp_path) as ahead, Ledger(tmp_path, Hands(NOW - HOUR)) as behind:
        ahead.receipts(made("acme", "p"))
        behind.receipts(kept("acme", "p", "2026-01-09"))
        for known_at, expected in ((NOW - HOUR, 0), (NOW - 1, 0), (NOW, 1)):
            moment = past(ahead.log, NOW, as_of=None, known_at=known_at, party=None)
            with closing(moment.views) as views:
                assert views.execute("SELECT COUNT(*) FROM promises").fetchone() == (expected,)
                assert views.execute("SELECT COUNT(*) FROM promises WHERE status = 'kept'").fetchone() == (expected,)
                assert moment.position == (3 if expected else 0)


def test_a_policy_that_was_adopted_since_does_not_judge_what_was_known_before(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        (was,) = told(ledger, [made("acme", "p", due="2026-02-01")], [1])
        document = wiring.shipped_policy().model_dump()
        document["trust"] = document["trust"] | {"half_life_days": 30}
        policy = Policy.model_validate({**document, "version": "another"})
        wiring.adopt(ledger.intake, policy, in_force_from=was.known_at - DAY)
        moment = past(ledger.log, ledger.clock(), as_of=None, known_at=was.known_at, party=None)
        assert moment.policy.hash == wiring.shipped_policy().hash
        assert digests(moment) == was.digests
        now = past(ledger.log, ledger.clock(), as_of=was.known_at, known_at=None, party=None)
        assert now.policy.hash == policy.hash
        now.views.close()


# What had happened


def unamended(reports: Sequence[Message]) -> list[Message]:
    return [each for each in reports if each["type"] != "fact.retracted.v1" and "corrects" not in each["data"]]


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32), days=st.integers(0, 450), part=st.integers(0, 100))
def test_what_had_happened_and_was_known_is_what_a_ledger_would_show_that_was_told_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, seed: int, days: int, part: int
) -> None:
    reports = unamended(crowd(seed, 30, parties=4))
    as_of = NOW - days * DAY - 5 * HOUR
    with Ledger(tmp_path_factory.mktemp("all")) as ledger, Ledger(tmp_path_factory.mktemp("some")) as other:
        some = reports[: len(reports) * part // 100]
        ledger.receipts(*some)
        known_at = ledger.clock()
        ledger.clock.at += HOUR
        ledger.receipts(*reports)
        ledger.settle()
        other.receipts(*(each for each in some if parse(each["time"]) <= as_of))
        other.clock.at = as_of
        expected, moment = other.settle(), past(ledger.log, ledger.clock(), as_of=as_of, known_at=known_at, party=None)
        found = digests(moment)
    assert {name for name in found if found[name] != expected[name]} <= {"timeline"}  # a lapse has its row when recorded


def test_as_of_a_moment_nothing_has_happened_since(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.receipts(made("acme", "p", "2026-01-01", due="2026-01-10"), kept("acme", "p", "2026-01-12"))
        for as_of, status, lapsed in (("2026-01-09", "open", 0), ("2026-01-10", "open", 1), ("2026-01-12", "kept", 0)):
            moment = past(ledger.log, NOW, as_of=parse(f"{as_of}T00:00:00Z"), known_at=None, party="acme")
            with closing(moment.views) as views:
                assert views.execute("SELECT status, lapsed FROM promises").fetchall() == [(status, lapsed)], as_of


def test_before_anything_had_happened_there_is_nothing(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.receipts(*crowd(1, 20))
        for party in (None, "party-1", "nobody"):
            with closing(past(ledger.log, NOW, as_of=parse("1999-01-01T00:00:00Z"), known_at=None, party=party).views) as views:
                assert views.execute("SELECT COUNT(*) FROM timeline WHERE party != '@ledger'").fetchone() == (0,)
                assert views.execute("SELECT COUNT(*) FROM party_totals").fetchone() == (0,)


@pytest.mark.parametrize("parameter", ["as_of", "known_at"])
@pytest.mark.parametrize("party", ["acme", None])
def test_of_a_moment_that_is_yet_to_come_nothing_is_said_to_have_lapsed(
    tmp_path: Path, parameter: str, party: str | None
) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.receipts(made("acme", "p", due="2026-06-02"))
        at: dict[str, int | None] = {"as_of": None, "known_at": None, parameter: NOW + DAY}
        with pytest.raises(BadQuestion) as refused:
            past(ledger.log, NOW, **at, party=party)
        assert refused.value.parameter == parameter
        with closing(past(ledger.log, NOW + DAY, **at, party=party).views) as views:
            assert views.execute("SELECT lapsed FROM promises").fetchall() == [(1,)]


# One party


@settings(max_examples=5)
@given(seed=st.integers(0, 2**32), part=st.integers(1, 100), days=st.integers(0, 300) | st.none())
def test_the_past_of_a_party_is_the_past_of_the_ledger_as_far_as_it_is_about_the_party(
    tmp_path_factory: pytest.TempPathFactory, seed: int, part: int, days: int | None
) -> None:
    with Ledger(tmp_path_factory.mktemp("ledger")) as ledger:
        was = told(ledger, crowd(seed, 30, parties=3), [20])
        known_at = was[(len(was) - 1) * part // 100].known_at
        as_of = None if days is None else NOW - days * DAY
        whole = past(ledger.log, ledger.clock(), as_of=as_of, known_at=known_at, party=None)
        with closing(whole.views):
            for party in ("party-0", "party-1", "party-2"):
                one = past(ledger.log, ledger.clock(), as_of=as_of, known_at=known_at, party=party)
                with closing(one.views):
                    assert rows_about(one, party) == rows_about(whole, party)
                    assert (one.policy, one.now) == (whole.policy, whole.now)


def rows_about(moment: Moment, party: str) -> dict[str, list[object]]:
    """Every row about a party, of every table that has such rows."""
    rows: dict[str, list[object]] = {}
    for projection in PROJECTIONS:
        for table in projection.tables:
            names = [column.name for column in table.key]
            columns = [column.name for column in (*table.key, *table.values)]
            about = (
                "party = ?" if "party" in columns else "subject_kind = 'party' AND subject = ?" if "subject" in names else None
            )
            if about is not None:
                shown = ", ".join(f'"{name}"' for name in columns)
                asked = f"SELECT {shown} FROM {table.name} WHERE {about} ORDER BY {', '.join(names)}"  # noqa: S608
                rows[table.name] = moment.views.execute(asked, (party,)).fetchall()
    return rows


# The present


def test_all_of_one_answer_is_from_one_state_of_the_views(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.receipts(made("acme", "p"))
        ledger.catch_up()
        with closing(wiring.read_views(wiring.Settings(home=tmp_path))) as views:
            present = Present(views, ledger.log)
            with present.moment(NOW) as moment:
                (receipt,) = ledger.receipts(made("acme", "q"))
                ledger.projector.rebuild([each.name for each in PROJECTIONS])
                ledger.catch_up()
                assert isinstance(receipt, Receipt)
                assert moment.position == receipt.position
                assert moment.views.execute("SELECT promise_id FROM promises").fetchall() == [("p",)]
            with present.moment(NOW) as moment:
                assert moment.position == receipt.position + 1
                assert moment.views.execute("SELECT COUNT(*) FROM promises").fetchone() == (2,)
