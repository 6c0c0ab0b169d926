"""Which policy is in force: read from the record, where every policy was adopted by an entry."""

from consumers.ports import OfParty
from domain.entry import decode
from domain.policy import SUBJECT, Policy, PolicyStanding, in_force


class NoPolicy(Exception):
    """No policy was ever adopted in this ledger, so nothing can be judged."""


def policy_in_force(log: OfParty, at: int, *, known_at: int | None = None) -> Policy:
    """The policy in force at an instant (microseconds since 1970 UTC), as far as was known at another. Raises NoPolicy.

    Before any was known, it is the first that ever was.
    """
    policy = in_force(_standings(log, known_at) or _standings(log), at)
    if policy is None:
        raise NoPolicy("no policy was adopted: `troth policy adopt FILE` adopts one")
    return policy


def in_force_until(log: OfParty, at: int) -> int | None:
    """When the next of the policies adopted by now comes into force after an instant, or None where none does."""
    return min((moment for each in _standings(log) for moment in each.adopted_at if moment > at), default=None)


def adopted_policies(log: OfParty) -> list[Policy]:
    """Every policy that was ever adopted."""
    return [Policy.model_validate(each.policy) for each in _standings(log) if each.adopted_at]


def _standings(log: OfParty, known_at: int | None = None) -> list[PolicyStanding]:
    standings: dict[str, PolicyStanding] = {}
    for entry in (decode(stored.state) for stored in log.of_party(SUBJECT)):
        after = entry.after
        if isinstance(after, PolicyStanding) and (known_at is None or entry.recorded_at <= known_at):
            standings[after.version] = after
    return list(standings.values())
