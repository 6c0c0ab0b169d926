"""The entries behind what a layer asks for: which contacts, promises and incidents make the value of each condition.

What counts is said in `projections/layers.py`. Here the rows of the company view say again when each of it happened, and the
timeline which entry told of it; so it holds for every moment that can be asked about.
"""

from collections.abc import Set
from typing import NamedTuple

from domain.instant import month_of
from domain.kinds import KINDS
from infra.asking.answers import marks, select
from infra.asking.moment import Moment
from infra.asking.standings import not_counting
from projections.layers import COUNTS, breadth_from, is_left

SHOWN = 20
"""How many entries are named for a condition; all are counted."""

_MET = """
SELECT happened_at AS at, stream, 'interaction.recorded', direction, channel, topic, touchpoint
FROM interactions WHERE party = ?
UNION ALL SELECT made_at, stream, 'promise.made', NULL, channel, category, touchpoint
FROM promises WHERE party = ?
UNION ALL SELECT opened_at, stream, 'incident.opened', 'inbound', channel, category, 'service'
FROM incidents WHERE party = ?
UNION ALL SELECT received_at, stream, 'feedback.received', 'inbound', channel, category, NULL
FROM feedback WHERE party = ?
ORDER BY at DESC, stream
"""
_DONE = """
SELECT ended_at AS at, stream, 'promise.kept', NULL, 'kept_by_' || promisor
FROM promises WHERE party = ? AND kept = 'in_time'
UNION ALL SELECT resolved_at, stream, 'incident.resolved', 'outbound', 'troubles_survived'
FROM incidents WHERE party = ? AND resolved_at IS NOT NULL
UNION ALL SELECT answered_at, stream, 'feedback.answered', 'outbound', NULL
FROM feedback WHERE party = ? AND answered_at IS NOT NULL
ORDER BY at DESC, stream
"""


class Grounds(NamedTuple):
    """Positions of the entries that make a value, by when they happened the latest first, and how many there are in all."""

    entries: list[int]
    entry_count: int


class _Told(NamedTuple):
    """Something that happened, and the kind of fact that told of it, without its version."""

    at: int
    stream: str
    kind: str


class _Row(NamedTuple):
    """What happened, who spoke (inbound the party, outbound the company), and what it counts for."""

    told: _Told
    way: str | None
    of: tuple[str | None, ...]


def grounds(moment: Moment, party: str) -> dict[str, Grounds]:
    """The grounds of every condition but trust, by its name."""
    met, done = _rows(moment, party, _MET), _rows(moment, party, _DONE)
    counting = {"tenure_days": [each.told for each in met[-1:]]} | _breadth(moment, met)
    counting |= {name: [each.told for each in done if each.of == (name,)] for name in COUNTS[2:]}
    shown = {name: all_of_it[:SHOWN] for name, all_of_it in counting.items()}
    counting["dialog_micro"], shown["dialog_micro"] = _dialog(moment, [*met, *done])
    entries = _entries(moment, party, {told for latest in shown.values() for told in latest})
    return {
        name: Grounds([entries[told] for told in latest if told in entries], len(counting[name]))
        for name, latest in shown.items()
    }


def _rows(moment: Moment, party: str, statement: str) -> list[_Row]:
    """What happened up to the month of the moment, the latest first."""
    parameters = [party] * statement.count("?")
    rows = [_Row(_Told(*row[:3]), row[3], row[4:]) for row in select(moment, statement, *parameters)]
    return [each for each in rows if month_of(each.told.at) <= month_of(moment.now)]


def _breadth(moment: Moment, met: list[_Row]) -> dict[str, list[_Told]]:
    """For each channel, topic and touchpoint of the window the last time that the party was met by it."""
    since = breadth_from(moment.now, moment.policy)
    in_window = [each for each in met if month_of(each.told.at) >= since]
    last: dict[str, dict[str, _Told]] = {"channels": {}, "topics": {}, "touchpoints": {}}
    for each in in_window:
        for of_dimension, value in zip(last.values(), each.of, strict=True):
            if value is not None:
                of_dimension.setdefault(value, each.told)
    return {dimension: list(values.values()) for dimension, values in last.items()}


def _dialog(moment: Moment, rows: list[_Row]) -> tuple[list[_Told], list[_Told]]:
    """The contacts of which anything is left; and the latest of them, as many each way."""
    left = [each for each in rows if is_left(month_of(each.told.at), moment.now, moment.policy)]
    ways = [sorted((each.told for each in left if each.way == way), reverse=True) for way in COUNTS[:2]]
    return [told for way in ways for told in way], sorted((told for way in ways for told in way[: SHOWN // 2]), reverse=True)


def _entries(moment: Moment, party: str, told: Set[_Told]) -> dict[_Told, int]:
    """Where the entries that told of it stand; where several did, the one that counts."""
    if not told:
        return {}
    at = sorted({each.at for each in told})
    which = f"party = ? AND happened_at IN ({marks(at)})"
    rows = select(moment, f"SELECT happened_at, stream, kind, position FROM timeline WHERE {which}", party, *at)
    found: dict[_Told, list[tuple[int, int]]] = {}
    for happened_at, stream, kind, position in rows:
        if (each := _Told(happened_at, stream, _unversioned(kind))) in told:
            found.setdefault(each, []).append((KINDS[kind].RANK, position))
    void = _void(moment, {each.stream for each, by in found.items() if len(by) > 1})
    return {each: min([one for one in by if one[1] not in void] or by)[1] for each, by in found.items()}


def _void(moment: Moment, streams: Set[str]) -> set[int]:
    """Where the entries of these streams stand that do not count."""
    reasons = not_counting(moment, streams)
    return {position for stream, version, position in moment.log.positions(sorted(streams)) if (stream, version) in reasons}


def _unversioned(kind: str) -> str:
    """The kind without its version. To close an incident that nobody resolved is to resolve it."""
    return kind.rpartition(".")[0].replace("incident.closed", "incident.resolved")
