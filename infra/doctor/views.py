"""The views: how far they have come, and rebuilds that differ."""

from collections.abc import Iterator
from contextlib import closing

from infra import wiring
from infra.doctor.check import Check
from infra.rebuilding import DIFFERS, differing
from infra.settings import Settings
from infra.tables import all_built
from infra.turns import driven


def looked_at(settings: Settings) -> Iterator[Check]:
    """The projections of a ledger that can be read."""
    served = driven(settings)
    with closing(wiring.open_log(settings)) as log, closing(wiring.read_views(settings)) as views, views.one_state():
        built, wrong, end = all_built(views), differing(views), log.end()
    yield _lag([each.position for each in built if each.live], end, served)
    for each in built:
        if each in wrong:
            yield Check(f"rebuild of {each.name}", False, f"at {each.position:,} it differs from what readers see", DIFFERS)
        elif not each.live:
            yield Check(f"rebuild of {each.name}", True, f"{each.position:,} of {end:,} entries")


def _lag(reached: list[int], end: int, served: bool) -> Check:
    if max(reached, default=0) > end:
        do = "the record was cut or emptied: restore the folder from a backup"
        return Check("views", False, f"they have taken in {max(reached):,} entries, and the record has {end:,}", do)
    lag = end - min(reached, default=0)
    who = "a process serves them" if served else "nobody serves them now"
    do = "" if not lag else "they are catching up" if served else "the next question brings them up to date"
    return Check("views", True, f"{lag:,} entries behind; {who}", do)
