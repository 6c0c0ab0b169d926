"""The elements of a JSON array, one by one as their bytes: an array of any length is never held in memory as a whole."""

import re
from collections.abc import Iterator
from io import BufferedIOBase
from typing import NamedTuple

CHUNK = 1 << 18
LONGEST = 1 << 24
"""How many bytes an element may have; an array with a longer one is read up to there."""

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{},"]', re.DOTALL)
"""A whole string, or a bracket, a comma, or the quote of a string whose end has not been read yet."""


class Element(NamedTuple):
    """An element's bytes, and the line on which it begins; `broken` says why the array cannot be read past it."""

    line: int
    raw: bytes
    broken: str | None = None


def elements(file: BufferedIOBase) -> Iterator[Element]:
    """The elements of the array that the file holds; a fault in brackets or quotes ends it with one that is broken."""
    held, at, depth, line = b"", 0, 0, 1
    while True:
        chunk = file.read1(CHUNK)
        held += chunk
        start = 0
        while (token := _TOKEN.search(held, at)) is not None:
            mark = token[0]
            if mark == b'"':
                break  # the string goes on in what has not been read
            at = token.end()
            depth += (mark in b"[{") - (mark in b"]}") if len(mark) == 1 else 0
            if depth == 0 or (depth == 1 and mark in (b",", b"[")):
                raw = held[start : at - 1]
                if mark != b"[" and (raw.strip() or mark == b","):
                    yield _element(raw, line)
                line += raw.count(b"\n")
                start = at
            if depth == 0:
                yield from _after(held[start:] + file.read1(CHUNK), line)
                return
        held, at = held[start:], max(0, (token.start() if token else len(held)) - start)
        if not chunk or len(held) > LONGEST:
            yield _element(held[:LONGEST], line, "the array has no end" if not chunk else "an element is too long")
            return


def _element(raw: bytes, line: int, broken: str | None = None) -> Element:
    body = raw.lstrip()
    return Element(line + raw[: len(raw) - len(body)].count(b"\n"), body.rstrip(), broken)


def _after(rest: bytes, line: int) -> Iterator[Element]:
    if rest.strip():
        yield _element(rest, line, "something follows the end of the array")
