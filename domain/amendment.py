"""Corrections and retractions: which facts of a stream count.

A correction or retraction names the fact it is about (source, id) and when that was stated. Whatever it names in a
chain of corrections, it is about the fact at the chain's root. Of all the amendments of one root the latest stated
stands (ties by source, then id); retracting a correction or a retraction takes that one out and lets the next latest
stand.

Void by name:
    awaits_corrected, awaits_retracted      names a fact that is not there (yet)
    corrects_another_kind                   a correction says the same kind of thing as what it corrects
    amends_in_a_circle                      following what amends what leads back to it
    retracts_what_was_stated_later          one cannot take back what has not been said
    corrected, retracted                    the amended fact itself
    superseded                              an amendment, by one of the same fact stated later
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from domain.fact import Fact, Id, PersonalText, Reference
from domain.instant import Instant

if TYPE_CHECKING:
    from domain.stream import Known

Name = tuple[str, str]


class FactRetracted(Fact):
    """An earlier report should never have been made: the fact it brought no longer counts. The record keeps both."""

    KIND: ClassVar[str] = "fact.retracted.v1"
    RANK: ClassVar[int] = 99

    retracts: Reference
    """The report that is taken back."""
    of_family: Literal["party", "promise", "interaction", "incident", "feedback"]
    """The family of the stream that it belongs to."""
    of_key: Id
    """The key of that stream: the promise's id, the incident's id, …; for the party's own stream, `party`."""
    stated_at: Instant
    """When the retraction was stated."""
    why: PersonalText | None = None
    """In the publisher's words."""
    corrects: None = None

    @model_validator(mode="after")
    def _names_a_stream_that_there_can_be(self) -> Self:
        if self.of_family == "party" and self.of_key != "party":
            raise PydanticCustomError("no_such_stream", "of_key is `party` where of_family is")
        return self

    @property
    def family(self) -> str:
        """The family of the stream that the retracted fact is in."""
        return self.of_family

    @property
    def key(self) -> str:
        """The key of the stream that the retracted fact is in."""
        return self.of_key


def target(fact: Fact) -> Name | None:
    """(source, id) of the fact that this one amends, or None."""
    if isinstance(fact, FactRetracted):
        return fact.retracts.source, fact.retracts.id
    return (fact.corrects.source, fact.corrects.id) if fact.corrects is not None else None


def stated_at(fact: Fact) -> int | None:
    """When this amendment was stated, in microseconds since 1970 UTC; None where the fact amends nothing."""
    if isinstance(fact, FactRetracted):
        return fact.stated_at
    return fact.corrects.stated_at if fact.corrects is not None else None


def settle(known: list[Known]) -> tuple[list[Known], dict[int, str]]:
    """The facts that take part, by (happened_at, rank of kind, source, id), and the void ones' reasons by version."""
    void: dict[int, str] = {}
    taking_part = known[:]
    if any(target(each.fact) is not None for each in known):
        _amend(known, void)
        taking_part = [each for each in known if each.version not in void and not isinstance(each.fact, FactRetracted)]
    if len(taking_part) > 1:
        taking_part.sort(key=lambda each: (each.happened_at, each.fact.RANK, each.source, each.id))
    return taking_part, void


def happened_by(known: list[Known], until: int) -> list[Known]:
    """The facts that had happened by `until` (microseconds since 1970 UTC), as they are known to have happened.

    Amendments are knowledge, not happenings: what they take out or put right is out or right at every moment, whenever that
    was stated. So where there are any they are carried out first, and only what takes part is handed back.
    """
    if all(target(each.fact) is None for each in known):
        return [each for each in known if each.happened_at <= until]
    taking_part, _ = settle(known)
    return [
        each._replace(fact=each.fact.model_copy(update={"corrects": None})) for each in taking_part if each.happened_at <= until
    ]


def _amend(known: list[Known], void: dict[int, str]) -> None:
    by_name = {(each.source, each.id): each for each in known}
    by_root: dict[Name, list[Known]] = defaultdict(list)
    for each in known:
        if target(each.fact) is None:
            continue
        root = _root(each, by_name)
        if isinstance(root, str):
            void[each.version] = root
        elif not isinstance(each.fact, FactRetracted) and type(root.fact) is not type(each.fact):
            void[each.version] = "corrects_another_kind"
        else:
            by_root[root.source, root.id].append(each)
    for root_name, amendments in by_root.items():
        _decide(by_name[root_name], sorted(amendments, key=_stated, reverse=True), void)


def _root(amendment: Known, by_name: dict[Name, Known]) -> Known | str:
    """The fact at the root of the chain, or why there is none."""
    at, seen = amendment, {(amendment.source, amendment.id)}
    while (name := target(at.fact)) is not None:
        if name in seen:
            return "amends_in_a_circle"
        if name not in by_name:
            return "awaits_retracted" if isinstance(amendment.fact, FactRetracted) else "awaits_corrected"
        seen.add(name)
        at = by_name[name]
    return at


def _decide(root: Known, latest_first: list[Known], void: dict[int, str]) -> None:
    """Let the latest stated amendment stand, and say of all the others why they do not."""
    taken_back: set[Name] = set()
    seen: set[Name] = set()
    decided: Known | None = None
    for each in latest_first:
        seen.add((each.source, each.id))
        named = target(each.fact)
        if (each.source, each.id) in taken_back:
            void[each.version] = "retracted"
        elif isinstance(each.fact, FactRetracted) and named != (root.source, root.id):
            if named in seen:
                void[each.version] = "retracts_what_was_stated_later"
            elif named is not None:
                taken_back.add(named)
        elif decided is None:
            decided = each
        else:
            void[each.version] = "superseded"
    if decided is not None:
        void[root.version] = "retracted" if isinstance(decided.fact, FactRetracted) else "corrected"


def _stated(amendment: Known) -> tuple[int, str, str]:
    return stated_at(amendment.fact) or 0, amendment.source, amendment.id
