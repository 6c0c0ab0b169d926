"""Promises of the demo, both ways, and how they end."""

from typing import Any, NamedTuple

from domain.instant import DAY, HOUR, MINUTE, text
from infra.demo.telling import ACCOUNTS_SOURCE, Named, Teller, is_workday


class Promised(NamedTuple):
    """What is promised: its category, the team that has it, in how many days, in which words."""

    category: str
    team: str
    days: tuple[int, int]
    terms: str


OURS = {
    "customer": (
        Promised("beans-delivery", "delivery", (2, 5), "The usual beans, before they run out."),
        Promised("repair-visit", "service", (1, 3), "Somebody comes and repairs the machine."),
        Promised("maintenance", "service", (14, 30), "The yearly service of all machines."),
        Promised("callback", "service", (1, 1), "We call back with an answer."),
        Promised("quote", "sales", (2, 4), "A quote for another machine."),
        Promised("credit-note", "accounts", (5, 10), "A credit note for what was charged twice."),
    ),
    "partner": (
        Promised("leads", "sales", (7, 14), "The contacts from the fair."),
        Promised("training-machines", "delivery", (5, 10), "Two machines for the next course."),
        Promised("commission", "accounts", (14, 30), "The commission for the last quarter."),
    ),
    "supplier": (
        Promised("payment", "accounts", (14, 30), "The invoice, paid without deduction."),
        Promised("forecast", "delivery", (5, 10), "How much we shall need next month."),
    ),
    "employee": (
        Promised("roster", "service", (7, 14), "Next month's roster."),
        Promised("tools", "delivery", (10, 20), "The new torque wrenches."),
        Promised("training", "sales", (20, 40), "A place on the barista course."),
    ),
    "community": (
        Promised("coffee-stand", "delivery", (10, 20), "A stand and two baristas."),
        Promised("donation", "accounts", (10, 20), "What we pledged in spring."),
    ),
}
"""What the company promises, by what the party is to it."""
THEIRS = {
    "customer": (
        Promised("payment", "accounts", (14, 30), "The invoice, paid."),
        Promised("access", "service", (1, 3), "The key to the machine room."),
    ),
    "partner": (
        Promised("referral", "sales", (10, 20), "An introduction."),
        Promised("payment", "accounts", (14, 30), "The invoice, paid."),
    ),
    "supplier": (
        Promised("spare-parts", "service", (3, 9), "The boiler valves."),
        Promised("green-beans", "delivery", (10, 25), "Forty sacks, grade one."),
    ),
    "employee": (Promised("certificate", "service", (20, 40), "The electrician's certificate, renewed."),),
    "community": (Promised("permit", "delivery", (10, 20), "The permit for the square."),),
}
"""What the parties promise."""
CHANNELS = "email phone portal visit"
TOUCHPOINTS = {"sales": "sales", "service": "service", "delivery": "product", "accounts": "billing"}


def promise(teller: Teller, at: int, promisor: str) -> None:
    """One side promises the other something, and it ends the way the party's course makes likely."""
    course, kind = teller.party.course, teller.party.kind
    what: Promised = teller.chance.choice((OURS if promisor == "company" else THEIRS)[kind])
    key = teller.key("P")
    due_at = _workday_end(at + teller.chance.randint(*what.days) * DAY)
    dated = not teller.happens(3)
    made = _made(teller, at, promisor, what, key=key, due_at=due_at if dated else None)
    if made is None:
        return
    likely = course.kept[teller.quarter(at)] if promisor == "company" else course.theirs
    if teller.happens(1.5) and dated:
        teller.correct(made, at + 3 * HOUR, due_at=text(due_at + DAY))
    if teller.happens(likely):
        _keep(teller, key, teller.within(at + (due_at - at) // 3, due_at - 5 * MINUTE), course.disputed)
    else:
        _fail(teller, key, at, due_at, course.disputed)


def _made(teller: Teller, at: int, promisor: str, what: Promised, *, key: str, due_at: int | None) -> Named | None:
    person = teller.member(what.team)
    more: dict[str, Any] = {"weight_micro": 2_000_000} if teller.happens(12) else {}
    if promisor == "company" and teller.happens(15):
        more["guarantor"] = person
    return teller.tell(
        at,
        "promise.made.v1",
        ACCOUNTS_SOURCE if what.team == "accounts" else None,
        promise_id=key,
        promisor=promisor,
        terms=what.terms,
        due_at=None if due_at is None else text(due_at),
        team=what.team,
        person=person,
        category=what.category,
        channel=teller.one_of(CHANNELS),
        touchpoint=TOUCHPOINTS[what.team],
        **more,
    )


def _keep(teller: Teller, key: str, at: int, disputed: int) -> None:
    teller.tell(at, "promise.kept.v1", promise_id=key)
    if teller.happens(1):
        teller.tell(at + 2 * HOUR, "promise.kept.v1", promise_id=key)  # two people tick the same box
    if teller.happens(disputed):
        teller.tell(
            at + teller.chance.randint(4, 60) * HOUR, "promise.disputed.v1", promise_id=key, why="That is not what we agreed."
        )
        if teller.happens(40):
            teller.tell(at + 5 * DAY, "promise.accepted.v1", promise_id=key)
    elif teller.happens(12):
        teller.tell(at + teller.chance.randint(1, 30) * HOUR, "promise.accepted.v1", promise_id=key)


def _fail(teller: Teller, key: str, at: int, due_at: int, disputed: int) -> None:
    """How a promise ends that is not simply kept in time."""
    how = teller.chance.choices(
        ("late", "moved", "imposed", "broken", "withdrawn", "forgotten"), weights=(42, 14, 14, 12, 6, 12)
    )[0]
    late_at = due_at + teller.chance.randint(3, 150) * HOUR
    before_due = teller.within(at + (due_at - at) // 2, due_at - HOUR)
    match how:
        case "late":
            _keep(teller, key, late_at, disputed * 2)
        case "moved":
            new_due_at = _workday_end(due_at + teller.chance.randint(1, 4) * DAY)
            teller.tell(before_due, "promise.renegotiated.v1", promise_id=key, new_due_at=text(new_due_at), consent=True)
            _keep(teller, key, teller.within(before_due, new_due_at), disputed)
        case "imposed":
            new_due_at = _workday_end(late_at)
            told_at = before_due if teller.happens(50) else due_at + 2 * HOUR
            agreed = told_at > due_at and teller.happens(50)
            teller.tell(told_at, "promise.renegotiated.v1", promise_id=key, new_due_at=text(new_due_at), consent=agreed)
            _keep(teller, key, max(late_at, told_at + HOUR), disputed * 2)
        case "broken":
            teller.tell(late_at, "promise.broken.v1", promise_id=key, why="Nobody could be spared.")
            if teller.happens(disputed * 3):
                teller.tell(late_at + DAY, "promise.disputed.v1", promise_id=key, why="We were never told.")
        case "withdrawn":
            agreed = teller.happens(60)
            teller.tell(
                before_due, "promise.withdrawn.v1", promise_id=key, consent=agreed, why="No longer needed." if agreed else None
            )
        case _:
            return  # nobody says anything more: it lapses


def _workday_end(at: int) -> int:
    """17:00 of the day, or of the Monday after it where the day is a Saturday or a Sunday (in UTC)."""
    day = at - at % DAY
    while not is_workday(day):
        day += DAY
    return day + 17 * HOUR
