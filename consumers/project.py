"""Projecting: folds entries into views from where they stand.

    1. see which projections are wanted, under which policy; begin to build what is not there yet
    2. bring what readers see up to date: fold, then views and how far they have come in one transaction
    3. bring what is being built a step nearer to that
    4. what has come as far is folded along with it from then on; where both agree, let readers see it

While far behind, changes are written every so many keys; when near, at every step. Readers never wait: a new version, or the
same under another policy, is built beside the one they see, which goes on under its own policy until then.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from consumers.policy import adopted_policies, in_force_until, policy_in_force
from consumers.ports import Built, Clock, Entries, Feed, Fenced, Log, Move, Progress, Reached, Run, Views
from consumers.together import Together
from domain.instant import SECOND
from domain.policy import SUBJECT, Policy
from projections.fold import Pending, Projection, pending_for

PAGE = 2_000
"""How many entries are taken from a feed at once, at most."""
PENDING_AT_MOST = 100_000
"""How many changed keys are kept in memory before they are written, beside the streams that are gathered."""
ENTRIES_AT_MOST = 500_000
"""How many entries are folded before what they changed is written, however few keys that are."""
FENCED_AT_MOST = 20
"""How often in a row others may be faster before that is passed on: it is no race any more."""
LOOK_EVERY = 5 * SECOND
"""How often to look for a policy that was adopted in a partition which is not read here, in microseconds."""


class RebuildDiffers(Exception):
    """A rebuild under the same version and policy came to another digest than what readers see: one of them is wrong."""


class Projector:
    """Folds entries into one set of views. Several may share the views, each with partitions of its own: they are fenced."""

    def __init__(
        self,
        log: Log,
        feed: Feed,
        views: Views,
        projections: Sequence[Projection],
        clock: Clock,
        *,
        rebuilding: Feed | None = None,
        streams_at_most: int | None = None,
    ) -> None:
        """`rebuilding` is where what is being built is read from, if not from the feed itself.

        `streams_at_most`: of how many streams entries are gathered before they are folded, in one go.
        """
        self._streams_at_most = streams_at_most
        self._log = log
        self._feed = feed
        self._rebuilding = rebuilding or feed
        self._views = views
        self._clock = clock
        self._projections = {projection.name: projection for projection in projections}
        self._fenced = 0
        self._look_up_policy()

    @property
    def policy(self) -> Policy:
        """The policy in force when last looked."""
        return self._policy

    def step(self) -> bool:
        """Bring views nearer to the end of the record; False where all that are read here are there.

        Where another projector was faster, nothing is written, and the next step goes on from where the views stand by then.
        """
        try:
            moved = self._step()
        except Fenced:
            self._fenced += 1
            if self._fenced > FENCED_AT_MOST:
                raise
            return True
        self._fenced = 0
        return moved

    def _step(self) -> bool:
        if self._clock() >= self._look_again_at:
            self._look_up_policy()
        built = self.begin_what_is_wanted()
        if not self._building(built):
            return self._advance_what_is_seen(built)
        ends = self._feed.ends()
        moved = self._advance_what_is_seen(built)
        for each in self._building(self._views.built()):
            moved = self._advance_what_is_built(each) or moved
        for each in self._building(self._views.built()):
            self._swap_if_there(each.name, ends)
        return moved

    def catch_up(self, progress: Progress = lambda done, total: None) -> None:
        """Step until all views have reached the end of the record."""
        while self.step():
            built = self._views.built()
            progress(min((each.position for each in built if self._can_fold(each)), default=0), self._log.end())

    def rebuild(self, names: Sequence[str]) -> list[Built]:
        """Begin to build these projections anew, beside what readers see; `step` brings them on and swaps them in."""
        return [self._build(self._projections[name], live=False) for name in names]

    def begin_what_is_wanted(self) -> list[Built]:
        """Make the tables of what is not there yet: from then on readers find them, empty as they may be. All that is there."""
        built = self._views.built()
        if any(self._is_discarded(each) for each in built):
            self._look_up_policy()  # another projector may have heard of a policy that we have not heard of
        changed = False
        for projection in self._projections.values():
            of_it = [each for each in built if each.name == projection.name]
            for each in of_it:
                if self._is_discarded(each):
                    self._views.discard(each)
                    changed = True
            if not any(self._is_wanted(each) for each in of_it):
                self._build(projection, live=not any(each.live for each in of_it))
                changed = True
        return self._views.built() if changed else built

    def _build(self, projection: Projection, *, live: bool) -> Built:
        policy_hash = self._policy.hash if projection.judges else ""
        return self._views.build(projection, policy_hash, self._feed.partitions, live=live)

    def _look_up_policy(self) -> None:
        now = self._clock()
        self._policy = policy_in_force(self._log, now)
        self._policies = {each.hash: each for each in adopted_policies(self._log)}
        self._look_again_at = min(now + LOOK_EVERY, in_force_until(self._log, now) or now + LOOK_EVERY)

    def _can_fold(self, built: Built) -> bool:
        """Whether this is a fold that we know, over the partitions that there are, under a policy that was adopted."""
        projection = self._projections.get(built.name)
        if projection is None or projection.version != built.version or {*built.reached} != {*self._feed.partitions}:
            return False
        return not projection.judges or built.policy_hash in self._policies

    def _is_wanted(self, built: Built) -> bool:
        """Whether it is also under the policy in force."""
        return self._can_fold(built) and built.policy_hash in ("", self._policy.hash)

    def _is_discarded(self, built: Built) -> bool:
        """Whether nobody wants what is being built any more; what a newer troth is building is left to it."""
        projection = self._projections.get(built.name)
        known = projection is not None and built.version <= projection.version
        return known and not built.live and not self._is_wanted(built)

    def _building(self, built: Sequence[Built]) -> list[Built]:
        return [each for each in built if not each.live and self._is_wanted(each)]

    def _advance_what_is_seen(self, built: Sequence[Built]) -> bool:
        """Fold what follows into what readers see, and along with it into what is being built and has come as far."""
        seen = [each for each in built if each.live and self._can_fold(each)]
        along = self._building(built)
        moved = self._advance(self._feed, seen or along, along if seen else ())
        if moved:
            self._feed.done()
        return moved

    def _advance_what_is_built(self, built: Built) -> bool:
        """Fold what follows into what is being built, as far as what readers see has come: there it meets it."""
        seen = self._seen(self._views.built(), built.name)
        return self._advance(self._rebuilding, [built], upto=seen.reached if seen is not None else None)

    def _advance(
        self, feed: Feed, leading: Sequence[Built], along: Sequence[Built] = (), upto: Mapping[int, Reached] | None = None
    ) -> bool:
        """Fold what follows the least that the leading ones have reached, until there is enough to write or nothing more."""
        folding = [self._folding(each) for each in (*leading, *along)]
        at = {p: min(each.reached[p] for each in leading) for p in feed.partitions} if leading else {}
        together, taken = Together(feed.broken, self._streams_at_most), 0
        while at := {p: reached for p, reached in at.items() if upto is None or reached.position < upto[p].position}:
            runs = [_until(run, upto) for run in feed.take(at, PAGE)]
            for run in runs:
                together.give((each, each.take(run)) for each in folding)
                taken += len(run.entries)
                at[run.partition] = Reached(run.entries[-1][0] + 1, run.offset)
            full = taken > ENTRIES_AT_MOST or sum(each.pending.size for each in folding) > PENDING_AT_MOST
            if not runs or not feed.more or full or together.is_about(SUBJECT):
                break
        if taken:
            together.settle()
            self._views.write([each.move() for each in folding if each.reached != each.built.reached], together.parties)
            # From here on readers see these entries, and a projector that starts again starts behind them.
        if together.is_about(SUBJECT):
            self._look_up_policy()
        return taken > 0

    def _folding(self, built: Built) -> "_Folding":
        projection = self._projections[built.name]
        policy = self._policies[built.policy_hash] if projection.judges else self._policy
        return _Folding(built, projection, policy, pending_for(projection), dict(built.reached))

    def _seen(self, built: Sequence[Built], name: str) -> Built | None:
        """What readers see of a projection, where that goes on."""
        return next((each for each in built if each.live and each.name == name and self._can_fold(each)), None)

    def _swap_if_there(self, name: str, ends: Mapping[int, int]) -> None:
        """Let readers see what was built, once it is as far as what they see, or else as the record was when the step began."""
        views = self._views.built()
        built = next((each for each in views if each.name == name and not each.live and self._is_wanted(each)), None)
        if built is None:
            return
        seen, projection = self._seen(views, name), self._projections[name]
        if seen is None:
            if any(built.reached[partition].offset < end for partition, end in ends.items()):
                return
        elif any(built.reached[partition].position < at.position for partition, at in seen.reached.items()):
            return
        elif seen.policy_hash == built.policy_hash:
            one, other = self._views.digests([(seen, projection), (built, projection)])
            if one != other:
                # Both stay as they are: whoever starts again comes by here again, until somebody has decided which one goes.
                raise RebuildDiffers(f"{name} v{built.version}: at {seen.position} the rebuild differs from what readers see")
        self._views.go_live(built, projection, seen)


class _Folding(NamedTuple):
    """A projection's tables while entries are folded: what is judged by, what is not written yet, how far that has come."""

    built: Built
    projection: Projection
    policy: Policy
    pending: Pending
    reached: dict[int, Reached]

    def take(self, run: Run) -> Entries:
        """What is new in a run: it counts as reached. What begins behind a gap is left: what is built has not come as far."""
        at = self.reached[run.partition]
        if at.position < run.start:
            return ()
        new = run.entries[bisect_left(run.entries, at.position, key=itemgetter(0)) :]
        if new:
            self.reached[run.partition] = Reached(new[-1][0] + 1, run.offset, at.taken + len(new))
        return new

    def move(self) -> Move:
        """What is to be written."""
        return Move(self.built, self.projection, self.pending, self.reached)


def _until(run: Run, upto: Mapping[int, Reached] | None) -> Run:
    """The run as far as another has come."""
    if upto is None or run.entries[-1][0] < upto[run.partition].position:
        return run
    position, offset, _ = upto[run.partition]
    return run._replace(entries=run.entries[: bisect_left(run.entries, position, key=itemgetter(0))], offset=offset)
