"""Rebuilding: begins to build projections anew beside what readers see. Whoever drives the views brings it on and swaps it in.

The request is the new, empty generation itself, in the views' own file: `troth serve` finds it at its next step, and where
nobody serves, the next one who drives does.
"""

from collections.abc import Sequence
from contextlib import closing

from consumers.policy import policy_in_force
from consumers.ports import Built
from infra import wiring
from infra.asking.answers import NotFound
from infra.settings import Settings
from infra.sqlite.views import open_views
from projections.catalog import PROJECTIONS


class NoSuchProjection(NotFound):
    """The catalog has no projection of that name."""


def begin(settings: Settings, names: Sequence[str]) -> list[Built]:
    """Begin to build these projections anew, unless that has begun already. Raises NoSuchProjection."""
    by_name = {projection.name: projection for projection in PROJECTIONS}
    for name in names:
        if name not in by_name:
            raise NoSuchProjection(f"there is no projection of that name; there are {', '.join(by_name)}")
    with closing(wiring.open_log(settings)) as log, closing(open_views(settings.home)) as views:
        policy_hash = policy_in_force(log, wiring.now()).hash
        building = {each.name: each for each in views.built() if not each.live}
        return [
            building.get(name) or views.build(by_name[name], policy_hash if by_name[name].judges else "", live=False)
            for name in dict.fromkeys(names)
        ]


def building(settings: Settings, generations: Sequence[int]) -> list[Built]:
    """Those of these generations that are still being built."""
    with closing(open_views(settings.home)) as views:
        return [each for each in views.built() if not each.live and each.generation in generations]
