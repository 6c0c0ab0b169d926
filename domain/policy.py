"""Policies: the versioned table of weights, half-lives and thresholds that views are computed under.

A policy is adopted by an entry that holds it whole, so that the record alone says what every score meant. Each version
is a stream:

    already_adopted     the version was adopted before, with other content

Adopting the same version again later puts it in force again. Which one is in force at a moment: `in_force`.
"""

import tomllib
from collections.abc import Iterable
from functools import cached_property
from hashlib import sha256
from typing import Annotated, Any, ClassVar, Generic, Literal, Self, TypeVar

import msgspec
from msgspec.structs import replace
from pydantic import Field, StringConstraints, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from domain.fact import Fact, Id, Value
from domain.instant import DAY
from domain.stream import Known, Standing, walk

SUBJECT = "@ledger"
"""The party that policies are reported about: the ledger itself."""

Share = Annotated[int, Field(ge=0, le=1_000_000)]
Mass = Annotated[int, Field(ge=0, le=1_000_000_000_000)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
Days = Annotated[int, Field(ge=1, le=36_500)]
Hours = Annotated[int, Field(ge=1, le=876_000)]
Number = TypeVar("Number", bound=int)


class BySeverity(Value, Generic[Number]):
    """One number for each severity of an incident."""

    low: Number
    moderate: Number
    high: Number
    critical: Number


class TrustRules(Value):
    """How standings become evidence, and evidence a score. `_micro` are millionths."""

    prior_rate_micro: Share
    prior_mass_micro: Annotated[int, Field(ge=1, le=1_000_000_000)]
    half_life_days: Days
    late_ceiling_micro: Share
    disputed_weight_micro: Share
    incident_weight_micro: BySeverity[Mass]
    incident_resolve_hours: BySeverity[Hours]
    reopening_penalty_micro: Share
    feedback_weight_micro: Mass
    feedback_answer_hours: Hours

    @cached_property
    def half_life(self) -> int:
        """The half-life of evidence in microseconds."""
        return self.half_life_days * DAY


class Grade(Value):
    """A word for a score, given where the lower bound of its interval reaches the threshold."""

    name: Id
    lower_bound_micro: Share


class LayerRules(Value):
    """What a layer asks for; a condition of 0 asks for nothing."""

    lower_bound_micro: Share
    mass_micro: Mass
    channels: Count
    topics: Count
    touchpoints: Count
    dialog_micro: Mass
    tenure_days: Count
    kept_by_company: Count
    kept_by_party: Count
    troubles_survived: Count


class Layers(Value):
    """The three layers above orientation, which asks for nothing."""

    exploratory: LayerRules
    affective: LayerRules
    stable: LayerRules
    dialog_half_life_days: Days
    window_days: Days
    hysteresis_micro: Share


class Policy(Value):
    """The whole table. `reasons` says of every number, by its dotted path, why it is what it is."""

    version: Id
    trust: TrustRules
    grades: Annotated[tuple[Grade, ...], Field(strict=False, min_length=1)]
    layers: Layers
    reasons: dict[str, Annotated[str, StringConstraints(min_length=1, max_length=2_000)]]

    @model_validator(mode="after")
    def _every_number_has_its_reason(self) -> Self:
        for path in _numbers(self.model_dump(exclude={"reasons", "version"})):
            if not any(path == named or path.startswith(named + ".") for named in self.reasons):
                raise PydanticCustomError("no_reason", "no reason is given for {path}", {"path": path})
        bounds = [grade.lower_bound_micro for grade in self.grades]
        if bounds != sorted(bounds, reverse=True) or bounds[-1] != 0:
            raise PydanticCustomError("grades", "grades go from the highest lower bound down to 0")
        return self

    @cached_property
    def hash(self) -> str:
        """sha256, in hex, of the canonical form: goes wherever a score goes."""
        return sha256(msgspec.json.encode(self.model_dump(mode="json"), order="sorted")).hexdigest()

    def grade(self, lower_bound_micro: int) -> str:
        """The grade of a score whose interval has this lower bound."""
        return next(grade.name for grade in self.grades if lower_bound_micro >= grade.lower_bound_micro)


class PolicyAdopted(Fact):
    """From this moment the company judges by this policy."""

    KIND: ClassVar[str] = "policy.adopted.v1"
    FAMILY: ClassVar[str] = "policy"
    RANK: ClassVar[int] = 0

    policy: Policy
    """The policy, whole."""
    corrects: None = None

    @property
    def key(self) -> str:
        """The policy's version."""
        return self.policy.version


class PolicyStanding(Standing, frozen=True, kw_only=True, omit_defaults=True, tag="policy", gc=False):
    """A policy on the record, and when it was adopted (microseconds since 1970 UTC)."""

    version: str
    status: Literal["awaiting", "adopted"] = "awaiting"
    hash: str = ""
    policy: dict[str, Any] = msgspec.field(default_factory=dict)
    adopted_at: tuple[int, ...] = ()


class PolicyRefused(ValueError):
    """A policy file that cannot be used, with the places and reasons."""


def read(toml: str) -> Policy:
    """The policy that a TOML file says. Raises PolicyRefused."""
    try:
        return Policy.model_validate(tomllib.loads(toml))
    except tomllib.TOMLDecodeError as wrong:
        raise PolicyRefused(f"the file is no TOML: {wrong}") from None
    except ValidationError as wrong:
        faults = "; ".join(".".join(map(str, each["loc"])) + ": " + each["msg"] for each in wrong.errors())
        raise PolicyRefused(faults) from None


def standing(key: str, known: list[Known]) -> PolicyStanding:
    """The standing of this version of the policy, given all facts about it."""
    return walk(PolicyStanding(version=key), known, take)


def in_force(adopted: Iterable[PolicyStanding], at: int) -> Policy | None:
    """The policy adopted last at or before the instant, or else the first one ever; None where there is none."""
    by_time = sorted((moment, each.version, each) for each in adopted for moment in each.adopted_at)
    if not by_time:
        return None
    chosen = next((each for moment, _, each in reversed(by_time) if moment <= at), by_time[0][2])
    return Policy.model_validate(chosen.policy)


def take(now: PolicyStanding, known: Known) -> PolicyStanding | str:
    """The rule: what one more fact leads to, or why it is void."""
    fact = known.fact
    if not isinstance(fact, PolicyAdopted):
        raise AssertionError(f"{fact.KIND} is no fact about a policy")
    if now.status == "awaiting":
        document = fact.policy.model_dump(mode="json")
        return PolicyStanding(
            version=now.version,
            status="adopted",
            hash=fact.policy.hash,
            policy=document,
            adopted_at=(known.happened_at,),
        )
    if now.hash != fact.policy.hash:
        return "already_adopted"
    return replace(now, adopted_at=(*now.adopted_at, known.happened_at))


def _numbers(value: Any, *path: str) -> Iterable[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _numbers(inner, *path, key)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _numbers(inner, *path)
    elif isinstance(value, int):
        yield ".".join(path)
