"""What the ledger holds and how far everything has come: entries, parties, projections, quarantine, the next lapse."""

from collections.abc import Sequence
from contextlib import closing

from consumers.policy import policy_in_force
from consumers.ports import Built
from infra import wiring
from infra.agenda import AgendaInViews
from infra.asking.answers import Answer, At
from infra.asking.kafka import KafkaStatus, kafka_status
from infra.record import Record
from infra.settings import Settings
from infra.tables import Reader, all_built, digest
from projections.catalog import PROJECTIONS


class ProjectionStatus(Answer):
    """A projection that readers see."""

    name: str
    version: int
    policy_hash: str | None
    """The policy that it judges by; none where it judges nothing."""
    position: int
    """How many entries it has taken in."""
    lag: int
    """How many it has not."""
    digest: str | None
    """sha256 of all that its tables hold; none where it was not asked for."""


class Building(Answer):
    """A projection that is being built beside the one that readers see."""

    name: str
    version: int
    policy_hash: str | None
    position: int
    """How many entries it has taken in."""
    entries: int
    """How many it will have taken in when it is swapped in."""


class Projections(Answer):
    """All projections, as far as they have come."""

    entries: int
    projections: list[ProjectionStatus]
    building: list[Building]


class PolicyStatus(Answer):
    """The policy in force."""

    version: str
    hash: str


class SchemaStatus(Answer):
    """The versions of the schemas that the record and the views are kept in."""

    ledger: int
    views: int


class Status(Projections):
    """What the ledger holds and how far everything has come."""

    ledger: str
    home: str
    """The ledger's folder: where it is kept, unless `where` says otherwise, and where its locks are."""
    where: str
    """Where it is kept: a folder or a database."""
    now: At
    schema_versions: SchemaStatus
    parties: int
    policy: PolicyStatus
    quarantine: dict[str, int]
    """Refused reports that wait, by reason."""
    next_lapse_at: At | None
    """When the clock will record the next lapse, unless something happens before."""
    kafka: KafkaStatus | None
    """None where no Kafka is set."""


class Digests:
    """Digests of projections; each is computed once for each position."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Built, str]] = {}

    def of(self, views: Reader, built: Built) -> str | None:
        """The digest of what readers see, within one state of it; None for what this version cannot read."""
        projection = next((each for each in PROJECTIONS if (each.name, each.version) == (built.name, built.version)), None)
        if projection is None:
            return None
        known = self._known.get(built.name)
        if known is None or known[0] != built:
            known = self._known[built.name] = (built, digest(views, built, projection))
        return known[1]


def status(settings: Settings, digests: Digests | None = None) -> Status:
    """The status of the ledger in these settings' folder. It opens files of its own, so any thread may ask."""
    now = wiring.now()
    with (
        closing(wiring.open_log(settings)) as log,
        closing(wiring.read_views(settings)) as views,
        closing(wiring.open_quarantine(settings)) as quarantine,
        views.one_state(),
    ):
        projected = _projections(log, views, digests)
        policy = policy_in_force(log, now)
        return Status(
            **dict(projected),
            ledger=log.name,
            home=str(settings.home.resolve()),
            where=wiring.where(settings),
            now=now,
            schema_versions=SchemaStatus(**wiring.store(settings).schemas._asdict()),
            parties=views.execute("SELECT COUNT(*) FROM party_totals").fetchone()[0] if projected.projections else 0,
            policy=PolicyStatus(version=policy.version, hash=policy.hash),
            quarantine=quarantine.count_by_reason(),
            next_lapse_at=AgendaInViews(views).next_at() if projected.projections else None,
            kafka=kafka_status(settings, projected.entries),
        )


def projections(settings: Settings, digests: Digests | None = None) -> Projections:
    """How far the projections have come. It opens files of its own, so any thread may ask."""
    with closing(wiring.open_log(settings)) as log, closing(wiring.read_views(settings)) as views, views.one_state():
        return _projections(log, views, digests)


def lags(log: Record, views: Reader) -> dict[str, int]:
    """How many entries each projection that readers see has not taken in."""
    built = _live(all_built(views))
    end = log.end()
    return {each.name: max(0, end - each.position) for each in built}


def _projections(log: Record, views: Reader, digests: Digests | None) -> Projections:
    built = all_built(views)
    entries = log.end()
    return Projections(
        entries=entries,
        projections=[
            ProjectionStatus(
                name=each.name,
                version=each.version,
                policy_hash=each.policy_hash or None,
                position=each.position,
                lag=max(0, entries - each.position),
                digest=digests.of(views, each) if digests is not None else None,
            )
            for each in _live(built)
        ],
        building=[
            Building(
                name=each.name,
                version=each.version,
                policy_hash=each.policy_hash or None,
                position=each.position,
                entries=entries,
            )
            for each in built
            if not each.live
        ],
    )


def _live(built: Sequence[Built]) -> list[Built]:
    return [each for each in built if each.live]
