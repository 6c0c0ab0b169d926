"""Replaying: folds the record anew into shadow views, and compares their digests with those of the views that readers see.

    1. see how far what readers see has come, and begin beside it; or go on where a replay that was stopped had come
    2. fold what the source holds up to there: every so often views and how far they have come in one transaction
    3. take the digest of what readers see, and from the same state of it how far it has come by now
    4. fold what came since, up to exactly there; take the digest of that, and compare

What readers see is read, never touched. Both stand alike when as many entries are in them: only such are folded as readers'
views hold, and a source gives each entry once. The shadow has the finer of the partitions that source and readers' views have.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from consumers.ports import LOG, BrokenRecord, Built, Feed, Move, Progress, Reached, Run, Views
from consumers.project import ENTRIES_AT_MOST, PAGE, PENDING_AT_MOST
from consumers.shadow import Judged, Shadow, Telescope
from consumers.together import Together
from domain.entry import Entry
from domain.policy import Policy
from projections.fold import Projection


class Seen(Protocol):
    """What readers see: only to be looked at."""

    def built(self, projection: Projection) -> Built | None:
        """The projection as readers see it; None where they see none, or another version of it."""

    def digest(self, projection: Projection) -> tuple[Built, str] | None:
        """The same with its digest, both from one state."""


class Source(NamedTuple):
    """Where entries are replayed from."""

    name: str
    """What it is, for people."""
    feed: Feed
    end: int
    """How many entries there were when it was opened."""
    telescope: Telescope | None = None
    wait: Callable[[int], bool] = lambda looks: False
    """Waits a moment where there is nothing more yet, told how many looks in a row found nothing; whether to look again."""


class Compared(NamedTuple):
    """A projection that was replayed: from which entries, what came of them, and what readers see of the same."""

    built: Built
    digest: str
    seen_digest: str | None
    """None where readers see nothing that it could be compared with."""

    @property
    def agrees(self) -> bool:
        """Whether readers see what the record says."""
        return self.digest == self.seen_digest


class EndsEarly(BrokenRecord):
    """The source holds fewer entries than what readers see was computed from."""


class Replay:
    """Replays projections from one source into shadow views."""

    def __init__(
        self,
        source: Source,
        shadow: Views,
        seen: Seen,
        projections: Sequence[Projection],
        *,
        policy_of: Callable[[str | None], Policy],
        partition_of: Callable[[str, int], int],
    ) -> None:
        """`policy_of` knows policies by their hash, and by None the one in force; `partition_of(party, how many)` says where
        Kafka has a party. Raises BrokenRecord where the source has other partitions than what readers see."""
        self._source = source
        self._shadow = shadow
        self._seen = seen
        self._policy_of = policy_of
        self._partition_of = partition_of
        self._unwritten = 0
        self._together = Together(source.feed.broken)
        self._shadows = [self._begun(each, seen.built(each)) for each in projections]

    @property
    def taken(self) -> int:
        """How many entries are folded, of a projection on average: more than none at first where a replay goes on."""
        return sum(each.taken for each in self._shadows) // max(1, len(self._shadows))

    def run(self, progress: Progress = lambda done, total: None) -> list[Compared]:
        """Replay, follow, compare. Raises BrokenRecord where the source has a gap or ends early."""
        self._leap(progress)
        self._fold(progress)
        digests = [self._look(number) for number in range(len(self._shadows))]
        self._fold(progress)
        return [
            Compared(each.built, self._shadow.digests([(each.built, each.projection)])[0], digest)
            for each, digest in zip(self._shadows, digests, strict=True)
        ]

    def _look(self, number: int) -> str | None:
        """The digest of what readers see by now; that is where the shadow is to come."""
        shadow = self._shadows[number]
        now = self._seen.digest(shadow.projection)
        if now is None:
            return None
        seen, digest = now
        if seen[:3] == shadow.built[:3]:
            self._aim(shadow, seen)
        if seen[:3] != shadow.built[:3] or shadow.is_beyond:  # another policy has come into force, or all is built anew
            self._shadows[number] = self._begun(shadow.projection, seen)
        return digest

    def _begun(self, projection: Projection, seen: Built | None) -> Shadow:
        """The shadow of what readers see, as far as an earlier replay has come with it, unless that is further than they."""
        policy = self._policy_of(seen.policy_hash if seen is not None and seen.policy_hash else None)
        partitions = self._source.feed.partitions
        if LOG in partitions and seen is not None:
            partitions = [*seen.reached]
        elif seen is not None and LOG not in seen.reached and {*seen.reached} != {*partitions}:
            raise BrokenRecord(f"{projection.name} is kept by {len(seen.reached)} partitions, and there are {len(partitions)}")
        wanted = (projection.name, projection.version, policy.hash if projection.judges else "")
        for each in self._shadow.built():
            if each.name == projection.name and (each[:3] != wanted or {*each.reached} != {*partitions}):
                self._shadow.discard(each)
        shadow = Shadow(self._shadow.build(projection, wanted[2], partitions, live=False), projection, policy)
        self._aim(shadow, seen)
        if shadow.is_beyond:
            self._shadow.discard(shadow.built)
            return self._begun(projection, seen)
        return shadow

    def _aim(self, shadow: Shadow, seen: Built | None) -> None:
        """Let the shadow come as far as readers see; where they see nothing, as far as the source goes."""
        if seen is None:
            shadow.aim(dict.fromkeys(shadow.reached, Reached(self._source.end)), self._source.end)
        else:
            log = seen.reached.get(LOG, Reached())._replace(offset=0)  # which is no offset of Kafka's
            shadow.aim({each: seen.reached.get(each, log) for each in shadow.reached}, seen.position)

    def _leap(self, progress: Progress) -> None:
        """Fold what can be folded without looking at each entry."""
        for each in self._shadows:
            starts = {at.position for at in each.open.values()}
            if self._source.telescope is None or each.projection.of_entry is not None or len(starts) != 1:
                continue
            judged, below = Judged(each.projection, each.policy), partial(self._below, each)
            end = max(at.position for at in each.below.values())
            for leap in self._source.telescope.leaps(starts.pop(), end, judged, below=below):
                each.leap(leap, partial(self._place, each))
                self._write()
                self._tell(progress)

    def _below(self, shadow: Shadow, party: str) -> int:
        return shadow.below[self._place(shadow, party)].position

    def _fold(self, progress: Progress) -> None:
        """Fold entry by entry until all shadows have come as far as they are to."""
        in_vain = 0
        while behind := [each for each in self._shadows if each.taken < each.due]:
            at = self._cursor(behind)
            runs = self._source.feed.take(at, self._limit(at, behind)) if at else ()
            in_vain = 0 if runs else in_vain + 1
            if in_vain and not self._source.wait(in_vain):
                raise EndsEarly(f"{self._source.name} holds fewer entries than what readers see was computed from")
            for run in runs:
                self._give(behind, run)
                self._unwritten += len(run.entries)
            self._tell(progress)
            if self._unwritten > ENTRIES_AT_MOST or sum(each.pending.size for each in behind) > PENDING_AT_MOST:
                self._write()
        self._write()

    def _cursor(self, behind: Sequence[Shadow]) -> dict[int, Reached]:
        """From where each partition of the source is to be read."""
        found: dict[int, list[Reached]] = defaultdict(list)
        for each in behind:
            for partition, at in each.open.items():
                found[partition if partition in self._source.feed.partitions else LOG].append(at)
        return {partition: min(reached) for partition, reached in found.items()}

    def _limit(self, at: Mapping[int, Reached], behind: Sequence[Shadow]) -> int:
        """How many entries to take: of the log itself none that nobody is to fold."""
        if LOG not in at:
            return PAGE
        return min(PAGE, max(below.position for each in behind for below in each.below.values()) - at[LOG].position)

    def _give(self, shadows: Sequence[Shadow], run: Run) -> None:
        """Let shadows fold a run; where some have partitions and the source has none, the entries of each."""
        self._together.give((each, each.take(run)) for each in shadows if run.partition in each.reached)
        partitioned = [each for each in shadows if run.partition not in each.reached]
        for partitions in {tuple(each.reached): None for each in partitioned}:
            alike = [each for each in partitioned if tuple(each.reached) == partitions]
            parts: dict[int, list[tuple[int, Entry]]] = {partition: [] for partition in partitions}
            for entry in run.entries:
                parts[self._place(alike[0], entry[1].party)].append(entry)
            for partition, entries in parts.items():
                self._together.give((each, each.take_part(partition, run, entries)) for each in alike)

    def _place(self, shadow: Shadow, party: str) -> int:
        return LOG if LOG in shadow.reached else self._partition_of(party, len(shadow.reached))

    def _tell(self, progress: Progress) -> None:
        progress(self.taken, sum(each.due for each in self._shadows) // max(1, len(self._shadows)))

    def _write(self) -> None:
        """Write what was folded, with how far that has come."""
        self._together.settle()
        self._together = Together(self._source.feed.broken)
        moved = [each for each in self._shadows if each.reached != each.built.reached]
        if moved:
            self._shadow.write([Move(each.built, each.projection, each.pending, each.reached) for each in moved], ())
        for each in moved:
            each.built = each.built._replace(reached=dict(each.reached))
            each.begin()
        self._unwritten = 0
