"""What is asked: the views as they are now, or as of a past moment (`as_of`), or as they were known then (`known_at`).

The past is built from the record when it is asked for: the standings of the facts that pass both, folded into views in memory
by the very folds that build the present ones. The clock of that moment is part of it: what was overdue then had lapsed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from consumers.clock import SOURCE
from consumers.policy import adopted_policies, policy_in_force
from consumers.ports import LOG, Move, Stored
from consumers.project import PAGE
from domain.amendment import happened_by
from domain.entry import Entry, decode, known_from
from domain.kinds import Standing, lapses, standing
from domain.policy import Policy
from domain.report import AHEAD_AT_MOST
from domain.stream import Known
from infra.asking.answers import BadQuestion
from infra.record import Record
from infra.sqlite.views import in_memory
from infra.tables import Reader, all_built
from projections.catalog import PROJECTIONS
from projections.fold import Context, contribute, contribute_standing, pending_for


@dataclass(frozen=True)
class Moment:
    """The views that a question is asked of. `now` is the instant that `overdue`, decay and tenure are counted to.

    `position` is how many entries the views have taken in. Instants are microseconds since 1970 UTC.
    """

    views: Reader
    log: Record
    policy: Policy
    now: int
    position: int
    as_of: int | None = None
    known_at: int | None = None

    @property
    def until(self) -> int:
        """What had happened by then counts: also what a publisher whose clock is ahead had said, unless `as_of` cuts it off."""
        return self.as_of if self.as_of is not None else self.now + AHEAD_AT_MOST


class Present:
    """Asks the views as they are. One thread at a time."""

    def __init__(self, views: Reader, log: Record) -> None:
        self._views = views
        self._log = log
        self._policies: dict[str, Policy] = {}

    @contextmanager
    def moment(self, now: int) -> Iterator[Moment]:
        """The views as they are, all of one answer from the same state of them, under the policy they were computed with."""
        with self._views.one_state():
            live = [each for each in all_built(self._views) if each.live]
            position = min((each.position for each in live), default=0)
            judged = next((each.policy_hash for each in live if each.policy_hash), None)
            yield Moment(self._views, self._log, self._policy(judged, now), now, position)

    def _policy(self, policy_hash: str | None, now: int) -> Policy:
        if policy_hash is None:
            return policy_in_force(self._log, now)
        if policy_hash not in self._policies:
            self._policies.update({each.hash: each for each in adopted_policies(self._log)})
        return self._policies[policy_hash]


def past(log: Record, now: int, *, as_of: int | None, known_at: int | None, party: str | None) -> Moment:
    """The views of a past moment: of one party, or of the whole ledger (which reads all of the record).

    What happened after `as_of` and what was recorded after `known_at` does not count; without `as_of` it is asked as of
    `known_at`. The policy is the one in force at the moment, as far as was known. Raises BadQuestion where it is to come.
    """
    _refuse_future(now, as_of=as_of, known_at=known_at)
    at = as_of if as_of is not None else known_at if known_at is not None else now
    policy = policy_in_force(log, at, known_at=known_at)
    views = in_memory()
    moment = Moment(views.reader, log, policy, at, 0, as_of, known_at)
    folding = [Move(views.build(each, "", (LOG,), live=True), each, pending_for(each), {}) for each in PROJECTIONS]
    streams: dict[str, list[Entry]] = {}
    taken = 0
    for position, state in log.of_party(party) if party is not None else _everything(log):
        entry = decode(state)
        if known_at is not None and entry.recorded_at > known_at:
            break  # positions follow the time of recording
        taken = position + 1
        streams.setdefault(entry.stream, []).append(entry)
        if entry.happened_at <= moment.until:
            for _, projection, pending, _ in folding:
                if projection.of_entry is not None:
                    contribute(pending, projection.of_entry(entry, position), +1)
    parties = set[str]()
    for name, stream in streams.items():
        reached = standing_at(stream, at, moment.until)
        if reached is None:
            continue
        parties.add(stream[0].party)
        for _, projection, pending, _ in folding:
            contribute_standing(projection, pending, reached, Context(stream[0].party, name, policy), +1)
    views.write(folding, parties)
    return replace(moment, position=taken)


def standing_at(stream: list[Entry], moment: int, until: int) -> Standing | None:
    """What a stream amounted to at the moment, given its entries, with what its clock would have recorded by then.

    Facts count that had happened by `until`. None where none had; where all had, and were known, the last entry says it.
    """
    after, whole = stream[-1].after, len(stream) == stream[-1].version + 1
    if whole and all(entry.happened_at <= until for entry in stream) and not any(at <= moment for at, _ in lapses(after)):
        return after
    known = happened_by([known_from(entry) for entry in stream], until)
    if not known:
        return None
    family, key = known[0].fact.family, known[0].fact.key
    reached = standing(family, key, known)
    while lapsed := [(at, fact) for at, fact in lapses(reached) if at <= moment]:
        for at, fact in lapsed:
            known.append(Known(len(stream) + len(known), at, SOURCE, f"{fact.KIND}:{at}", fact))
        reached = standing(family, key, known)
    return reached


def _refuse_future(now: int, **moments: int | None) -> None:
    """What has not happened yet is not known: it would be answered as if all that is due by then had lapsed."""
    for parameter, at in moments.items():
        if at is not None and at > now + AHEAD_AT_MOST:
            raise BadQuestion(
                parameter, "this moment is yet to come, and nothing is known of it: name one that has passed, or leave it out"
            )


def _everything(log: Record) -> Iterator[Stored]:
    page = log.page(0, PAGE)
    while page:
        yield from page
        page = log.page(page[-1].position + 1, PAGE)
