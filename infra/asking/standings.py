"""What streams amounted to at the moment asked, from their facts: for what the views do not hold."""

from collections.abc import Iterable

from domain.amendment import settle
from domain.entry import Entry, decode, known_from
from domain.kinds import Standing
from infra.asking.moment import Moment, standing_at


def standings(moment: Moment, streams: Iterable[str]) -> dict[str, Standing]:
    """The standing of each of these streams, as far as they had begun."""
    reached = {stream: _reached(moment, entries) for stream, entries in _known(moment, streams).items()}
    return {stream: standing for stream, standing in reached.items() if standing is not None}


def not_counting(moment: Moment, streams: Iterable[str]) -> dict[tuple[str, int], str]:
    """The facts of these streams that did not count, by (stream, version), with the reason by name."""
    reasons: dict[tuple[str, int], str] = {}
    for stream, entries in _known(moment, streams).items():
        _, void = settle([known_from(entry) for entry in entries])
        reached = _reached(moment, entries)
        void |= {each.version: each.reason for each in reached.void} if reached is not None else {}
        reasons |= {(stream, version): reason for version, reason in void.items()}
    return reasons


def _known(moment: Moment, streams: Iterable[str]) -> dict[str, list[Entry]]:
    """The entries of these streams that had been recorded."""
    found = moment.log.streams(sorted(set(streams)))
    known = {stream: [decode(state) for state in states] for stream, states in found.items()}
    if moment.known_at is None:
        return known
    recorded = {stream: [each for each in entries if each.recorded_at <= moment.known_at] for stream, entries in known.items()}
    return {stream: entries for stream, entries in recorded.items() if entries}


def _reached(moment: Moment, entries: list[Entry]) -> Standing | None:
    if moment.as_of is None and moment.known_at is None:
        return entries[-1].after
    return standing_at(entries, moment.now, moment.until)
