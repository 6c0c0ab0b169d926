"""A stream: all the facts about one promise, one incident, one thread. Small, and the unit of consistency."""

from collections.abc import Callable
from hashlib import sha1
from typing import NamedTuple, TypeVar
from uuid import NAMESPACE_URL

from msgspec import Struct
from msgspec.structs import replace

from domain.amendment import settle, target
from domain.fact import Fact


class Known(NamedTuple):
    """A fact as its stream knows it: which report brought it, and its number (`version`) in order of arrival."""

    version: int
    happened_at: int
    source: str
    id: str
    fact: Fact


class Void(Struct, frozen=True, array_like=True, gc=False):
    """A fact that is on the record and does not count, with the reason by name."""

    version: int
    reason: str


class Standing(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="family", gc=False):
    """What a stream amounts to, given all facts known about it: a pure function of the set of its facts.

    `by` and `void` name facts by their version, which is the only thing in it that depends on arrival.
    """

    by: tuple[int, ...] = ()
    void: tuple[Void, ...] = ()


S = TypeVar("S", bound=Standing)
Rule = Callable[[S, Known], S | str]
"""How a family lets one more fact count: the standing it leads to, or the reason why it is void."""


def stream_id(ledger: str, family: str, party: str, key: str) -> str:
    """The stream's id: a uuid5 in hex, so that every fact finds its stream from its own content. NUL occurs in no part."""
    name = f"troth:{ledger}\0{family}\0{party}\0{key}".encode()
    digest = bytearray(sha1(NAMESPACE_URL.bytes + name, usedforsecurity=False).digest()[:16])
    # What the module uuid does too, at three times the price, once for every report.
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    return digest.hex()


def walk(initial: S, known: list[Known], rule: Rule[S]) -> S:
    """The standing that the facts lead to when the rule takes them in the order of happening."""
    if len(known) == 1 and target(known[0].fact) is None:  # as most streams begin
        return follow(initial, known[0], rule)
    taking_part, void = settle(known)
    standing = initial
    for each in taking_part:
        led_to = rule(standing, each)
        if isinstance(led_to, str):
            void[each.version] = led_to
        else:
            standing = led_to
    counted = sorted([each.version for each in known if each.version not in void])
    return replace(standing, by=tuple(counted), void=tuple([Void(version, void[version]) for version in sorted(void)]))


def follow(standing: S, new: Known, rule: Rule[S]) -> S:
    """The standing that one more fact leads to, where it comes behind all others and none of them amends another."""
    led_to = rule(standing, new)
    if isinstance(led_to, str):
        return replace(standing, void=(*standing.void, Void(new.version, led_to)))
    return replace(led_to, by=(*standing.by, new.version), void=standing.void)


def awaiting(standing: S, *, before: str, now: str) -> S:
    """The same standing, where what some facts came before is not known at all: they await it."""
    return replace(standing, void=tuple(Void(v.version, now) if v.reason == before else v for v in standing.void))
