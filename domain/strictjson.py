"""JSON read strictly: what parsers disagree about (duplicate keys, NaN, lone surrogates) is refused, with its place.

A key that is no field's name may be a person's (`{"anna@example.org": 1}`): the place of what it holds is the object around it.
"""

import json
import re
from collections import Counter
from itertools import takewhile
from math import isfinite
from typing import Any, NoReturn

from domain.refusal import MalformedJson, TooLarge

MAX_BYTES = 262_144
MAX_DEPTH = 64

_STRUCTURE = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]|,', re.DOTALL)
"""A string, ended or not, a bracket or a comma. Nothing in it is tried twice, so that no text takes long."""
_FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,40}")
_SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


class _Twice(dict[str, Any]):
    """An object that named a key twice, until its place has been found."""

    key: str


def read(raw: bytes, *, max_bytes: int = MAX_BYTES) -> Any:
    """The value that the bytes say. Raises MalformedJson (with a JSON pointer where there is one) or TooLarge."""
    if len(raw) > max_bytes:
        raise TooLarge(f"{len(raw)} bytes; a report may have {max_bytes}")
    _refuse_depth(raw)
    suspects: list[str] = []
    try:
        text = raw.decode("utf-8")
        try:
            value, end = _PLAIN.raw_decode(text)
            if text[end:].strip(" \t\r\n"):
                raise ValueError
        except ValueError:  # a key that is named twice, space in front, or no JSON: what it is, is found out at leisure
            value = json.loads(
                text,
                object_pairs_hook=lambda pairs: _object(pairs, suspects),
                parse_constant=_no_number,
                parse_float=_finite,
            )
    except UnicodeDecodeError as wrong:
        raise MalformedJson(f"byte {wrong.start} is not UTF-8") from None
    except json.JSONDecodeError as wrong:
        raise MalformedJson(f"{wrong.msg} at line {wrong.lineno}, column {wrong.colno}") from None
    except ValueError:  # an integer of more digits than Python reads
        raise MalformedJson("a number has too many digits") from None
    if suspects or (b"\\u" in raw and _SUSPECT.search(raw)):
        refuse_strings(value)
    return value


def split(raw: bytes) -> list[bytes] | None:
    """The elements of a JSON array, each as its own bytes, whether or not they are JSON themselves; else None.

    So that one broken report of a batch does not take its neighbours with it.
    """
    body = raw.strip(b" \t\r\n")
    if not (body.startswith(b"[") and body.endswith(b"]")):
        return None
    depth, begun, elements = 0, 1, list[bytes]()
    for token in _STRUCTURE.finditer(body, 1, len(body) - 1):
        match token[0]:
            case b"[" | b"{":
                depth += 1
            case b"]" | b"}":
                depth -= 1
            case b"," if depth == 0:
                elements.append(body[begun : token.start()].strip())
                begun = token.end()
            case _:
                pass
    last = body[begun:-1].strip()
    return [*elements, last] if elements or last else []


def pointer(*steps: str | int) -> str:
    """The JSON pointer (RFC 6901) that these steps make."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def place(*steps: str | int) -> str:
    """The pointer to what these steps of a report lead to, or to the last object above a key that is no field's name."""
    return pointer(*takewhile(lambda step: isinstance(step, int) or _FIELD_NAME.fullmatch(step), steps))


def refuse_strings(value: Any, *steps: str | int) -> None:
    """Refuse text that no store keeps (NUL, half a surrogate pair), and keys named twice, saying where."""
    match value:
        case str():
            _refuse_text(value, place(*steps))
        case dict():
            for key, inner in value.items():
                _refuse_text(key, place(*steps))
                refuse_strings(inner, *steps, key)
            if isinstance(value, _Twice):
                raise MalformedJson("a key is named twice in one object", place(*steps, value.key))
        case list():
            for index, inner in enumerate(value):
                refuse_strings(inner, *steps, index)
        case _:
            pass


def _refuse_text(text: str, where: str) -> None:
    if "\0" in text:
        raise MalformedJson("text has a NUL character", where)
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise MalformedJson("text has half a surrogate pair", where)


def _refuse_depth(raw: bytes) -> None:
    if raw.count(b"[") + raw.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for token in _STRUCTURE.finditer(raw):
        if token[0] in (b"[", b"{"):
            depth += 1
            if depth > MAX_DEPTH:
                raise MalformedJson(f"nested deeper than {MAX_DEPTH} at byte {token.start()}")
        elif token[0] in (b"]", b"}"):
            depth -= 1


def _object(pairs: list[tuple[str, Any]], suspects: list[str]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    twice = _Twice(made)
    twice.key = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
    suspects.append(twice.key)
    return twice


def _plain(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError
    return made


def _finite(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise MalformedJson("a number is too large")
    return number


def _no_number(name: str) -> NoReturn:
    raise MalformedJson(f"{name} is no JSON number")


_PLAIN = json.JSONDecoder(object_pairs_hook=_plain, parse_constant=_no_number, parse_float=_finite)
"""Reads what nothing is wrong with. Making one takes as long as reading a report."""
