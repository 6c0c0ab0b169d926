"""Arbitrary histories: any well-formed facts about one promise, incident, thread, contact, party or policy.

They contradict each other, collide in time, and amend each other, themselves, and what is not there. Times lie around
1970, where microseconds are negative and zero.
"""

from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from domain import policy
from domain.fact import Fact
from domain.instant import HOUR, text
from domain.kinds import KINDS, RESERVED
from domain.stream import Known

KEYS = {"promise": "p", "incident": "i", "feedback": "f", "interaction": "c", "party": "party", "policy": "v"}
FAMILIES = tuple(KEYS)
NAMES = [(source, str(number)) for number in range(6) for source in ("crm", "shop")]

moments = st.integers(-4, 8).map(lambda hours: hours * HOUR)
times = moments.map(text)
ids = st.none() | st.sampled_from(["a", "b"])
words = st.none() | st.just("in words")
names = st.sampled_from(NAMES)


def _fields(**fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {name: value if isinstance(value, st.SearchStrategy) else st.just(value) for name, value in fields.items()}
    )


_promise = {"promise_id": "p"}
_incident = {"incident_id": "i"}
_feedback = {"feedback_id": "f"}
_degree = st.none() | st.integers(-2, 2)

DATA: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "party.registered.v1": _fields(kind=st.sampled_from(["customer", "supplier"]), name=words),
    "party.contact_changed.v1": _fields(contact="Bo"),
    "party.staff_assigned.v1": _fields(role=st.sampled_from(["x", "y"]), person=ids, team=ids),
    "promise.made.v1": _fields(
        **_promise,
        promisor=st.sampled_from(["company", "party"]),
        due_at=st.none() | times,
        team=ids,
        category=ids,
        weight_micro=st.integers(1, 10**9),
        terms=words,
    ),
    "promise.renegotiated.v1": _fields(**_promise, new_due_at=times, consent=st.booleans()),
    "promise.accepted.v1": _fields(**_promise),
    "promise.disputed.v1": _fields(**_promise, why=words),
    "promise.kept.v1": _fields(**_promise),
    "promise.broken.v1": _fields(**_promise, why=words),
    "promise.withdrawn.v1": _fields(**_promise, consent=st.booleans()),
    "promise.lapsed.v1": _fields(**_promise, due_at=times),
    "interaction.recorded.v1": _fields(
        interaction_id="c",
        direction=st.sampled_from(["inbound", "outbound"]),
        purpose=st.sampled_from(["listen", "sell"]),
        effort=st.none() | st.integers(1, 7),
        qualities=st.none() | _fields(trust=_degree, honesty=_degree),
    ),
    "incident.opened.v1": _fields(
        **_incident,
        severity=st.sampled_from(["low", "moderate", "high", "critical"]),
        respond_by=st.none() | times,
        resolve_by=st.none() | times,
        team=ids,
        summary=words,
    ),
    "incident.reopened.v1": _fields(**_incident),
    "incident.resumed.v1": _fields(**_incident),
    "incident.reassigned.v1": _fields(**_incident, team=ids, person=ids),
    "incident.escalated.v1": _fields(**_incident, want_of=st.sampled_from(["authority", "skill"])),
    "incident.responded.v1": _fields(**_incident),
    "incident.paused.v1": _fields(**_incident, reason=ids),
    "incident.resolved.v1": _fields(**_incident, within_authority=st.none() | st.booleans()),
    "incident.closed.v1": _fields(**_incident),
    "incident.response_lapsed.v1": _fields(**_incident, respond_by=times),
    "incident.resolution_lapsed.v1": _fields(**_incident, resolve_by=times),
    "feedback.received.v1": _fields(
        **_feedback,
        instrument=st.sampled_from(["nps", "comment"]),
        score=st.none() | st.integers(0, 5),
        scale_high=st.integers(5, 10),
        answer_by=st.none() | times,
        text=words,
    ),
    "feedback.answered.v1": _fields(**_feedback, text=words),
    "feedback.lapsed.v1": _fields(**_feedback, answer_by=times),
}
"""What a report of each kind may say, but for what it amends. The kinds about policies and amendments are below."""

corrections = _fields(source=st.just("crm"), id=st.sampled_from("012345"), stated_at=times) | _fields(
    source=st.just("shop"), id=st.sampled_from("012345"), stated_at=times
)


@cache
def shipped_policy() -> policy.Policy:
    """The policy that a new ledger starts with."""
    return policy.read((Path(__file__).parents[1] / "infra/policies/default.toml").read_text("utf-8"))


def _policy(half_life_days: int) -> Fact:
    trust = shipped_policy().trust.model_copy(update={"half_life_days": half_life_days})
    return policy.PolicyAdopted(policy=shipped_policy().model_copy(update={"version": "v", "trust": trust}))


def retraction(of: tuple[str, str], stated_at: int, family: str) -> Fact:
    """What takes the fact of this name back."""
    return KINDS["fact.retracted.v1"].model_validate(
        {
            "retracts": {"source": of[0], "id": of[1]},
            "of_family": family,
            "of_key": KEYS[family],
            "stated_at": text(stated_at),
        }
    )


@cache
def facts(family: str) -> st.SearchStrategy[Fact]:
    """Any well-formed fact of the family, amendments included."""
    if family == "policy":
        return st.sampled_from([_policy(90), _policy(180)])
    kinds = [kind for kind in DATA if family == KINDS[kind].FAMILY]
    plain = st.sampled_from(kinds).flatmap(lambda kind: DATA[kind].map(KINDS[kind].model_validate))
    correcting = st.sampled_from(kinds).flatmap(
        lambda kind: st.tuples(DATA[kind], corrections).map(
            lambda both: KINDS[kind].model_validate({**both[0], "corrects": both[1]})
        )
    )
    retracting = st.builds(lambda of, at: retraction(of, at, family), names, moments)
    return st.one_of(plain, plain, plain, correcting, retracting)


def lapses(family: str) -> st.SearchStrategy[Fact]:
    """Any lapse, right or wrong."""
    kinds = sorted(kind for kind in RESERVED if family == KINDS[kind].FAMILY)
    return st.sampled_from(kinds).flatmap(lambda kind: DATA[kind].map(KINDS[kind].model_validate))


def histories(family: str, *start: tuple[Fact, int]) -> st.SearchStrategy[list[Known]]:
    """Any few facts of one stream of the family, in some order of arrival, after the facts that it is to start with."""

    def known(told: list[tuple[int, Fact]]) -> list[Known]:
        story = [*((at, fact) for fact, at in start), *told]
        return [Known(version, at, *NAMES[version], fact) for version, (at, fact) in enumerate(story)]

    return st.lists(st.tuples(moments, facts(family)), min_size=not start, max_size=6).map(known)
