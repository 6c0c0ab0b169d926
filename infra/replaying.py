"""Replaying: opens the source, the shadow and what readers see, and says whether they agree."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from threading import Event
from time import perf_counter
from typing import NamedTuple

from consumers.feed import LogFeed
from consumers.policy import NoPolicy, adopted_policies, policy_in_force
from consumers.ports import LOG, BrokenRecord, Built, OfParty, Progress, Reached, Run
from consumers.replay import Compared, Replay, Source
from domain.policy import Policy
from infra import wiring
from infra.collector import sparing_the_collector
from infra.drivers import NeedsKafka
from infra.exporting.files import FileFeed, open_feed
from infra.failpoint import failpoint
from infra.rebuilding import known
from infra.record import NoLedgerHere, Record
from infra.settings import Settings
from infra.sqlite import shadow as shadows
from infra.sqlite.lock import FileLock
from infra.tables import Reader, all_built, digest
from projections.fold import Projection

WAITS = 150
"""How many looks in a row Kafka is waited for to have what readers see, a fifth of a second each time: the relay may lag."""


OF_THE_LEDGER = ("store", "kafka")
"""Sources that are no exported file."""


class ReplayedElsewhere(Exception):
    """Another process replays this ledger."""


class AnotherLedger(Exception):
    """The exported file is another ledger's."""


class Replayed(NamedTuple):
    """What a replay came to."""

    source: str
    compared: Sequence[Compared]
    went_on_at: int
    """How many entries an earlier replay had folded already."""
    seconds: float
    kept: Path | None
    """Where the tables are that came out otherwise."""

    @property
    def rate(self) -> float:
        """Entries a second, of a projection on average."""
        entries = sum(each.built.position for each in self.compared) / max(1, len(self.compared))
        return (entries - self.went_on_at) / self.seconds

    @property
    def agrees(self) -> bool:
        """Whether all of them do."""
        return all(each.agrees for each in self.compared)


def replay(
    settings: Settings,
    names: Sequence[str],
    source: str,
    *,
    anew: bool = False,
    begun: Callable[[str, int], None] = lambda source, went_on_at: None,
    progress: Progress = lambda done, total: None,
) -> Replayed:
    """Replay these projections from `store`, `kafka` or an exported file, and compare them with what readers see.

    `begun` is told the source and how many entries an earlier replay had come. Raises NoSuchProjection, NoLedgerHere,
    NoExportHere, MissingExtra, AnotherLedger, NeedsKafka, ReplayedElsewhere, BrokenRecord.
    """
    by_name = known(names)
    projections = [by_name[name] for name in dict.fromkeys(names or by_name)]
    since = perf_counter()

    def tell(done: int, total: int) -> None:
        failpoint("inside_replay")
        progress(done, total)

    with ExitStack() as stack:
        log = _log(settings, source, stack)
        opened = _opened(settings, source, log, stack)
        stack.enter_context(_alone(settings.home))
        shadow = stack.enter_context(closing(shadows.open_shadow(settings.home, opened.identity, anew=anew)))
        seen = _Seen(None if log is None else stack.enter_context(closing(wiring.read_views(settings))))
        policies = _Policies(log or opened.policies)
        replaying = Replay(opened.source, shadow, seen, projections, policy_of=policies, partition_of=_partition_of)
        went_on_at = replaying.taken
        begun(opened.source.name, went_on_at)
        with sparing_the_collector():
            compared = replaying.run(tell)
        shadow.close()
        differ = any(each.seen_digest not in (None, each.digest) for each in compared)
        kept = shadows.end(settings.home, keep=differ)
        return Replayed(opened.source.name, compared, went_on_at, perf_counter() - since, kept)


# Where entries come from


class _Opened(NamedTuple):
    """A source: what tells it from others, and where its policies are read where there is no record."""

    source: Source
    identity: str
    policies: OfParty


class Followed:
    """The port Feed on an exported file, and behind its end on the record."""

    partitions: Sequence[int] = (LOG,)

    def __init__(self, file: FileFeed, entries: int, log: Record) -> None:
        self._file = file
        self._entries = entries
        self._log = LogFeed(log)
        self.more = True

    def take(self, reached: Mapping[int, Reached], limit: int) -> Sequence[Run]:
        """What follows."""
        left = self._entries - reached[LOG].position
        if left > 0:
            return self._file.take(reached, min(limit, left))
        runs = self._log.take(reached, limit)
        self.more = self._log.more
        return runs

    def ends(self) -> Mapping[int, int]:
        """The position behind the last entry of the record."""
        return self._log.ends()

    def broken(self, what: str) -> BrokenRecord:
        """The file, or what follows it."""
        return self._file.broken(what)

    def done(self) -> None:
        """Nothing: nobody looks here for how far the views have come."""


def _log(settings: Settings, source: str, stack: ExitStack) -> Record | None:
    """The record; a file can be replayed where there is none."""
    try:
        log = stack.enter_context(closing(wiring.open_log(settings)))
    except NoLedgerHere:
        if source in OF_THE_LEDGER:
            raise
        return None
    wiring.make(settings)  # so that there are views to look at, be they empty
    return log


def _opened(settings: Settings, source: str, log: Record | None, stack: ExitStack) -> _Opened:
    if log is None or source not in OF_THE_LEDGER:
        return _opened_file(Path(source), log, stack)
    if source == "store":
        return _Opened(Source("the store", LogFeed(log), log.end()), _identity(settings, log, source), log)
    from infra.kafka.assigned import AssignedFeed, open_reader  # noqa: PLC0415  # what only reads files need not load it

    if settings.kafka is None:
        raise NeedsKafka("no Kafka is set to replay from: TROTH_KAFKA names its servers")
    feed = stack.enter_context(closing(AssignedFeed(open_reader(settings), following=True)))
    found = Source("Kafka", feed, log.end(), wait=lambda looks: looks < WAITS and not Event().wait(0.2))
    return _Opened(found, _identity(settings, log, f"Kafka at {settings.kafka}"), log)


def _identity(settings: Settings, log: Record, source: str) -> str:
    """What tells a source of this ledger from the same of another that is replayed in the same folder."""
    # Two databases may be called alike; what was recorded first in them was recorded at other instants.
    begun = b"".join(each.state for each in log.page(0, 1))
    return sha256(f"{source}\0{log.name}\0{wiring.where(settings)}\0".encode() + begun).hexdigest()


def _opened_file(path: Path, log: Record | None, stack: ExitStack) -> _Opened:
    file, manifest = open_feed(path)
    stack.enter_context(closing(file))
    if log is None:
        return _Opened(Source(str(path), file, manifest.entries, file.telescope), manifest.sha256, file)
    if log.name != manifest.ledger:
        raise AnotherLedger(f"{path} was exported from the ledger {manifest.ledger}, and this one is {log.name}")
    followed = Followed(file, manifest.entries, log)
    return _Opened(Source(str(path), followed, manifest.entries, file.telescope), manifest.sha256, log)


@lru_cache(maxsize=1_000_000)
def _partition_of(party: str, partitions: int) -> int:
    from infra.kafka.partition import partition_of  # noqa: PLC0415  # the client takes a third of a second to load

    return partition_of(party.encode(), partitions)


class _Policies:
    """The policies that were ever adopted, by their hash."""

    def __init__(self, adopted: OfParty) -> None:
        self._adopted = adopted
        self._by_hash: dict[str, Policy] = {}

    def __call__(self, policy_hash: str | None) -> Policy:
        """The policy of this hash, or the one in force. Raises NoPolicy where it was never adopted."""
        if policy_hash is None:
            return policy_in_force(self._adopted, wiring.now())
        if policy_hash not in self._by_hash:
            self._by_hash = {each.hash: each for each in adopted_policies(self._adopted)}
        if policy_hash not in self._by_hash:
            raise NoPolicy("what readers see is judged by a policy that the record does not hold")
        return self._by_hash[policy_hash]


# What readers see, and who looks


class _Seen:
    """The views that readers see; none where there is no ledger."""

    def __init__(self, views: Reader | None) -> None:
        self._views = views

    def built(self, projection: Projection) -> Built | None:
        """The projection as readers see it."""
        of_it = all_built(self._views) if self._views is not None else []
        return next((each for each in of_it if each.live and each[:2] == (projection.name, projection.version)), None)

    def digest(self, projection: Projection) -> tuple[Built, str] | None:
        """The same with its digest, both from one state."""
        if self._views is None:
            return None
        with self._views.one_state():
            built = self.built(projection)
            return None if built is None else (built, digest(self._views, built, projection))


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Nobody else replays in this folder for as long as the block lasts. Raises ReplayedElsewhere."""
    home.mkdir(parents=True, exist_ok=True)
    lock = FileLock(home / "replay.lock")
    if not lock.take():
        raise ReplayedElsewhere(f"another process replays the ledger in {home}")
    try:
        yield
    finally:
        lock.release()
