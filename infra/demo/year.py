"""The whole year: the courses of all parties together, and what reaches the ledger that it has to refuse."""

import json
from datetime import date, timedelta

from domain.instant import DAY, HOUR, parse, text
from infra.demo import contacts, promises
from infra.demo.cast import PARTIES, TEAMS, Party
from infra.demo.telling import YEAR_DAYS, Arriving, Named, Teller, event, is_workday


def begins_at(until: date) -> int:
    """The first instant of the year that ends with a day, in microseconds since 1970 UTC."""
    return parse(f"{until - timedelta(days=YEAR_DAYS - 1)}T00:00:00Z")


def ends_at(until: date) -> int:
    """The first instant behind the year."""
    return begins_at(until) + YEAR_DAYS * DAY


def reports(seed: int, until: date) -> list[Arriving]:
    """All reports of the year that ends with this day, in the order in which they arrive."""
    start = begins_at(until)
    arriving = [each for party in PARTIES for each in course(party, seed, start)]
    arriving += _refusable(start)
    return sorted(arriving)


def course(party: Party, seed: int, start: int) -> list[Arriving]:
    """The reports of one party's year, which begins at an instant (microseconds since 1970 UTC)."""
    teller = Teller(party, seed, start)
    known_at = start + party.course.begins_on * DAY + teller.chance.randint(8, 16) * HOUR
    teller.tell(known_at, "party.registered.v1", kind=party.kind, name=party.name)
    teller.tell(known_at + HOUR, "party.staff_assigned.v1", role="account manager", person=party.manager, team="sales")
    teller.tell(
        known_at + 2 * HOUR, "party.staff_assigned.v1", role="engineer", person=teller.member("service"), team="service"
    )
    for day in range(party.course.begins_on, YEAR_DAYS):
        midnight = start + day * DAY
        if is_workday(midnight):
            _workday(teller, midnight)
    _changes(teller, known_at)
    return teller.arriving


def _workday(teller: Teller, midnight: int) -> None:
    course = teller.party.course
    quarter = teller.quarter(midnight)
    percent_a_day = course.contacts[quarter] * 100 / 50  # ten weeks are fifty days of work
    opens_at, closes_at = midnight + 8 * HOUR, midnight + 17 * HOUR
    if teller.happens(percent_a_day * 0.8):
        contacts.contact(teller, teller.within(opens_at, closes_at))
    if teller.happens(percent_a_day * 0.65):
        promises.promise(teller, teller.within(opens_at, closes_at), "company")
    if teller.happens(percent_a_day * 0.25):
        promises.promise(teller, teller.within(opens_at, closes_at), "party")
    if teller.happens(course.troubles[quarter] * 100 / 65):
        contacts.trouble(teller, teller.within(opens_at, closes_at))
    if teller.happens(percent_a_day * 0.08):
        contacts.feedback(teller, teller.within(opens_at, closes_at), teller.one_of("nps nps review complaint comment"))


def _changes(teller: Teller, known_at: int) -> None:
    """Who speaks for the party, and who is there for it, changes in the course of the year."""
    half_way = max(known_at, teller.begins_at) + 160 * DAY
    if teller.happens(40):
        teller.tell(
            half_way + 9 * HOUR, "party.contact_changed.v1", contact=f"The new manager, office@{teller.party.id}.example"
        )
    if teller.party.course.kept[3] < 60:  # a new crew, and nobody told them
        teller.tell(half_way + 20 * DAY, "party.staff_assigned.v1", role="engineer", person=TEAMS["service"][3], team="service")
        teller.tell(half_way + 40 * DAY, "party.staff_assigned.v1", role="account manager")


def _refusable(start: int) -> list[Arriving]:
    """Reports that no ledger can record, as they come in every company."""
    at = start + 60 * DAY + 10 * HOUR
    kept = {"promise_id": "P-9000"}
    good = Named("crm", "refusable/1", "promise.kept.v1", kept, at)
    made = {"promise_id": "P-9001", "promisor": "company"}
    faulty = [
        event("harbour-hotel", good),
        event("harbour-hotel", good._replace(data={"promise_id": "P-9002"})),  # the same id says something else
        event("harbour-hotel", good._replace(id="refusable/2", kind="promise.remembered.v1")),
        event("cafe-aurora", good._replace(id="refusable/3", at=at + 90 * DAY)),  # in the future
        event("cafe-aurora", good._replace(id="refusable/4")).replace(text(at).encode(), b"2026-02-30T10:00:00Z"),
        event("union-brewery", good._replace(id="refusable/5", kind="promise.made.v1", data=made | {"weight": 3})),
        json.dumps({"id": "refusable/6"}).encode(),
        event("union-brewery", good._replace(id="refusable/7"))[:-9],  # cut off on the way
    ]
    return [Arriving(at + number * 3 * DAY + HOUR, raw) for number, raw in enumerate(faulty)]
