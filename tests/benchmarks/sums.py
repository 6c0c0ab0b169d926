"""The sums of trust as one hash: whether what was compared came to the same."""

import json
from collections.abc import Iterable, Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from sqlite3 import connect


def digest(rows: Iterable[Sequence[object]]) -> str:
    """The hash of rows of `trust_sums`, keys and values, in any order."""
    return sha256(json.dumps(sorted([*map(str, row)] for row in rows)).encode()).hexdigest()


def digest_of_views(home: Path) -> str:
    """The same of the views in a ledger's folder."""
    with closing(connect(home / "views.sqlite")) as views:
        return digest(views.execute("SELECT * FROM trust_sums"))
