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
    by, do = _who(settings)
    with closing(wiring.open_log(settings)) as log, closing(wiring.read_views(settings)) as views, views.one_state():
        built, wrong, end = all_built(views), differing(views), log.end()
    yield _lag([each.position for each in built if each.live], end, by, do)
    for each in built:
        if each in wrong:
            yield Check(f"rebuild of {each.name}", False, f"at {each.position:,} it differs from what readers see", DIFFERS)
        elif not each.live:
            yield Check(f"rebuild of {each.name}", True, f"{each.position:,} of {end:,} entries")


def _who(settings: Settings) -> tuple[str, str]:
    """Who brings the views on, as far as can be seen from here, and what to do where they are behind."""
    if settings.kafka is not None:  # any number of processes share the partitions, and hold no lock that says so
        return (
            "`troth run project` or `troth serve` brings them on",
            "have one of them run; `troth status` shows how far they are",
        )
    if driven(settings):
        return "a process serves them", "they are catching up"
    return "nobody serves them now", "the next question brings them up to date"


def _lag(reached: list[int], end: int, by: str, do: str) -> Check:
    if max(reached, default=0) > end:
        cut = "the record was cut or emptied: restore the folder from a backup"
        return Check("views", False, f"they have taken in {max(reached):,} entries, and the record has {end:,}", cut)
    lag = end - min(reached, default=0)
    return Check("views", True, f"{lag:,} entries behind; {by}", do if lag else "")
