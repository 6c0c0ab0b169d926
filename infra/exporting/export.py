"""The loop of an export: all of the record, up to where it ended when the export began."""

from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from consumers.ports import BrokenRecord, Progress
from domain.entry import leaf_hash
from domain.instant import text
from infra.exporting.files import writer
from infra.exporting.manifest import VERSION, Contents, Form, Manifest
from infra.exporting.whole import keep, whole
from infra.failpoint import failpoint
from infra.record import Record

PAGE = 2_000


def export(
    log: Record, path: Path, form: Form, now: int, *, force: bool = False, progress: Progress = lambda done, total: None
) -> Manifest:
    """Write the record into a file, with its manifest beside it. `now` is microseconds since 1970 UTC.

    Raises NotExported where the file is there already (unless `force`) or cannot be written, MissingExtra, BrokenRecord.
    """
    end, position, leaves = log.end(), 0, sha256()
    with whole(path, force=force) as sink, writer(form, sink) as written:
        while position < end:
            page = log.page(position, min(PAGE, end - position))
            if not page:
                raise BrokenRecord(f"the record ends at position {position}, and had {end} entries")
            for _, state in page:
                leaves.update(bytes.fromhex(leaf_hash(state)))
            written.add(page)
            position += len(page)
            failpoint("inside_export")
            progress(position, end)
        contents = Contents(
            ledger=log.name,
            format=form,
            format_version=VERSION,
            entries=end,
            first_position=0 if end else None,
            last_position=end - 1 if end else None,
            entries_sha256=leaves.hexdigest(),
            troth_version=version("troth"),
            exported_at=text(now),
        )
        manifest = written.end(contents)
        keep(sink, path, manifest)
    return manifest
