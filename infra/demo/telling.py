"""What a course of events is made of: reports, each with when it happened and when it arrives."""

import json
from random import Random
from typing import Any, NamedTuple

from domain.instant import DAY, HOUR, MINUTE, text
from infra.demo.cast import TEAMS, Party

SOURCES = {"party": "crm", "promise": "crm", "interaction": "crm", "incident": "desk", "feedback": "survey", "fact": "crm"}
"""Which of the company's systems reports what, by the family of the kind."""
ACCOUNTS_SOURCE = "billing"
YEAR_DAYS = 365
TRIES = 20
"""How often another minute is tried where one lies at night or at a week-end."""


class Arriving(NamedTuple):
    """A report on its way: when it reaches the ledger (microseconds since 1970 UTC), and its bytes."""

    at: int
    raw: bytes


class Named(NamedTuple):
    """A report that was told, for those that refer to it."""

    source: str
    id: str
    kind: str
    data: dict[str, Any]
    at: int


class Teller:
    """Tells what happens with one party. Its chance is its own, so that no party's year changes with another's."""

    def __init__(self, party: Party, seed: int, begins_at: int) -> None:
        self.party = party
        self.chance = Random(f"{seed}:{party.id}")  # noqa: S311  # the same year again is what it is for
        self.begins_at = begins_at
        self.ends_at = begins_at + YEAR_DAYS * DAY
        self.arriving: list[Arriving] = []
        self.told: list[Named] = []
        self._count = 0

    def happens(self, percent: float) -> bool:
        """Whether something happens that has this many chances in a hundred."""
        return self.chance.random() * 100 < percent

    def one_of(self, choices: str) -> str:
        """One of some words."""
        return self.chance.choice(choices.split())

    def member(self, team: str) -> str:
        """Somebody of a team."""
        return self.chance.choice(TEAMS[team])

    def quarter(self, at: int) -> int:
        """The quarter of the year, 0 to 3, that an instant lies in."""
        return min(3, max(0, (at - self.begins_at) * 4 // (YEAR_DAYS * DAY)))

    def within(self, start: int, end: int) -> int:
        """Some full minute from start to end; at night or at a week-end only where there is hardly another."""
        minutes = max(0, end - start) // MINUTE
        for _ in range(TRIES):
            at = start + self.chance.randint(0, minutes) * MINUTE
            if is_workday(at) and 7 * HOUR <= at % DAY < 19 * HOUR:
                break
        return at

    def key(self, what: str) -> str:
        """An id of the publisher's, such as `P-0007`."""
        self._count += 1
        return f"{what}-{self._count:04}"

    def tell(self, at: int, kind: str, source: str | None = None, /, **data: Any) -> Named | None:
        """Report that something happened. What had not happened, or arrived, by the end of the year is not told."""
        if not self.begins_at <= at < self.ends_at:
            return None
        self._count += 1
        named = Named(source or SOURCES[kind.split(".", maxsplit=1)[0]], f"{self.party.id}/{self._count}", kind, data, at)
        self._send(named, self._delay())
        self.told.append(named)
        if self.happens(2.5):
            self._send(named, self.chance.randint(1, 48) * HOUR)
        return named

    def correct(self, named: Named, stated_at: int, **changed: Any) -> None:
        """Report the same again with something put right."""
        corrects = {"source": named.source, "id": named.id, "stated_at": text(stated_at)}
        again = {name: value for name, value in named.data.items() if name != "corrects"} | changed | {"corrects": corrects}
        self._amend(named.at, stated_at, named._replace(id=f"{named.id}/corrected", data=again))

    def retract(self, named: Named, family: str, key: str, stated_at: int) -> None:
        """Take back what was reported."""
        data = {
            "retracts": {"source": named.source, "id": named.id},
            "of_family": family,
            "of_key": key,
            "stated_at": text(stated_at),
            "why": "Entered against the wrong name.",
        }
        self._amend(stated_at, stated_at, Named(named.source, f"{named.id}/retracted", "fact.retracted.v1", data, stated_at))

    def _amend(self, at: int, stated_at: int, amendment: Named) -> None:
        if stated_at < self.ends_at:
            self.arriving.append(Arriving(stated_at, event(self.party.id, amendment._replace(at=at))))

    def _send(self, named: Named, delay: int) -> None:
        arrives_at = named.at + delay
        if arrives_at < self.ends_at:
            self.arriving.append(Arriving(arrives_at, event(self.party.id, named)))

    def _delay(self) -> int:
        if self.happens(4):
            return self.chance.randint(1, 9) * DAY
        return self.chance.randint(1, 20) * MINUTE


def is_workday(at: int) -> bool:
    """Whether the day that an instant lies in is one from Monday to Friday, in UTC."""
    return (at // DAY + 3) % 7 < 5  # 1970-01-01 was a Thursday


def event(party: str, named: Named) -> bytes:
    """The report as a CloudEvent in structured form."""
    message = {
        "specversion": "1.0",
        "id": named.id,
        "source": named.source,
        "type": named.kind,
        "subject": party,
        "time": text(named.at),
        "datacontenttype": "application/json",
        "data": {name: value for name, value in named.data.items() if value is not None},
    }
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
