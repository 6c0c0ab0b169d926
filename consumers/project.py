"""Projecting: folds entries into views from the position they have reached.

    1. see which projections are wanted, under which policy; begin to build what is not there yet
    2. bring what readers see up to date: fold, then views and positions in one transaction
    3. bring what is being built a step nearer; when it has caught up, let readers see it

While far behind, changes are written every so many keys; when near, at every step. Readers never wait: a new version, or the
same under another policy, is built beside the one they see.
"""

from collections.abc import Sequence

from consumers.policy import in_force_until, policy_in_force
from consumers.ports import Built, Clock, Log, Progress, Views
from domain.entry import decode
from domain.policy import Policy, PolicyAdopted
from projections.fold import Projection, fold, pending_for

PAGE = 2_000
PENDING_AT_MOST = 100_000


class RebuildDiffers(Exception):
    """A rebuild under the same version and policy came to another digest than what readers see: one of them is wrong."""


class Projector:
    """Folds one log into one set of views. Whoever runs it must be the only one: the views fence off anybody else."""

    def __init__(self, log: Log, views: Views, projections: Sequence[Projection], clock: Clock) -> None:
        self._log = log
        self._views = views
        self._clock = clock
        self._projections = {projection.name: projection for projection in projections}
        self._look_up_policy()

    @property
    def policy(self) -> Policy:
        """The policy in force when last looked."""
        return self._policy

    def step(self) -> bool:
        """Bring views nearer to the end of the log; False where all are there."""
        if self._policy_until is not None and self._clock() >= self._policy_until:
            self._look_up_policy()
        self.begin_what_is_wanted()
        end = self._log.end()
        moved = self._advance([each for each in self._views.built() if each.live and self._can_fold(each)])
        for each in self._building():
            moved = self._advance([each], each.twin(self._views.built())) or moved
        for each in self._building():
            self._swap_if_there(each, end)
        return moved

    def catch_up(self, progress: Progress = lambda done, total: None) -> None:
        """Step until all views have reached the end of the log."""
        while self.step():
            built = self._views.built()
            progress(min((each.position for each in built if self._can_fold(each)), default=0), self._log.end())

    def rebuild(self, names: Sequence[str]) -> list[Built]:
        """Begin to build these projections anew, beside what readers see; `step` brings them on and swaps them in."""
        return [self._build(self._projections[name], live=False) for name in names]

    def _look_up_policy(self) -> None:
        now = self._clock()
        self._policy = policy_in_force(self._log, now)
        self._policy_until = in_force_until(self._log, now)

    def _building(self) -> list[Built]:
        return [each for each in self._views.built() if not each.live and self._can_fold(each)]

    def _hash(self, projection: Projection) -> str:
        return self._policy.hash if projection.judges else ""

    def _can_fold(self, built: Built) -> bool:
        projection = self._projections.get(built.name)
        return projection is not None and (projection.version, self._hash(projection)) == (built.version, built.policy_hash)

    def begin_what_is_wanted(self) -> None:
        """Make the tables of what is not there yet: from then on readers find them, empty as they may be."""
        built = self._views.built()
        for projection in self._projections.values():
            of_it = [each for each in built if each.name == projection.name]
            for each in of_it:
                if not each.live and not self._can_fold(each):
                    self._views.discard(each, projection)
            if not any(self._can_fold(each) for each in of_it):
                self._build(projection, live=not any(each.live for each in of_it))

    def _build(self, projection: Projection, *, live: bool) -> Built:
        return self._views.build(projection, self._hash(projection), live=live)

    def _advance(self, instances: Sequence[Built], twin: Built | None = None) -> bool:
        """Fold what follows the lowest position, until there is enough to write or nothing more to fold.

        What is built beside its twin goes no further than the twin has come: however fast entries come, it meets it there.
        """
        start = min((each.position for each in instances), default=0)
        if not instances or (twin is not None and twin.position <= start):
            return False
        together = [each for each in instances if each.position == start]
        others = [each.position for each in (*instances, *([twin] if twin else [])) if each.position > start]
        folding = [(each, self._projections[each.name], pending_for(self._projections[each.name])) for each in together]
        reached, parties, judged_anew = start, set[str](), False
        while not judged_anew:
            page = self._log.page(reached, min(PAGE, min(others, default=reached + PAGE) - reached))
            for position, state in page:
                entry = decode(state)
                parties.add(entry.party)
                judged_anew = judged_anew or entry.kind == PolicyAdopted.KIND
                for _, projection, pending in folding:
                    fold(projection, pending, entry, position, self._policy)
            reached += len(page)
            if len(page) < PAGE or sum(pending.size for _, _, pending in folding) > PENDING_AT_MOST:
                break
        if reached == start:
            return False
        self._views.write(folding, reached, parties)
        # From here on readers see these entries, and a projector that starts again starts behind them.
        if judged_anew:
            self._look_up_policy()
        return True

    def _swap_if_there(self, built: Built, end: int) -> None:
        """Let readers see what was built, where it has come as far as its twin, or else as the log had when the step began."""
        projection = self._projections[built.name]
        twin = built.twin(self._views.built())
        if built.position < end if twin is None else built.position != twin.position:
            return
        if twin is not None and self._views.digest(twin, projection) != self._views.digest(built, projection):
            # Both stay as they are: whoever starts again comes by here again, until somebody has decided which one goes.
            raise RebuildDiffers(f"{built.name} v{built.version}: at {twin.position} the rebuild differs from what readers see")
        self._views.go_live(built, projection)
