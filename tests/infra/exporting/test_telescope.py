"""The fold telescopes: from the ends of streams alone come the tables that all entries come to."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from msgspec import Raw
from msgspec.structs import replace

from consumers.ports import LOG, Move, Reached, Stored
from consumers.shadow import Judged, Leap
from domain.entry import decode, encode
from infra.exporting import parquet, telescope
from infra.exporting.export import export
from infra.exporting.manifest import Contents, DamagedFile
from infra.exporting.parquet import ParquetWriter
from infra.exporting.whole import keep, whole
from infra.sqlite.views import in_memory
from projections import trust
from projections.catalog import PROJECTIONS
from projections.fold import Pending, Projection, pending_for
from tests.benchmarks.made import stored
from tests.crowd import crowd
from tests.histories import shipped_policy
from tests.ledgers import NOW, Ledger
from tests.projections.folded import fold

OF_STANDINGS = [each for each in PROJECTIONS if each.of_entry is None]
ENOUGH = 10**9


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of many row groups, several stretches."""
    monkeypatch.setattr(parquet, "ROWS_OF_A_GROUP", 150)
    monkeypatch.setattr(telescope, "GROUPS_OF_A_STRETCH", 5)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> list[Stored]:
    """Some thousand entries: streams lie scattered over all of the record."""
    with Ledger(tmp_path_factory.mktemp("ledger")) as ledger:
        reports = crowd(3, 500, parties=12)
        for begun in range(0, len(reports), 400):
            ledger.report(*reports[begun : begun + 400])
        return ledger.stored()


def written(path: Path, record: Sequence[Stored]) -> Path:
    """The path of a file with these entries, whether they are a record or not."""
    contents = Contents(
        ledger="test",
        format="parquet",
        format_version=1,
        entries=len(record),
        entries_sha256="0" * 64,
        troth_version="0",
        exported_at="",
    )
    with whole(path, force=True) as sink:
        writer = ParquetWriter(sink)
        writer.add(record)
        keep(sink, path, writer.end(contents))
    return path


def digest_of(projection: Projection, changes: Iterator[Pending] | Sequence[Pending]) -> str:
    """What tables come to that are changed so."""
    with closing(in_memory()) as views:
        built = views.build(projection, "", (LOG,), live=False)
        for number, pending in enumerate(changes, 1):
            reached = {LOG: Reached(number)}
            views.write([Move(built, projection, pending, reached)], ())
            built = built._replace(reached=reached)
        return views.digests([(built, projection)])[0]


def folded(projection: Projection, record: Sequence[Stored]) -> str:
    """What they come to entry by entry."""
    pending = pending_for(projection)
    for position, state in record:
        fold(projection, pending, decode(state), position, shipped_policy())
    return digest_of(projection, [pending])


def leapt(path: Path, projection: Projection, start: int = 0, end: int = ENOUGH, **below: int) -> list[Leap]:
    """The stretches of a file, some parties left out from some positions on."""
    judged = Judged(projection, shipped_policy())
    return list(telescope.leaps(path, start, end, judged, below=lambda party: below.get(party.replace("-", "_"), ENOUGH)))


@pytest.mark.parametrize("projection", OF_STANDINGS, ids=lambda each: each.name)
@pytest.mark.parametrize("processes", [1, 2, 3])
def test_both_ways_come_to_the_same_digest(
    record: list[Stored], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, projection: Projection, processes: int
) -> None:
    monkeypatch.setattr(telescope, "PROCESSES", processes)
    path = written(tmp_path / "file", record)
    leaps = leapt(path, projection)
    assert len(leaps) > 1
    assert sum(sum(each.entry_counts.values()) for each in leaps) == len(record)
    assert leaps[-1].position == len(record)
    assert digest_of(projection, [each.pending for each in leaps]) == folded(projection, record)


@pytest.mark.parametrize("projection", OF_STANDINGS, ids=lambda each: each.name)
def test_it_may_begin_and_end_anywhere(record: list[Stored], tmp_path: Path, projection: Projection) -> None:
    path = written(tmp_path / "file", record)
    bounds = [0, 1, 149, 150, 700, 751, 1_111, len(record) - 1]
    stretches = [leapt(path, projection, start, end) for start, end in pairwise(bounds)]
    assert [each[-1].position for each in stretches] == bounds[1:]
    assert digest_of(projection, [each.pending for stretch in stretches for each in stretch]) == folded(projection, record[:-1])


def test_parties_may_end_at_different_positions(record: list[Stored], tmp_path: Path) -> None:
    path = written(tmp_path / "file", record)
    below = {"party_1": 0, "party_2": 300, "party_3": 1_000}
    kept = [each for each in record if each.position < below.get(decode(each.state).party.replace("-", "_"), ENOUGH)]
    for projection in OF_STANDINGS:
        leaps = leapt(path, projection, **below)
        assert sum(sum(each.entry_counts.values()) for each in leaps) == len(kept) < len(record)
        assert digest_of(projection, [each.pending for each in leaps]) == folded(projection, kept)


def test_a_stretch_may_hold_nothing_that_is_to_be_folded(record: list[Stored], tmp_path: Path) -> None:
    path = written(tmp_path / "file", record)
    judged = Judged(trust.PROJECTION, shipped_policy())
    leaps = [*telescope.leaps(path, 0, ENOUGH, judged, below=lambda _: 0)]
    assert [each.entry_counts for each in leaps] == [{}] * len(leaps)
    assert leaps[-1].position == len(record)


def test_the_entries_of_benchmarks_are_a_record_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = stored(1_500, parties=200)
    assert [each.position for each in made] == [*range(1_500)]
    path = written(tmp_path / "file", made)
    for projection in OF_STANDINGS:
        assert digest_of(projection, [each.pending for each in leapt(path, projection)]) == folded(projection, made)


NAMED = {"in a list": (True, False), "in each row": (False, True), "in each row behind a list that is full": (True, True)}
"""How names of streams may stand in a file: whether there is a list of them, and whether they take much room."""


@pytest.mark.parametrize("named", NAMED)
def test_a_file_may_name_its_streams_either_way(
    record: list[Stored], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.setattr(parquet, "ROWS_OF_A_GROUP", 1_400)
    if named == "in each row":
        monkeypatch.setattr(parquet, "_DICTIONARIES", ["kind", "party"])
    elif named != "in a list":
        monkeypatch.setattr(parquet, "DICTIONARY_BYTES", 1_000)
    path = written(tmp_path / "file", record)
    with pq.ParquetFile(path) as file:
        ways = file.metadata.row_group(0).column(parquet.SCHEMA.names.index("stream"))
    assert (ways.has_dictionary_page, ways.total_uncompressed_size > 20_000) == NAMED[named]
    leaps = leapt(path, trust.PROJECTION)
    assert digest_of(trust.PROJECTION, [each.pending for each in leaps]) == folded(trust.PROJECTION, record)


def test_the_file_of_an_export_telescopes(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger") as ledger:
        export(ledger.log, tmp_path / "file", "parquet", NOW)
        (leap,) = leapt(tmp_path / "file", OF_STANDINGS[0])
        assert (leap.position, leap.entry_counts) == (1, {"@ledger": 1})
        assert leapt(tmp_path / "file", OF_STANDINGS[0], 1) == []


# What is no record


def restated(stored: Stored, **changed: object) -> Stored:
    """The entry, saying something else of itself."""
    return Stored(stored.position, encode(replace(decode(stored.state), **changed)))


def last_of_three(record: list[Stored]) -> int:
    """The position of a third entry of some stream, far into the record."""
    return next(position for position, state in record[800:] if decode(state).version == 2)


def test_a_position_that_does_not_follow_is_found(record: list[Stored], tmp_path: Path) -> None:
    for at in (400, 750):
        missing = [*record[:at], *record[at + 1 :]]
        with pytest.raises(DamagedFile, match="do not follow each other"):
            leapt(written(tmp_path / "file", missing), OF_STANDINGS[0])


@pytest.mark.parametrize("version", [0, 1, 3])
def test_a_version_that_does_not_follow_is_found(record: list[Stored], tmp_path: Path, version: int) -> None:
    at = last_of_three(record)
    wrong = [*record[:at], restated(record[at], version=version), *record[at + 1 :]]
    with pytest.raises(DamagedFile, match="version"):
        leapt(written(tmp_path / "file", wrong), OF_STANDINGS[0])


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("altered", [("raw_after", 0, "0 to 149"), ("raw_before", 800, "750 to 899")], ids=lambda each: each[0])
def test_a_standing_that_cannot_be_read_is_found(
    record: list[Stored], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: int, altered: tuple[str, int, str]
) -> None:
    which, start, where = altered  # from 800 on: in a stretch behind the one that some of the streams began in
    monkeypatch.setattr(telescope, "PROCESSES", processes)
    monkeypatch.setattr(parquet, "decode_whole", decode)  # which would not let it out
    wrong = [*record[:start], *(restated(each, **{which: Raw(b'{"family":"none"}')}) for each in record[start:])]
    with pytest.raises(DamagedFile, match=f"an entry among positions {where} cannot be read"):
        leapt(written(tmp_path / "file", wrong), OF_STANDINGS[0])
