"""Layers: up by what happened, down by neglect, steady in between; the same whether months are left out or not."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.instant import DAY, month_end, month_of, parse, text
from projections.layers import (
    BREADTH,
    COUNTS,
    MICRO,
    MONTHS,
    NAMES,
    PROJECTION,
    Layer,
    Months,
    Move,
    Trusted,
    walk,
)
from tests.ledgers import Message, contact, kept, made, said
from tests.projections.folded import POLICY, numbers, recorded, state

RULES = POLICY.layers


def trusted(mass: int = 10**9, lower: int = MICRO) -> Callable[[int], Trusted]:
    """The same trust at any time."""
    return lambda _: Trusted(mass, lambda: lower, lambda bound: lower >= bound)


def months_of(*reports: Message) -> Months:
    """The months of acme after these reports."""
    held, months = state(PROJECTION, recorded(reports)), Months()
    for key, row in held[MONTHS.name].items():
        months.counts[numbers(key[1:])[0]] = dict(zip(COUNTS, numbers(row), strict=True))
    for _, month, dimension, value in held[BREADTH.name]:
        months.breadth.setdefault(numbers([month])[0], []).append((str(dimension), str(value)))
    return months


def dialog(*days: str, **more: str) -> list[Message]:
    """On each of these days an exchange, there and back, and a promise that was kept."""
    reports = []
    for day in days:
        reports.append(contact("acme", f"{day}-in", day, **{"topic": "delivery", **more}))
        reports.append(contact("acme", f"{day}-out", day, direction="outbound"))
        reports += [made("acme", day, day), kept("acme", day, day)]
    return reports


def on(day: str) -> int:
    """The instant at which a day begins."""
    return parse(f"{day}T00:00:00Z")


def moved(walked: tuple[Layer, list[Move]]) -> list[tuple[str, str]]:
    """The moves: the day after the month, and the layer from then on."""
    return [(text(month_end(move.month))[:10], move.after) for move in walked[1]]


def counted(*reports: Message) -> dict[str, int]:
    """What these reports count for, in all months together."""
    counts = months_of(*reports).counts.values()
    return {name: total for name in COUNTS if (total := sum(month[name] for month in counts))}


def test_an_incident_and_a_thread_are_dialog_too() -> None:
    opened = said("incident.opened.v1", "acme", "2026-01-01", incident_id="i", severity="low")
    resolved = said("incident.resolved.v1", "acme", "2026-02-01", incident_id="i")
    received = said("feedback.received.v1", "acme", "2026-01-01", feedback_id="f", instrument="nps", score=9)
    answered = said("feedback.answered.v1", "acme", "2026-01-02", feedback_id="f")
    assert counted(opened) == {"inbound": 1}
    assert counted(opened, resolved) == {"inbound": 1, "outbound": 1, "troubles_survived": 1}
    assert counted(received, answered) == {"inbound": 1, "outbound": 1}


def test_only_what_was_kept_in_time_counts_as_kept() -> None:
    theirs = said("promise.made.v1", "acme", "2026-01-01", promise_id="t", promisor="party", due_at="2026-01-09")
    late = [made("acme", "late", due="2026-01-05"), kept("acme", "late", "2026-01-06")]
    assert counted(made("acme", "p", due="2026-01-05"), kept("acme", "p", "2026-01-05"), *late) == {"kept_by_company": 1}
    assert counted(theirs, kept("acme", "t", "2026-01-09")) == {"kept_by_party": 1}


def test_without_anything_there_is_orientation_and_what_the_next_layer_asks_for() -> None:
    layer, moves = walk(Months(), on("2026-01-01"), trusted(0, 0), POLICY)
    assert (layer.name, layer.next_name, layer.held_by, moves) == ("orientation", "exploratory", (), [])
    asks = {each.name: (each.value, each.needed, each.met) for each in layer.next_asks}
    assert asks["dialog_micro"] == (0, RULES.exploratory.dialog_micro, False)
    assert asks["trust_lower_bound_micro"] == (0, RULES.exploratory.lower_bound_micro, False)
    assert asks["channels"] == (0, 0, True)
    assert len(asks) == 10


def test_without_a_contact_there_is_no_tenure_on_any_day_of_the_month() -> None:
    layer, _ = walk(Months(), on("2026-01-31"), trusted(), POLICY)
    assert [each.value for each in layer.next_asks if each.name == "tenure_days"] == [0]


@pytest.mark.parametrize(("now", "layer"), [("2026-02-13", "orientation"), ("2026-02-14", "exploratory")])
def test_tenure_is_counted_to_the_day_and_passes_in_silence(now: str, layer: str) -> None:
    assert walk(months_of(*dialog("2026-01-31")), on(now), trusted(), POLICY)[0].name == layer


def test_dialog_is_halved_with_every_half_life_since_its_month() -> None:
    months, end = months_of(*dialog("2026-01-31")), month_end(month_of(on("2026-01-31")))
    asks = [walk(months, end + days * DAY, trusted(0), POLICY)[0].next_asks for days in (0, 89, 90, 270, 900, 990)]
    values = [next(each.value for each in one if each.name == "dialog_micro") for one in asks]
    assert values == [2 * MICRO, 2 * MICRO, MICRO, MICRO // 4, 2 * (MICRO >> 10), 0]


def test_neglect_leads_back_and_what_was_is_history() -> None:
    months = months_of(*dialog("2025-01-10", "2025-02-10", "2025-03-10"))
    assert moved(walk(months, on("2026-11-23"), trusted(), POLICY)) == [
        ("2025-02-01", "exploratory"),
        ("2025-10-01", "orientation"),
    ]


def test_trust_that_falls_leads_back_though_the_dialog_goes_on() -> None:
    def falling(at: int) -> Trusted:
        return trusted(lower=500_000 if at < on("2025-06-01") else 100_000)(at)

    months = months_of(*dialog(*(f"2025-{month:02}-10" for month in range(1, 9))))
    assert moved(walk(months, on("2025-09-01"), falling, POLICY)) == [
        ("2025-02-01", "exploratory"),
        ("2025-06-01", "orientation"),
    ]


def test_all_the_way_up_and_down_again() -> None:
    days = [f"{year}-{month:02}-{day}" for year in (2023, 2024) for month in range(1, 13) for day in (10, 20)]
    reports = [*dialog(*days, channel="phone", touchpoint="sales")]
    reports += [contact("acme", f"{day}-{topic}", day, topic=topic, channel="mail") for day in days for topic in "ab"]
    for number in (1, 2):
        trouble = {"incident_id": str(number), "ident": f"opened-{number}"}
        reports.append(said("incident.opened.v1", "acme", f"2023-0{number}-01", severity="low", **trouble))
        reports.append(said("incident.resolved.v1", "acme", f"2023-0{number}-02", incident_id=str(number)))
        whose = {"promise_id": f"t{number}", "promisor": "party"}
        reports += [said("promise.made.v1", "acme", "2023-01-01", **whose), kept("acme", f"t{number}", "2023-02-01")]
    walked = walk(months_of(*reports), on("2026-11-23"), trusted(), POLICY)
    layers = [layer for _, layer in moved(walked)]
    assert layers[:3] == ["exploratory", "affective", "stable"]
    assert layers[-1] == walked[0].name == "orientation"
    assert layers[3:] == sorted(layers[3:], key=NAMES.index, reverse=True)


def test_to_hold_a_layer_takes_less_than_to_reach_it() -> None:
    once, then = RULES.exploratory.lower_bound_micro, RULES.exploratory.lower_bound_micro * 9 // 10

    def easing(at: int) -> Trusted:
        return trusted(lower=once if at < on("2025-04-01") else then)(at)

    months = months_of(*dialog(*(f"2025-{month:02}-10" for month in range(1, 7))))
    layer, _ = walk(months, on("2025-07-01"), easing, POLICY)
    assert layer.name == "exploratory"
    assert all(each.met for each in layer.held_by)
    assert walk(months, on("2025-07-01"), trusted(lower=then), POLICY)[0].name == "orientation"


def test_four_fifths_of_one_topic_are_one_topic() -> None:
    # It holds while the window holds the topic of January 2024; the dialog goes on without one.
    reports = [*dialog("2024-01-10")]
    for year, month in [(2024 + m // 12, m % 12 + 1) for m in range(1, 20)]:
        day = f"{year}-{month:02}-10"
        reports += [contact("acme", f"{day}-i", day), contact("acme", f"{day}-o", day, direction="outbound")]
    assert moved(walk(months_of(*reports), on("2025-09-01"), trusted(), POLICY)) == [
        ("2024-02-01", "exploratory"),
        ("2025-02-01", "orientation"),
    ]


def test_trust_is_not_looked_at_while_something_else_is_missing() -> None:
    def never(at: int) -> Trusted:
        raise AssertionError(f"trust was looked at, at {at}")

    trouble = [said("incident.opened.v1", "acme", f"2011-0{n}-04", incident_id=str(n), severity="low") for n in (3, 6)]
    solved = [said("incident.resolved.v1", "acme", f"2011-0{n}-05", incident_id=str(n)) for n in (3, 6)]
    layer, moves = walk(months_of(*trouble, *solved), on("2026-11-23"), never, POLICY)
    assert (layer.name, moves) == ("orientation", [])


counts_of_a_month = st.fixed_dictionaries({name: st.integers(0, 3) for name in COUNTS})
met_in_a_month = st.lists(
    st.sampled_from([(each, value) for each in ("channel", "topic", "touchpoint") for value in "abc"]), unique=True, max_size=5
)
some_months = st.dictionaries(
    st.integers(480, 530), st.tuples(counts_of_a_month, met_in_a_month, st.integers(1, 28)), max_size=20
)


@settings(max_examples=60)
@given(some_months, st.integers(480, 540), st.integers(0, 27), st.lists(st.integers(0, 700_000), min_size=1, max_size=9))
def test_leaving_out_months_changes_nothing(
    given_months: dict[int, tuple[dict[str, int], list[tuple[str, str]], int]], last: int, day: int, bounds: list[int]
) -> None:
    months, at = Months(), month_end(last - 1) + day * DAY
    for month, (counts, met, first_day) in given_months.items():
        months.counts[month] = {name: count * (1 + 2 * (name in ("inbound", "outbound"))) for name, count in counts.items()}
        months.breadth[month] = [*met, ("day", text(month_end(month - 1))[:8] + f"{first_day:02}")]

    def trust_at(instant: int) -> Trusted:
        lower = bounds[instant // DAY % len(bounds)]
        return trusted(lower * 20, lower)(instant)

    layer, moves = walk(months, at, trust_at, POLICY)
    assert (layer.level, [(move.month, move.after) for move in moves]) == judged_every_month(months, at, trust_at)


def judged_every_month(months: Months, at: int, trust_at: Callable[[int], Trusted]) -> tuple[int, list[tuple[int, str]]]:
    """The layer, and the moves, by judging each month from the first one on from all that is known."""
    active = sorted(month for month in months.counts if month <= month_of(at))
    level, moves = 0, []
    for month in range(active[0], month_of(at) + 1) if active else ():
        instant = min(month_end(month), at)
        there = all_there_is(months, active, month, instant, at) | {"mass_micro": trust_at(instant).mass_micro}
        reached = 0
        for each in (1, 2, 3):
            rules = getattr(RULES, NAMES[each])
            share = RULES.hysteresis_micro if each <= level else MICRO
            enough = all(value * MICRO >= getattr(rules, name) * share for name, value in there.items())
            if enough and trust_at(instant).reaches(-(-rules.lower_bound_micro * share // MICRO)):
                reached = each
        if reached != level:
            moves.append((month, NAMES[reached]))
        level = reached
    return level, moves


def all_there_is(months: Months, active: list[int], month: int, instant: int, at: int) -> dict[str, int]:
    """What there is at the instant, added up from nothing."""
    first = parse(max(value for dimension, value in months.breadth[active[0]] if dimension == "day") + "T00:00:00Z")
    so_far = [each for each in active if each <= month]

    def halvings(of: int) -> int:
        return (instant - min(month_end(of), at)) // (RULES.dialog_half_life_days * DAY)

    recent = [each for each in so_far if halvings(each) <= 10]
    spoken = [sum(months.counts[each][way] * MICRO >> halvings(each) for each in recent) for way in COUNTS[:2]]
    window = month_of(instant - RULES.window_days * DAY)
    met = {pair for each in so_far if each >= window for pair in months.breadth[each]}
    breadth = {f"{name}s": sum(dimension == name for dimension, _ in met) for name in ("channel", "topic", "touchpoint")}
    totals = {name: sum(months.counts[each][name] for each in so_far) for name in COUNTS[2:]}
    return {"tenure_days": (instant - first) // DAY, "dialog_micro": 2 * min(spoken), **totals, **breadth}
