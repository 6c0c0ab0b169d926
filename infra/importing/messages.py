"""What a fact says, made into functions once: templates, objects, and the CloudEvents message around them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from infra.importing.cells import Value, is_time
from infra.importing.conditions import Row, Test, compiled
from infra.importing.localtime import Fault, Moment
from infra.importing.mapping import Map, StatedFact
from infra.importing.templates import parts

Message = dict[str, Any]
"""A CloudEvents message as `domain.report.read` takes it."""

Say = Callable[[Sequence[Value]], Any]
"""What a row's values come to; None where a column that is needed is missing."""


class Stating(NamedTuple):
    """One of a map's facts, made into functions: a row that passes every test states it, and the message says so."""

    tests: tuple[Test, ...]
    message: Callable[[Row], Message]
    """Raises Fault where the fact's id, party or time is missing."""


def stating(of: Map, fact: StatedFact, index: Mapping[str, int]) -> Stating:
    """The fact made into functions, where `index` says at which place a row has its values."""
    say_id, say_party = saying(fact.id, index), saying(fact.party or of.party or "", index)
    time_at, say_data = index[fact.time], _object(of, fact.data, index)
    kind, source = fact.kind, of.source

    def message(values: Row) -> Message:
        time, id, party = values[time_at], say_id(values), say_party(values)
        if not isinstance(time, Moment) or id is None or party is None:
            what = "id" if id is None else "party" if party is None else "time"
            raise Fault(f"missing_{what}", f"states a fact, and a column is missing that its {what} is made from")
        return {
            "specversion": "1.0",
            "id": id if isinstance(id, str) else str(id),
            "source": source,
            "type": kind,
            "subject": party if isinstance(party, str) else str(party),
            "time": time.text,
            "data": say_data(values) or {},
        }

    return Stating(tuple(compiled(each, index) for each in fact.when if each.row_of_key != "last"), message)


def saying(template: str, index: Mapping[str, int]) -> Say:
    """What the template says of a row's values: of one column alone its value as it is, else text."""
    pieces = parts(template)
    places = [index[text] for text, is_column in pieces if is_column]
    if len(pieces) == 1 and places:
        place = places[0]
        return lambda values: values[place]
    form = "".join("%s" if is_column else text.replace("%", "%%") for text, is_column in pieces)

    def say(values: Sequence[Value]) -> str | None:
        named = tuple([values[place] for place in places])
        return None if None in named else form % named

    return say


def _object(of: Map, data: Mapping[str, Any], index: Mapping[str, int]) -> Say:
    """An object of those fields that are not missing; None where all are."""
    constants = {name: value for name, value in data.items() if isinstance(value, int)}
    inner = [(name, _object(of, value, index)) for name, value in data.items() if isinstance(value, Mapping)]
    texts = [(name, value, parts(value)) for name, value in data.items() if isinstance(value, str)]
    alone = [(name, pieces[0][0]) for name, _, pieces in texts if len(pieces) == 1 and pieces[0][1]]
    columns = [(name, index[column]) for name, column in alone if not is_time(of, column)]
    times = [(name, index[column]) for name, column in alone if is_time(of, column)]
    more = inner + [(name, saying(text, index)) for name, text, _ in texts if name not in dict(alone)]

    def say(values: Sequence[Value]) -> dict[str, Any] | None:
        said: dict[str, Any] = constants.copy()
        for name, place in columns:
            if (value := values[place]) is not None:
                said[name] = value
        for name, place in times:
            if (value := values[place]) is not None:
                said[name] = str(value)
        for name, say_more in more:
            if (found := say_more(values)) is not None:
                said[name] = found
        return said or None

    return say
