"""Finding a map by its name or its path, and saying what is wrong with one, and where in it."""

import tomllib
from importlib.resources import files
from pathlib import Path

from pydantic import ValidationError

from domain.kinds import KINDS
from infra.importing.cells import is_time, used_names
from infra.importing.mapping import Condition, Map, StatedFact
from infra.importing.templates import names

FAULTS_SHOWN = 5


class MapRefused(Exception):
    """A map that cannot be used: where in it, and why. Nothing in it quotes the file that was to be imported."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(f"{place}: {message}" if place else message)
        self.place = place
        self.message = message


def shipped() -> list[str]:
    """The names of the maps that come with the ledger."""
    return sorted(
        each.name.removesuffix(".toml") for each in files("infra").joinpath("maps").iterdir() if each.name.endswith(".toml")
    )


def load(name: str) -> Map:
    """The map of this name that comes with the ledger, or the one in the file at this path. Raises MapRefused."""
    if name in shipped():
        return read(files("infra").joinpath("maps", f"{name}.toml").read_text("utf-8"))
    try:
        return read(Path(name).read_text("utf-8"))
    except OSError as wrong:
        known = ", ".join(shipped())
        raise MapRefused("", f"{name} is none of the maps by name ({known}), and no file: {wrong.strerror}") from None
    except UnicodeDecodeError:
        raise MapRefused("", "the map is not UTF-8") from None


def read(text: str) -> Map:
    """The map that a TOML text says. Raises MapRefused with the place of the first fault."""
    try:
        said = Map.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as wrong:
        raise MapRefused("", f"the map is no TOML: {wrong}") from None
    except ValidationError as wrong:
        raise _refused(wrong) from None
    if said.file.format != "cloudevents":
        _check(said)
    elif said.facts or said.columns or said.source is not None or said.party is not None or said.key is not None:
        raise MapRefused("file.format", "reports that are CloudEvents already need nothing else in the map")
    return said


def _refused(wrong: ValidationError) -> MapRefused:
    faults = wrong.errors(include_url=False, include_input=False, include_context=False)
    said = [(_place(fault["loc"]), fault["msg"]) for fault in faults[:FAULTS_SHOWN]]
    more = "".join(f"\n{place}: {message}" for place, message in said[1:])
    return MapRefused(said[0][0], said[0][1] + more)


def _place(steps: tuple[int | str, ...]) -> str:
    """`facts[2].when[0].equals`"""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")


def _check(of: Map) -> None:
    """Refuse what the parts of a map do not say about each other."""
    for name, value in (("source", of.source), ("party", of.party), ("facts", of.facts)):
        if not value:
            raise MapRefused(name, "is needed where rows are made into reports")
    for name, column in of.columns.items():
        if column.time is not None and column.time not in of.times:
            raise MapRefused(f"columns.{name}.time", f"no `{column.time}` is among the map's times")
        if of.key is None and (column.row == "first" or column.same_time == "row_order"):
            raise MapRefused(f"columns.{name}", "compares the rows of a key, and the map has no key")
    unused = of.columns.keys() - set(used_names(of))
    if unused:
        raise MapRefused(f"columns.{min(unused)}", "is used nowhere in the map")
    for number, fact in enumerate(of.facts):
        _check_fact(of, fact, f"facts[{number}]")


def _check_fact(of: Map, fact: StatedFact, place: str) -> None:
    _check_time(of, fact.time, f"{place}.time")
    fields = KINDS[fact.kind].model_fields
    for name in fact.data:
        if name not in fields:
            raise MapRefused(f"{place}.data.{name}", f"{fact.kind} says no such thing; it says {', '.join(fields)}")
    for name, field in fields.items():
        if field.is_required() and name not in fact.data:
            raise MapRefused(f"{place}.data", f"{fact.kind} needs {name}")
    if not names(fact.id):
        raise MapRefused(f"{place}.id", "names no column: every row would make the same report")
    for number, test in enumerate(fact.when):
        _check_test(of, test, f"{place}.when[{number}]")


def _check_test(of: Map, test: Condition, place: str) -> None:
    if of.key is None and (test.row == "previous" or test.changes or test.row_of_key is not None):
        raise MapRefused(place, "compares the rows of a key, and the map has no key")
    for name, other in (("at_or_before", test.at_or_before), ("after", test.after)):
        if other is not None and test.column is not None:
            _check_time(of, test.column, f"{place}.column")
            _check_time(of, other, f"{place}.{name}")


def _check_time(of: Map, name: str, place: str) -> None:
    if not is_time(of, name):
        raise MapRefused(place, f"`{name}` is no column of the map that is read as a time")
