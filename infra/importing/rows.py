"""Files into rows: CSV (gzipped or not), JSONL, CloudEvents. A line that cannot be read is an Unread and stops nothing."""

import codecs
import csv
import gzip
import io
import json
import re
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from domain.refusal import Refusal
from domain.strictjson import read as read_json
from infra.importing.elements import elements
from infra.importing.localtime import Fault
from infra.importing.mapping import File

LONGEST_LINE = 1 << 20
"""How many bytes a line may have; a longer one is no row."""
LINES_OF_A_ROW = 100
"""How many lines a CSV row may take, by line breaks within quotes; past that, the quote is taken for a stray one."""
CANNOT_UNPACK = (EOFError, gzip.BadGzipFile, zlib.error)
"""What a zipped file that was cut off or damaged raises."""


class Row(NamedTuple):
    """A row: the line on which it begins, its cells in the order of the file's columns, and its bytes as they are."""

    line: int
    cells: Sequence[str | None]
    raw: bytes


class Unread(NamedTuple):
    """A line that is no row: why, by rule and in words that quote nothing, in which column if in one, and its bytes."""

    line: int
    rule: str
    message: str
    raw: bytes
    column: str = ""


class Rows:
    """An open file, read once from beginning to end. `columns` are its columns' names, the second of one name as `name#2`."""

    def __init__(self, path: Path, form: File, wanted: Sequence[str] = ()) -> None:
        """Open the file. Of JSONL, only the `wanted` columns are read: dotted paths into each line's object.

        Raises Fault where a CSV file has no header line, and where no report can be in a file of CloudEvents.
        """
        self.total = path.stat().st_size
        self._form = form
        self._file: io.BufferedReader = io.BufferedReader(io.FileIO(path), 1 << 18)
        try:
            zipped = self._file.read(2) == b"\x1f\x8b"
            self._file.seek(0)
            self._lines = _Lines(gzip.GzipFile(fileobj=self._file) if zipped else self._file)
            if form.format == "cloudevents" and not _may_hold_reports(self._lines):
                raise Fault("no_cloudevents", "it holds no CloudEvents, which are JSON; any other file needs a map (--map)")
            self._csv = _Csv(self._lines, form)
            self.columns = list(wanted) if form.format != "csv" else list(form.header or self._csv.header())
        except BaseException:
            self._file.close()
            raise

    @property
    def done(self) -> int:
        """How many of the file's `total` bytes have been read; of a zipped file, of its bytes as they are."""
        return self.total if self._file.closed else self._file.tell()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, wrong: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[Row | Unread]:
        match self._form.format:
            case "csv":
                yield from self._csv.rows(len(self.columns))
            case "jsonl":
                yield from _json_lines(self._lines, self.columns)
            case "cloudevents":
                yield from _reports(self._lines)
        if self._lines.broken is not None:
            message = f"the file cannot be unpacked from here on: {self._lines.broken}"
            yield Unread(self._lines.number + 1, "file_is_broken", message, b"")


class _Lines:
    """The file's lines as bytes, with their numbers from 1. Lines can be given back; unpacking that fails is the file's end."""

    def __init__(self, file: io.BufferedReader | gzip.GzipFile) -> None:
        self.file = file
        self.number = 0
        self.taken: list[bytes] = []
        self.broken: str | None = None
        self._given_back: deque[bytes] = deque()

    def __iter__(self) -> Iterator[bytes]:
        while line := self.take():
            self.taken.clear()
            yield line

    def take(self) -> bytes:
        """The next line, empty at the end. What is taken is kept in `taken` until that is cleared."""
        if self._given_back:
            line = self._given_back.popleft()
        else:
            try:
                line = self._read()
            except CANNOT_UNPACK as wrong:
                self.broken, line = _why(wrong), b""
        if line:
            self.number += 1
            self.taken.append(line)
        return line

    def give_back(self) -> bytes:
        """Give back all that was taken but the first line, and return that."""
        first, *others = self.taken
        self._given_back.extendleft(reversed(others))
        self.number -= len(others)
        self.taken.clear()
        return first

    def _read(self) -> bytes:
        """The next line without a byte order mark; of one that is too long, as much as is too long."""
        line = self.file.readline(LONGEST_LINE)
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            while (more := self.file.readline(LONGEST_LINE)) and not more.endswith(b"\n"):
                pass
        return line.removeprefix(codecs.BOM_UTF8) if self.number == 0 else line


class _Csv:
    """The file's CSV records. Of one that is broken, the first line is unread, and reading goes on with the next line."""

    def __init__(self, lines: _Lines, form: File) -> None:
        self._lines = lines
        self._form = form

    def header(self) -> list[str]:
        """The names in the file's first record. Raises Fault where it cannot be read."""
        first = next(self._records(None), None)
        self._lines.taken.clear()
        if not isinstance(first, Row):
            raise Fault("no_header", "the file's first line names no columns")
        named: list[str] = []
        for cell in first.cells:
            name, again = (cell or "").strip(), 2
            unique = name
            while unique in named:
                unique, again = f"{name}#{again}", again + 1
            named.append(unique)
        return named

    def rows(self, width: int) -> Iterator[Row | Unread]:
        """The records from here on, each of `width` cells."""
        return self._records(width)

    def _records(self, width: int | None) -> Iterator[Row | Unread]:
        lines = self._lines
        while True:
            records = csv.reader(self._texts(), delimiter=self._form.delimiter, strict=True)
            try:
                for cells in records:
                    if cells and width is not None and len(cells) != width:
                        raise Fault("wrong_number_of_columns", f"has {len(cells)} columns and the file has {width}")
                    if cells:
                        raw = lines.taken[0] if len(lines.taken) == 1 else b"".join(lines.taken)
                        yield Row(lines.number - len(lines.taken) + 1, cells, raw)
                    lines.taken.clear()
                return
            except Fault as fault:
                rule, message = fault.rule, fault.message
            except csv.Error:
                rule, message = "broken_quoting", "a quote, a line's end or a cell of great length is not as in CSV"
            first_line = lines.number - len(lines.taken) + 1
            yield Unread(first_line, rule, message, lines.give_back())

    def _texts(self) -> Iterator[str]:
        """The lines as text. Raises Fault where a line is none."""
        lines, encoding = self._lines, self._form.encoding
        while line := lines.take():
            if len(lines.taken) > LINES_OF_A_ROW:
                raise Fault("broken_quoting", f"a quote is not closed within {LINES_OF_A_ROW} lines")
            if len(line) == LONGEST_LINE:
                raise Fault("line_too_long", f"has {LONGEST_LINE} bytes or more")
            if b"\0" in line:
                raise Fault("nul_character", "has a NUL character")
            try:
                text = line.decode(encoding)
            except UnicodeDecodeError as wrong:
                raise Fault("wrong_encoding", f"byte {wrong.start} of the line is not {encoding}") from None
            yield text


def _json_lines(lines: _Lines, columns: Sequence[str]) -> Iterator[Row | Unread]:
    for raw in lines:
        if raw.isspace():
            continue
        try:
            value = read_json(raw)
            if not isinstance(value, dict):
                raise Fault("no_json_object", "is no JSON object")
            cells = [_cell(value, column) for column in columns]
        except Refusal as refusal:
            yield Unread(lines.number, "broken_json", refusal.message, raw)
        except Fault as fault:
            yield Unread(lines.number, fault.rule, fault.message, raw, fault.column)
        else:
            yield Row(lines.number, cells, raw)


def _cell(value: dict[str, Any], column: str) -> str | None:
    """What the object says at the dotted path, as text; None where there is nothing."""
    inner: Any = value
    for step in [column] if column in value else column.split("."):
        inner = inner.get(step) if isinstance(inner, dict) else None
    if inner is None or isinstance(inner, str):
        return inner
    if isinstance(inner, bool | int | float):
        return json.dumps(inner)
    raise Fault("no_plain_value", "is no text, number or truth value", column)


def _may_hold_reports(lines: _Lines) -> bool:
    """Whether a line at the file's beginning may be one; what is empty or cannot be unpacked is told of when it is read."""
    try:
        head = lines.file.peek(1).removeprefix(codecs.BOM_UTF8)
    except CANNOT_UNPACK as wrong:
        lines.broken = _why(wrong)
        return True
    return not head.strip() or re.search(rb"^\s*[\[{]", head, re.MULTILINE) is not None


def _why(wrong: Exception) -> str:
    return "it ends too early" if isinstance(wrong, EOFError) else "it is damaged"


def _reports(lines: _Lines) -> Iterator[Row | Unread]:
    """Each line, or each element of the one array, as it is: intake reads it."""
    try:
        if lines.file.peek(1).removeprefix(codecs.BOM_UTF8).lstrip()[:1] == b"[":
            for line, raw, broken in elements(lines.file):
                yield Unread(line, "broken_json", broken, raw) if broken else Row(line, (), raw)
            return
    except CANNOT_UNPACK as wrong:
        lines.broken = _why(wrong)
        return
    for raw in lines:
        if not raw.isspace():
            yield Row(lines.number, (), raw.strip())
