"""Stories of facts, told in a line: `tell(made(due="2026-01-10"), kept(at="2026-01-09"))` is the promise's standing.

Facts are told in their order of arrival: the first is version 0 of the stream, and is reported by `crm` under the id "0".
Times are days such as `2026-01-10` (midnight UTC) or RFC 3339. What a story does not say is what these functions say.
"""

from typing import Any, NamedTuple

from domain import kinds
from domain.fact import Fact
from domain.instant import parse
from domain.kinds import KINDS, Standing
from domain.stream import Known

SOURCE = "crm"


class Told(NamedTuple):
    """A fact in a story, and when it happened."""

    fact: Fact
    at: int


def on(time: str) -> int:
    """The instant of a day or an RFC 3339 text."""
    return parse(time if "T" in time else f"{time}T00:00:00Z")


def rfc(time: str) -> str:
    """The day or RFC 3339 text, as a report has it."""
    return time if "T" in time else f"{time}T00:00:00Z"


def fact(kind: str, at: str, /, **data: Any) -> Told:
    """A fact of this kind. `due_at` and the like may be days; `corrects=0` names the first fact told."""
    if isinstance(data.get("corrects"), int):
        data["corrects"] = {"source": SOURCE, "id": str(data["corrects"]), "stated_at": rfc(data.pop("stated"))}
    dated = {k: rfc(v) if k.endswith(("_at", "_by")) and isinstance(v, str) else v for k, v in data.items()}
    return Told(KINDS[kind].model_validate(dated), on(at))


def retracted(version: int, stated: str, family: str = "promise", key: str = "p") -> Told:
    """The fact told as number `version` is taken back."""
    names = {"source": SOURCE, "id": str(version)}
    return fact("fact.retracted.v1", stated, retracts=names, of_family=family, of_key=key, stated_at=stated)


def known(*story: Told) -> list[Known]:
    """The facts as their stream knows them."""
    return [Known(version, each.at, SOURCE, str(version), each.fact) for version, each in enumerate(story)]


def tell(*story: Told) -> Any:
    """The standing that the story leads to."""
    first = story[0].fact
    return kinds.standing(first.family, first.key, known(*story))


def void(*story: Told) -> dict[int, str]:
    """The facts of the story that do not count, by version, with the reason."""
    standing: Standing = tell(*story)
    assert sorted([*standing.by, *(each.version for each in standing.void)]) == list(range(len(story)))
    return {each.version: each.reason for each in standing.void}


# Promises


def made(at: str = "2026-01-01", due: str | None = None, promisor: str = "company", **more: Any) -> Told:
    """The promise `p` is made."""
    return fact("promise.made.v1", at, promise_id="p", promisor=promisor, due_at=due, **more)


def kept(at: str, **more: Any) -> Told:
    """It is kept."""
    return fact("promise.kept.v1", at, promise_id="p", **more)


def broken(at: str, **more: Any) -> Told:
    """It is broken."""
    return fact("promise.broken.v1", at, promise_id="p", **more)


def withdrawn(at: str, consent: bool = True, **more: Any) -> Told:
    """It is taken back."""
    return fact("promise.withdrawn.v1", at, promise_id="p", consent=consent, **more)


def renegotiated(at: str, new_due: str, consent: bool = True, **more: Any) -> Told:
    """A new due time is asked for."""
    return fact("promise.renegotiated.v1", at, promise_id="p", new_due_at=new_due, consent=consent, **more)


def accepted(at: str) -> Told:
    """The promisee accepts."""
    return fact("promise.accepted.v1", at, promise_id="p")


def disputed(at: str) -> Told:
    """The promisee disputes."""
    return fact("promise.disputed.v1", at, promise_id="p")


def lapsed(due: str, at: str | None = None) -> Told:
    """The clock says that the due time passed."""
    return fact("promise.lapsed.v1", at or due, promise_id="p", due_at=due)


# Incidents


def incident(what: str, at: str, **data: Any) -> Told:
    """Something happens to the incident `i`: `incident("paused", "2026-01-02")`."""
    return fact(f"incident.{what}.v1", at, incident_id="i", **data)


def opened(at: str = "2026-01-01", severity: str = "moderate", **data: Any) -> Told:
    """The incident `i` is opened."""
    return incident("opened", at, severity=severity, **data)


# Feedback, contacts, parties


def received(at: str = "2026-01-01", instrument: str = "nps", **data: Any) -> Told:
    """The thread `f` begins."""
    return fact("feedback.received.v1", at, feedback_id="f", instrument=instrument, **data)


def answered(at: str, **data: Any) -> Told:
    """The company answers."""
    return fact("feedback.answered.v1", at, feedback_id="f", **data)


def unanswered(answer_by: str, at: str | None = None) -> Told:
    """The clock says that the time to answer passed."""
    return fact("feedback.lapsed.v1", at or answer_by, feedback_id="f", answer_by=answer_by)


def contact(at: str = "2026-01-01", **data: Any) -> Told:
    """The contact `c` is recorded."""
    given = {"direction": "inbound", "purpose": "serve", **data}
    return fact("interaction.recorded.v1", at, interaction_id="c", **given)


def registered(at: str = "2026-01-01", kind: str = "customer", **data: Any) -> Told:
    """The party is registered."""
    return fact("party.registered.v1", at, kind=kind, **data)


def assigned(at: str, role: str, person: str | None, **data: Any) -> Told:
    """Somebody is there for the party, in a role."""
    return fact("party.staff_assigned.v1", at, role=role, person=person, **data)
