"""A crowd of publishers: seeded reports about many parties, with contradictions, corrections, retractions and repeats.

The streams are of two sorts. Those that lapse are certain to: nothing that is said of them can keep what was promised, so
what the clock records of them is the same whenever it looks. Of all others nothing ever lapses, and they contradict themselves
at will. So the views that come of a crowd are the same for every order and every speed, with the clock running beside.
"""

import random
from collections.abc import Iterator
from typing import Any

from domain.instant import DAY, HOUR, MINUTE, text
from tests.ledgers import NOW, Message, said

PUBLISHERS = ("crm", "tickets", "logistics")
TEAMS = ("alpha", "beta", None)
CHANNELS = ("mail", "phone", None)
CATEGORIES = ("delivery", "refund", None)


def crowd(seed: int, streams: int, *, parties: int = 20, repeated: float = 0.1, until: int = NOW - DAY) -> list[Message]:
    """Reports of about `streams` streams, none of which happened after `until`, shuffled; some come more than once."""
    chance = random.Random(seed)
    said_all = [report for number in range(streams) for report in _Story(chance, seed, number, parties, until).told()]
    said_all += [each for each in said_all if chance.random() < repeated]
    chance.shuffle(said_all)
    return said_all


class _Story:
    """What is said about one stream."""

    def __init__(self, chance: random.Random, seed: int, number: int, parties: int, until: int) -> None:
        self._chance = chance
        self._key = f"{seed}-{number}"
        self._party = f"party-{chance.randrange(parties)}"
        self._until = until
        self._begun = until - chance.randrange(1, 400) * DAY
        self._said = 0

    def told(self) -> Iterator[Message]:
        tellers = (self._promise, self._lapsing_promise, self._incident, self._lapsing_incident)
        teller = self._chance.choice((*tellers, self._feedback, self._contact, self._registration))
        reports = list(teller())
        yield from reports
        yield from self._amendments(reports)

    def _promise(self) -> Iterator[Message]:
        whose = {"promise_id": self._key}
        for _ in range(self._chance.choice((0, 1, 1, 1, 2))):
            yield self._say("promise.made.v1", **whose, promisor=self._one(("company", "party")), **self._whereabouts())
        for kind in self._some(("kept", "broken", "accepted", "disputed", "kept")):
            yield self._say(f"promise.{kind}.v1", **whose)
        if self._chance.random() < 0.2:
            yield self._say("promise.withdrawn.v1", **whose, consent=self._chance.random() < 0.5)

    def _lapsing_promise(self) -> Iterator[Message]:
        due = self._begun + self._chance.randrange(1, 30) * HOUR
        whose = {"promise_id": self._key}
        yield self._say("promise.made.v1", at=self._begun, **whose, promisor="company", due_at=text(min(due, self._until)))
        for kind in self._some(("accepted", "disputed")):
            yield self._say(f"promise.{kind}.v1", **whose)

    def _incident(self) -> Iterator[Message]:
        whose = {"incident_id": self._key}
        for _ in range(self._chance.choice((0, 1, 1, 1, 2))):
            severity = self._one(("low", "moderate", "high", "critical"))
            yield self._say("incident.opened.v1", **whose, severity=severity, **self._whereabouts())
        for kind in self._some(("responded", "paused", "resumed", "resolved", "reopened", "closed", "paused", "resumed")):
            yield self._say(f"incident.{kind}.v1", **whose)

    def _lapsing_incident(self) -> Iterator[Message]:
        whose = {"incident_id": self._key}
        by = [text(self._begun + self._chance.randrange(1, 20) * MINUTE) for _ in range(2)]
        yield self._say("incident.opened.v1", at=self._begun, **whose, severity="high", respond_by=by[0], resolve_by=by[1])
        for kind in self._some(("paused", "resumed")):  # after the targets: what was missed before a pause stays missed
            at = self._begun + self._chance.randrange(1, 200) * HOUR
            yield self._say(f"incident.{kind}.v1", at=at, **whose)

    def _feedback(self) -> Iterator[Message]:
        whose = {"feedback_id": self._key}
        lapsing = self._chance.random() < 0.5
        more = {"answer_by": text(self._begun + HOUR)} if lapsing else {}
        yield self._say(
            "feedback.received.v1", at=self._begun, **whose, instrument="nps", score=self._chance.randrange(11), **more
        )
        if not lapsing:
            yield self._say("feedback.answered.v1", **whose)

    def _contact(self) -> Iterator[Message]:
        way = {"direction": self._one(("inbound", "outbound")), "purpose": self._one(("serve", "sell", "thank"))}
        for _ in range(self._chance.choice((1, 1, 1, 2))):
            yield self._say("interaction.recorded.v1", interaction_id=self._key, **way, topic=self._one(("price", "fault")))

    def _registration(self) -> Iterator[Message]:
        yield self._say("party.registered.v1", kind=self._one(("customer", "supplier")), name=f"Name {self._key}")
        yield self._say("party.staff_assigned.v1", role=self._one(("manager", "engineer")), person=f"person-{self._key}")

    def _amendments(self, reports: list[Message]) -> Iterator[Message]:
        """Corrections and retractions, in streams that cannot lapse only: a pause put right may hold back what had lapsed."""
        if any(name in each["data"] for each in reports for name in ("due_at", "respond_by", "answer_by")):
            return
        for of in reports:
            if self._chance.random() > 0.15:
                continue
            names = {"source": of["source"], "id": of["id"]}
            stated = text(self._until - self._chance.randrange(1, 1000) * MINUTE)
            if self._chance.random() < 0.6:
                yield self._say(of["type"], **{**of["data"], "corrects": {**names, "stated_at": stated}})
                continue
            family = of["type"].split(".")[0]
            key = of["data"].get(f"{family}_id", "party")
            yield self._say("fact.retracted.v1", retracts=names, of_family=family, of_key=key, stated_at=stated)

    def _say(self, kind: str, /, *, at: int | None = None, **data: Any) -> Message:
        self._said += 1
        when = self._begun + self._chance.randrange(0, 200) * HOUR if at is None else at
        ident = f"{self._key}-{self._said}"
        return said(kind, self._party, text(min(when, self._until)), ident=ident, source=self._one(PUBLISHERS), **data)

    def _whereabouts(self) -> dict[str, str | None]:
        return {"team": self._one(TEAMS), "channel": self._one(CHANNELS), "category": self._one(CATEGORIES)}

    def _one(self, of: tuple[Any, ...]) -> Any:
        return self._chance.choice(of)

    def _some(self, of: tuple[str, ...]) -> list[str]:
        return self._chance.sample(of, self._chance.randrange(len(of) + 1))
