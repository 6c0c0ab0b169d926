"""Reports that are nearly right: the golden ones, with values replaced or taken out, and secrets where people would be."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from domain.kinds import KINDS, RESERVED
from domain.refusal import Refusal

GOLDEN = Path(__file__).parent / "golden"
REPORTED = sorted(KINDS.keys() - RESERVED)
SECRET = "Zaphod-Beeblebrox"
PERSONAL = {"name", "contact", "terms", "why", "notes", "summary", "text"}
ABSENT = object()


def golden(kind: str = "promise.made.v1") -> dict[str, Any]:
    """The golden report of this kind."""
    return json.loads((GOLDEN / f"{kind}.json").read_text("utf-8"))


def changed(value: Any, *path: str | int, kind: str = "promise.made.v1") -> dict[str, Any]:
    """The golden report with this value at the path, or without the path where the value is ABSENT."""
    report: Any = golden(kind)
    at = report
    for step in path[:-1]:
        at = at[step]
    if value is ABSENT:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return report


def refusal(read: Callable[[], object]) -> Refusal | None:
    """Why it was refused, or None where it was read. Anything else that is raised is raised."""
    try:
        read()
    except Refusal as refused:
        return refused
    return None


def secretly(value: Any, name: str = "") -> Any:
    """The report, with the secret in all its ids and personal fields."""
    if isinstance(value, dict):
        return {key: secretly(inner, key) for key, inner in value.items()}
    if isinstance(value, str) and (name in PERSONAL | {"id", "source", "subject", "person"} or name.endswith("_id")):
        return SECRET
    return value


def paths(value: Any, *above: str | int) -> list[tuple[str | int, ...]]:
    """The paths of everything inside a JSON value."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for step, inner in steps for path in ((*above, step), *paths(inner, *above, step))]


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(SECRET)
keys = st.text(max_size=5) | st.just(SECRET)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=5
)


@st.composite
def mutations(draw: st.DrawFn) -> dict[str, Any]:
    """A golden report that tells a secret in all its ids and personal fields, a few values replaced, added or taken out."""
    report: Any = secretly(golden(draw(st.sampled_from(REPORTED))))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(paths(report)))
        at = report
        for step in path[:-1]:
            at = at[step]
        if draw(st.booleans()):
            added = isinstance(at, dict) and draw(st.booleans())
            at[SECRET if added else path[-1]] = draw(values)
        else:
            del at[path[-1]]
        if not report:
            break
    return report
