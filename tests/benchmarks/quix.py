"""The same fold in Quix Streams, as its users would write it: by party in its state store, from there by a sink into SQLite.

Run by an interpreter that has Quix Streams (`python -m tests.benchmarks.replay` makes one); beside that it uses only what the
fold is made of. The clock starts at the first record, so that joining a group costs nothing, and ends with the last checkpoint.

    python -m tests.benchmarks.quix BOOTSTRAP LEDGER ENTRIES FOLDER [--changelog]
"""

import argparse
import json
import sqlite3
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from quixstreams import Application
from quixstreams.sinks import BaseSink

from domain import policy
from infra.kafka.published import read
from projections import trust
from projections.fold import fold_spans, pending_for
from tests.benchmarks.passes import peak_memory
from tests.benchmarks.sums import digest

ROOT = Path(__file__).resolve().parents[2]
POLICY = policy.read((ROOT / "infra/policies/default.toml").read_text("utf-8"))
Row = tuple[str, bytes]
"""What a party's contributions to one key add up to: the key, and the sums."""


def main() -> int:
    """Fold, and say how that went."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bootstrap")
    parser.add_argument("ledger")
    parser.add_argument("entries", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--changelog", action="store_true", help="with changelog topics, as its defaults are")
    asked = parser.parse_args()
    app = Application(
        asked.bootstrap,
        consumer_group=f"quix-{time.time_ns()}",
        auto_offset_reset="earliest",
        state_dir=asked.folder / "state",
        use_changelog_topics=asked.changelog,
        loglevel="ERROR",
    )
    topic = app.topic(f"{asked.ledger}.entries", key_deserializer="str", value_deserializer="bytes")
    folding, rows = Folding(), Rows(asked.folder / "quix.sqlite")
    app.dataframe(topic).apply(folding.take, stateful=True).sink(rows)
    app.run(count=asked.entries, timeout=60, collect=False)
    ended = time.monotonic()
    memory = peak_memory()
    sys.stdout.write(json.dumps([folding.taken, folding.began, ended, time.process_time(), memory]) + "\n")
    sys.stdout.write(rows.digest() + "\n")
    return 0


class Folding:
    """Adds what each entry contributes to the state of its party."""

    def __init__(self) -> None:
        self.began = 0.0
        self.taken = 0
        self._pending = pending_for(trust.PROJECTION)

    def take(self, value: bytes, state: Any) -> list[Row]:
        """What the entry changed, as it is now."""
        if not self.taken:
            self.began = time.monotonic()
        self.taken += 1
        entry, gathered = read(value), self._pending.gathered
        if entry.kind not in trust.PROJECTION.idle_kinds:
            span = entry.stream, entry.party, entry.before, entry.after
            fold_spans(trust.PROJECTION, self._pending, [span], POLICY)
        changed = []
        for table, of_table in gathered.items():
            for key, delta in of_table.items():
                name = json.dumps([table, key])
                held = state.get_bytes(name)
                sums = delta if held is None else [a + b for a, b in zip(map(int, held.split()), delta, strict=True)]
                row = " ".join(map(str, sums)).encode()
                state.set_bytes(name, row)
                changed.append((name, row))
            of_table.clear()
        return changed


class Rows(BaseSink):
    """Writes, at each checkpoint, the rows that changed since the last."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute("CREATE TABLE sums (party TEXT, name TEXT, row BLOB, PRIMARY KEY (party, name)) WITHOUT ROWID")
        self._changed: dict[tuple[str, str], bytes] = {}

    def add(self, value: Iterable[Row], key: Any, *_: Any, **__: Any) -> None:
        """Keep the last of each."""
        for name, row in value:
            self._changed[key, name] = row

    def flush(self) -> None:
        """Write them, in one transaction."""
        self._connection.execute("BEGIN")
        rows = [(*key, row) for key, row in self._changed.items()]
        self._connection.executemany("INSERT OR REPLACE INTO sums VALUES (?,?,?)", rows)
        self._connection.execute("COMMIT")
        self._changed.clear()

    def digest(self) -> str:
        """The hash of all sums, added up over the parties: whether this is the same fold."""
        total = pending_for(trust.PROJECTION)
        for name, row in self._connection.execute("SELECT name, row FROM sums"):
            table, key = json.loads(name)
            cells = total.gathered[table].setdefault(tuple(key), [0] * len(row.split()))
            cells[:] = [a + b for a, b in zip(cells, map(int, row.split()), strict=True)]
        return digest((*key, *values) for key, values in total.sums[trust.SUMS.name].items() if any(values))


if __name__ == "__main__":
    sys.exit(main())
