"""`troth board`: the company as a whole; who keeps their word; how long it takes; who was let down and recovered."""

import re
from functools import partial
from typing import Annotated, Any

import typer

from infra.asking import board, kept, recovered
from infra.asking.board import BoardAnswer, Duration, DurationsAnswer, DurationsWanted, Measure
from infra.asking.kept import (
    Dimension,
    KeptInMonth,
    MonthsAnswer,
    MonthsWanted,
    PromisesKept,
    PromisorsAnswer,
    PromisorsWanted,
    SortBy,
)
from infra.asking.recovered import GOOD, RecoveredAnswer, RecoveredWanted
from infra.cli.opened import AsOf, KnownAt, asking
from infra.cli.paged import Cursor, Limit, Order, more, seconds
from infra.cli.show import Json, as_json, day, out, share, table

KEPT = ["kept in time#", "late#", "overdue#", "broken#", "share#", "interval", "DPMO#", "sigma#", "interval"]


def _month(value: str | None) -> str | None:
    if value is not None and re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", value) is None:
        raise typer.BadParameter("must be a month such as 2026-01")
    return value


def whole(
    *,
    by: Annotated[Dimension, typer.Option(help="By teams (queues), people, categories or channels.")] = "company",
    months: Annotated[bool, typer.Option("--months", help="How promises came out, by month.")] = False,
    durations: Annotated[bool, typer.Option("--durations", help="How long responding, resolving and answering took.")] = False,
    let_down: Annotated[bool, typer.Option("--recovered", help="Which parties were let down and recovered.")] = False,
    value: Annotated[str | None, typer.Option(help="With --months: one team, person, category or channel.")] = None,
    measure: Annotated[Measure | None, typer.Option(help="With --durations: only this.")] = None,
    good: Annotated[int, typer.Option(min=1, max=1000, help="With --recovered: as desired so often since.")] = GOOD,
    sort: Annotated[SortBy, typer.Option(help="lower: who surely keep their word first; upper: who surely do not.")] = "lower",
    order: Order = None,
    since: Annotated[str | None, typer.Option(callback=_month, help="Count from this month on, such as 2026-01.")] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    cursor: Cursor = None,
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """Show the company as a whole, who keeps their word, how long it takes, or who was let down and recovered."""
    if months + durations + let_down > 1:
        raise typer.BadParameter("ask for one of --months, --durations and --recovered at a time")
    page: dict[str, Any] = {"cursor": cursor, "limit": limit}
    ask: Any = board.of_company
    if let_down:
        ask = partial(recovered.listed, wanted=RecoveredWanted(good=good, **page))
    elif durations:
        ask = partial(board.durations, wanted=DurationsWanted(dimension=by, measure=measure, since=since))
    elif months:
        ask = partial(kept.months, wanted=MonthsWanted(dimension=by, value=value, since=since, **page))
    elif by != "company":
        ask = partial(kept.promisors, wanted=PromisorsWanted(dimension=by, sort=sort, order=order, since=since, **page))
    with asking(as_of, known_at) as moment:
        answer = ask(moment)
    as_json(answer) if json else _show(answer)


def _show(answer: BoardAnswer | PromisorsAnswer | MonthsAnswer | DurationsAnswer | RecoveredAnswer) -> None:
    match answer:
        case BoardAnswer():
            _company(answer)
        case PromisorsAnswer():
            _promisors(answer)
            more(answer.next)
        case MonthsAnswer():
            _months("", answer.months)
            more(answer.next)
        case DurationsAnswer():
            _durations("", answer.durations)
        case RecoveredAnswer():
            _recovered(answer)
            more(answer.next)


def _company(answer: BoardAnswer) -> None:
    sides = [("company", answer.by_company), ("parties", answer.by_parties)]
    table(
        "Promises by", ["", *KEPT], [(name, *_kept(each)) for name, each in sides if each.opportunities], empty="No promises."
    )
    out.print(
        f"promises of the company: {answer.overdue_now} overdue now, {answer.due_soon} due within seven days; "
        f"{answer.open_incidents} incidents open\n"
    )
    _months("By month", answer.months)
    _durations("How long it took", answer.durations)
    rows = [(each.reason, each.fact_count, each.stream_count) for each in answer.unsettled]
    table("What does not count", ["reason", "facts#", "streams#"], rows, empty="Every fact counts.")
    if (stand := answer.relationships) is None:
        return
    out.print("\ntrust in us: " + ", ".join(f"{name} {count}" for name, count in stand.grades.items()))
    out.print("layers: " + ", ".join(f"{name} {count}" for name, count in stand.layers.items()) + "\n")
    near = [
        (each.party, each.grade, share(each.lower_micro), share(each.upper_micro), each.layer, each.overdue_count)
        for each in stand.near_edge
    ]
    table(
        "Near the edge", ["party", "trust", "lower#", "upper#", "layer", "overdue#"], near, empty="Nobody is known well enough."
    )


def _promisors(answer: PromisorsAnswer) -> None:
    columns = [answer.dimension, "trust", "score#", "interval", "evidence#", *KEPT[:-2], "sigma#", "due soon#"]
    rows = []
    for each in answer.promisors:
        score = each.score
        interval = f"{share(score.lower_micro)} to {share(score.upper_micro)}"
        trusted = (each.subject, score.grade, share(score.score_micro), interval, score.evidence_count)
        rows.append((*trusted, *_kept(each.kept)[:-1], each.due_soon))
    table("", columns, rows, empty="Nobody promised anything.")


def _months(title: str, months: list[KeptInMonth]) -> None:
    rows = [(each.month, each.value, *_kept(each.kept)) for each in months]
    table(title, ["month", "of", *KEPT], rows, empty="No promise was due.")


def _durations(title: str, durations: list[Duration]) -> None:
    rows = [
        (each.measure, each.value, each.count, seconds(each.p50_seconds), seconds(each.p90_seconds), seconds(each.p95_seconds))
        for each in durations
    ]
    table(title, ["", "of", "count#", "half within#", "90 %#", "95 %#"], rows, empty="Nothing was responded to yet.")


def _recovered(answer: RecoveredAnswer) -> None:
    rows = [
        (
            each.party,
            day(each.failed_at),
            f"{each.family} {each.reference}: {each.because}",
            each.failure_count,
            each.good_count,
            day(each.recovered_at),
            f"{share(each.before_micro)}, {share(each.failed_micro)}, {share(each.recovered_micro)}",
            f"{share(each.now.score_micro)} {each.now.grade}",
        )
        for each in answer.recovered
    ]
    columns = ["party", "let down", "by", "times#", "kept since#", "recovered", "trust before, after, then", "now"]
    table("", columns, rows, empty="Nobody that was let down has recovered.")
    out.print(f"of {answer.let_down_count} that were ever let down {answer.recovered_count} recovered")


def _kept(it: PromisesKept) -> tuple[object, ...]:
    return (
        it.in_time_count,
        it.late_count,
        it.overdue_count,
        it.broken_count,
        _number(it.on_time_micro),
        _interval(it.on_time_lower_micro, it.on_time_upper_micro),
        None if it.dpmo_micro is None else f"{it.dpmo_micro / 1_000_000:,.0f}",
        _number(it.sigma_micro),
        _interval(it.sigma_lower_micro, it.sigma_upper_micro),
    )


def _number(micro: int | None) -> str:
    return "" if micro is None else share(micro)


def _interval(lower: int | None, upper: int | None) -> str:
    """An open end, and an interval of which nothing is known, are left blank."""
    return "" if lower is None and upper is None else f"{_number(lower)} to {_number(upper)}"
