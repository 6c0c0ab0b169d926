"""Rebuilding: begins to build projections anew beside what readers see. Whoever drives the views brings it on and swaps it in.

The request is the new, empty generation itself, in the views' own file: `troth serve` finds it at its next step, and where
nobody serves, the next one who drives does.
"""

from collections.abc import Sequence
from contextlib import closing

from consumers.policy import policy_in_force
from consumers.ports import LOG, Built
from consumers.project import RebuildDiffers
from infra import wiring
from infra.asking.answers import NotFound
from infra.settings import Settings
from infra.sqlite.views import ANEW
from infra.tables import Reader, all_built, digest, positions
from infra.turns import undriven
from projections.catalog import PROJECTIONS
from projections.fold import Projection

DIFFERS = (
    "readers still see what they saw, the rebuild is kept beside it, and one of the two is wrong. "
    "`troth rebuild --discard` drops the rebuild, so that serving and asking go on with what readers see; "
    f"where that is the wrong one, {ANEW}; in PostgreSQL, empty the table `projections` in the ledger's schema"
)
"""What to do about a rebuild that differs from what readers see."""


class NoSuchProjection(NotFound):
    """The catalog has no projection of that name."""


def begin(settings: Settings, names: Sequence[str]) -> list[Built]:
    """Begin to build these projections anew, unless that has begun already. Raises NoSuchProjection."""
    by_name = known(names)
    with closing(wiring.open_log(settings)) as log, closing(wiring.open_views(settings)) as views:
        policy_hash = policy_in_force(log, wiring.now()).hash
        read_from = {each.name: tuple(each.reached) for each in views.built() if each.live}
        return [
            views.build(by_name[name], policy_hash if by_name[name].judges else "", read_from.get(name, (LOG,)), live=False)
            for name in dict.fromkeys(names)
        ]


def building(settings: Settings, generations: Sequence[int]) -> list[Built]:
    """Those of these generations that are still being built."""
    with closing(wiring.open_views(settings)) as views:
        return [each for each in views.built() if not each.live and each.generation in generations]


def discard(settings: Settings, names: Sequence[str]) -> list[Built]:
    """Drop what is being built of these projections; readers keep what they see. Raises NoSuchProjection, DrivenElsewhere."""
    known(names)
    with undriven(settings), closing(wiring.open_views(settings)) as views:
        dropped = [each for each in views.built() if not each.live and each.name in names]
        for each in dropped:
            views.discard(each)
        return dropped


def differing(views: Reader) -> list[Built]:
    """What is being built, has come as far as what readers see, and came to something else. Within `one_state` only."""
    built = all_built(views)
    pairs = [(each, twin) for each in built if not each.live and (twin := each.twin(built)) is not None]
    return [
        each
        for each, twin in pairs
        for projection in PROJECTIONS
        if (projection.name, projection.version) == (each.name, each.version)
        and positions(each) == positions(twin)
        and digest(views, each, projection) != digest(views, twin, projection)
    ]


def compare(settings: Settings) -> None:
    """Raise RebuildDiffers where what is being built has come as far as what readers see, and to something else."""
    with closing(wiring.read_views(settings)) as views, views.one_state():
        for each in differing(views):
            raise RebuildDiffers(f"{each.name} v{each.version}: at {each.position} the rebuild differs from what readers see")


def known(names: Sequence[str]) -> dict[str, Projection]:
    """All projections that there are, by name, where these are among them. Raises NoSuchProjection."""
    by_name = {projection.name: projection for projection in PROJECTIONS}
    for name in names:
        if name not in by_name:
            raise NoSuchProjection(f"there is no projection of that name; there are {', '.join(by_name)}")
    return by_name
