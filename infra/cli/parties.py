"""`troth parties`: the list of parties. `troth show`: the company view of one of them, from either seat."""

from collections.abc import Sequence
from typing import Annotated, Literal

import typer

from domain.party import PartyKind
from infra.asking import company, parties, theirs
from infra.asking.company import OursAnswer, Promised, StaffShown
from infra.asking.layers import ConditionShown
from infra.asking.parties import LayerName, PartiesAnswer, PartiesWanted, SortBy
from infra.asking.theirs import MyPromises, TheirsAnswer
from infra.asking.trust import ScoreShown
from infra.cli.incidents import rows as incident_rows
from infra.cli.incidents import target
from infra.cli.opened import AsOf, KnownAt, asking
from infra.cli.paged import Cursor, Limit, Order, more, plain
from infra.cli.promises import PROMISE_COLUMNS
from infra.cli.promises import rows as promise_rows
from infra.cli.show import Json, as_json, day, minute, out, share, table

ENTRIES = 5
"""How many of the entries behind a condition a line names; --json has up to twenty."""


def listed(
    *,
    sort: Annotated[SortBy, typer.Option(help="By what to sort; trust is what is assured of it, its lower bound.")] = "trust",
    order: Order = None,
    kind: Annotated[PartyKind | None, typer.Option(help="Only those registered as this.")] = None,
    grade: Annotated[str | None, typer.Option(help="Only those of this grade, such as `unknown`.")] = None,
    layer: Annotated[LayerName | None, typer.Option(help="Only those in this layer.")] = None,
    search: Annotated[str | None, typer.Option(help="Only those with this in their name or id.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """List the parties as they are now: trust with its interval, layer, and what is overdue."""
    wanted = PartiesWanted(
        sort=sort, order=order, kind=kind, grade=grade, layer=layer, search=search or None, cursor=cursor, limit=limit
    )
    with asking() as moment:
        answer = parties.listed(moment, wanted)
    as_json(answer) if json else _page(answer)


def show(
    party: Annotated[str, typer.Argument(help="The party's id.")],
    *,
    seat: Annotated[Literal["ours", "theirs"], typer.Option(help="Who looks: the company, or the party itself.")] = "ours",
    as_of: AsOf = None,
    known_at: KnownAt = None,
    json: Json = False,
) -> None:
    """Show what lies between the company and one party, from either seat."""
    with asking(as_of, known_at, party) as moment:
        answer = company.ours(moment, party) if seat == "ours" else theirs.theirs(moment, party)
    if json:
        as_json(answer)
    elif isinstance(answer, OursAnswer):
        _ours(answer)
    else:
        _theirs(answer)


def _page(answer: PartiesAnswer) -> None:
    columns = ["party", "name", "kind", "grade", "trust#", "interval", "evidence#", "layer", "overdue#", "incidents#", "last"]
    shown = [
        (
            each.party,
            plain(each.name),
            each.kind,
            each.grade,
            share(each.score_micro),
            f"{share(each.lower_micro)} to {share(each.upper_micro)}",
            share(each.mass_micro),
            each.layer,
            each.overdue_count,
            each.open_incident_count,
            day(each.last_at),
        )
        for each in answer.parties
    ]
    table("", columns, shown, empty="No party meets the question." if answer.asked.position > 1 else "Nothing is recorded yet.")
    if answer.count is not None and answer.parties:
        out.print(f"{len(answer.parties):,} of {answer.count:,}")
    more(answer.next)


def _ours(answer: OursAnswer) -> None:
    _who(answer.party, answer.name, answer.kind)
    _score("their trust in us", answer.in_us)
    _score("our trust in them", answer.in_them)
    out.print(f"layer: {answer.layer}")
    steps = [(each.do.replace("_", " "), each.reference.removesuffix("_micro"), each.because) for each in answer.next_steps]
    _section("What to do next" if steps else "Nothing to do next", ["what", "which", "because"], steps)
    _conditions(answer)
    _promised("We promised them", answer.promised_to_them)
    _promised("They promised us", answer.promised_to_us)
    _people("People" if answer.people else "Nobody of us is assigned to them", answer.people)
    counts = answer.incidents.counts
    title = f"Incidents: {counts.total}, not resolved {counts.open + counts.paused}, past their target {counts.past_target}"
    _section(title, *incident_rows(answer.incidents.unresolved, party=False))
    waiting = [
        (each.feedback_id, each.instrument, minute(each.received_at), minute(each.answer_by), each.team)
        for each in answer.feedback_waiting
    ]
    title = f"Feedback: {answer.feedback_count}, waiting for an answer {answer.feedback_waiting_count}"
    _section(title, ["thread", "instrument", "received", "answer by", "team"], waiting)
    contacts = [
        (minute(each.happened_at), each.direction, each.purpose, each.channel, each.topic, each.team, each.person)
        for each in answer.interactions[:5]
    ]
    columns = ["when", "direction", "purpose", "channel", "topic", "team", "person"]
    _section(f"Contacts: {answer.interaction_count}" + (", the latest" if contacts else ""), columns, contacts)
    unsettled = [(each.family, each.reference, each.reason, each.fact_count) for each in answer.unsettled]
    title = f"Facts on the record that do not count: {answer.unsettled_count}"
    _section(title, ["what", "which", "why", "facts#"], unsettled)


def _theirs(answer: TheirsAnswer) -> None:
    _who(answer.party, answer.name, None)
    _mine("Promised to me", answer.promised_to_me)
    _mine("Promised by me", answer.promised_by_me)
    _people("My people" if answer.people else "Nobody of the company is assigned to me", answer.people)
    incidents = [
        (
            each.incident_id,
            each.status + (", past target" if each.past_target else ""),
            each.category,
            minute(each.opened_at),
            target(each.resolve_by, each.resolve_due_at),
            minute(each.resolved_at),
        )
        for each in answer.incidents
    ]
    columns = ["incident", "status", "category", "opened", "resolve by", "resolved"]
    _section(f"My incidents: {answer.incident_count}", columns, incidents)
    feedback = [
        (each.feedback_id, each.status, each.instrument, minute(each.received_at), minute(each.answered_at))
        for each in answer.feedback
    ]
    columns = ["thread", "status", "instrument", "received", "answered"]
    _section(f"My feedback: {answer.feedback_count}", columns, feedback)


def _section(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    out.print(f"\n{title}", style="bold", soft_wrap=True)
    if rows:
        table("", columns, rows, empty="")


def _who(party: str, name: str | None, kind: str | None) -> None:
    known_as = [each for each in (plain(name), kind) if each]
    out.print(party + (f" ({', '.join(known_as)})" if known_as else ""))


def _score(title: str, score: ScoreShown) -> None:
    out.print(
        f"{title}: {score.grade}, {share(score.score_micro)}, interval {share(score.lower_micro)} to "
        f"{share(score.upper_micro)}, from {score.evidence_count} pieces of evidence",
    )


def _conditions(answer: OursAnswer) -> None:
    """What holds the party in its layer, and what the next one misses, each with the entries that make what there is."""
    asked = [(each, f"to stay {answer.layer}") for each in answer.held_by if each.needed]
    asked += [(each, f"to become {answer.next_layer}") for each in answer.missing]
    rows = [(each.name.removesuffix("_micro").replace("_", " "), *_amounts(each), why, _entries(each)) for each, why in asked]
    _section("What the layer stands on", ["condition", "there is#", "it takes#", "", "entries"], rows)


def _amounts(of: ConditionShown) -> list[str]:
    return [share(each) if of.name.endswith("_micro") else str(each) for each in (of.value, of.needed)]


def _entries(of: ConditionShown) -> str:
    if of.named_in == "explanation":
        return "see `troth explain`"
    named = of.entries[:ENTRIES]
    more = of.entry_count - len(named)
    return ", ".join(map(str, named)) + (f" and {more} more" if more else "")


def _people(title: str, people: Sequence[StaffShown]) -> None:
    rows = [(each.role, each.person, each.team, day(each.since_at)) for each in people]
    _section(title, ["role", "person", "team", "since"], rows)


def _promised(title: str, promised: Promised) -> None:
    of = promised.counts
    kept = f"kept early {of.kept_early}, on time {of.kept_on_time}, late {of.kept_late}, broken {of.broken}"
    title = f"{title}: {of.total}, open {of.open} (overdue {of.overdue}, due {of.due}), {kept}, disputed {of.disputed}"
    _section(title, *promise_rows(promised.pressing, party=False))


def _mine(title: str, mine: MyPromises) -> None:
    shown = [
        (
            each.promise_id,
            each.status + (", disputed" if each.disputed else ""),
            each.category,
            minute(each.made_at),
            minute(each.due_at),
            minute(each.ended_at),
            each.person,
        )
        for each in mine.promises
    ]
    of = mine.counts
    kept = f"kept in time {of.kept_early + of.kept_on_time}, late {of.kept_late}, broken {of.broken}"
    _section(f"{title}: {of.total}, open {of.open} (overdue {of.overdue}), {kept}", [*PROMISE_COLUMNS, "person"], shown)
