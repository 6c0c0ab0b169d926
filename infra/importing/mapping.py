"""The map of an import: a TOML file that says, without any code, which rows of a file state which facts.

A map in full, for a file of tickets with one row per update:

    source = "urn:acme:tickets"         # the CloudEvents source of every report
    party = "{customer}"                # whom the facts are about
    key = "{ticket}"                    # rows with the same key tell of one thing; needed only to compare rows
    rows_of_a_key = "together"          # or "anywhere": then the last row of each key is known at the file's end

    [file]
    format = "csv"                      # or "jsonl"; or "cloudevents", which needs nothing else
    delimiter = ","                     # csv only
    encoding = "utf-8"                  # any in which a line ends as in ASCII
    missing = ["?", "n/a"]              # cells that say nothing; an empty cell never says anything
    header = ["ticket", "state", "team", "count", "priority", "customer", "contact", "due", "sys_updated_at", "score"]
                                        # only where the file itself has no line that names its columns

    [times.local]                       # how a text is read as a time
    format = "%d/%m/%Y %H:%M"           # strptime's directives; or "iso", "unix", "unix_ms"
    zone = "America/New_York"           # IANA; needed unless the text itself names its offset
    ambiguous = "earlier"               # an hour that came twice: "earlier", "later" or "refuse" (the default)
    nonexistent = "forward"             # an hour that the clocks skipped: "forward" or "refuse" (the default)

    [columns.updated]                   # a column of the map's own: a column of the file, read in a certain way
    of = "sys_updated_at"               # the file's column (by default, the one of the same name); of several, the first
    time = "local"                      #   that is not missing; of two columns of one name, the second is "name#2"
    same_time = "row_order"             # rows of one key with the same time lie 1 µs apart, in the order of the rows

    [columns.severity]
    of = "priority"
    table = { "1" = "critical", "2" = "high" }
    unlisted = "low"                    # what any other text means; without it such a row is rejected

    [columns.customer]
    spaces = "collapse"                 # runs of white space count as one blank; those at a cell's ends never count
    missing = ["UNKNOWN"]               # more cells that say nothing, in this column
    otherwise = "customer not given"    # what a missing cell means
    row = "first"                       # on every row of a key, what its first row says

    [columns.score]
    number = true                       # a whole number

    [columns.due]
    time = "local"

    [[facts]]
    kind = "incident.opened.v1"
    when = [{ row_of_key = "first" }]   # or "last"
    id = "{ticket}:opened"              # the report's id: made from the row alone, so that importing twice records once
    time = "updated"                    # when it happened: a column that is read as a time
    data = { incident_id = "{ticket}", severity = "{severity}", team = "{team}", resolve_by = "{due}" }

    [[facts]]
    kind = "incident.reassigned.v1"
    when = [                            # all of these hold; without `when`, each row states the fact
        { column = "team", changes = true },                     # differs from the row before, of the same key
        { column = "state", equals = ["Active", "New"] },        # one of; or not_equals, none of
        { column = "state", row = "previous", is = "present" },  # the same test on the row before; or is = "missing"
        { column = "updated", at_or_before = "due" },            # of two times; or after = "due"
    ]
    id = "{ticket}:reassigned:{count}"
    time = "updated"
    data = { incident_id = "{ticket}", team = "{team}" }

    [[facts]]
    kind = "feedback.received.v1"
    when = [{ row_of_key = "last" }, { column = "score", is = "present" }]
    id = "{ticket}:rated"
    time = "updated"
    party = "{customer}/{contact}"      # whom this fact is about, where that is somebody else
    data = { feedback_id = "{ticket}", instrument = "csat", score = "{score}", scale_high = 5 }

A text in `party`, `key`, `id` and `data` is a template: `{name}` stands for a column, of the map or else of the file; `{{` and
`}}` for braces. In `data`, a template of one column alone keeps its type (time, number, true or false), numbers and truth
values stand for themselves, a table is an object inside the object, and a field whose column is missing is left out. Where a
fact's tests hold and its id, time or party is missing, the row is rejected. Columns of JSONL are dotted paths: `{user.name}`.

On the first row of a key there is no row before: every column of it is missing, and nothing changes.
"""

import codecs
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, model_validator
from pydantic_core import PydanticCustomError

from domain.fact import Value
from domain.kinds import KINDS, RESERVED
from infra.importing.localtime import TimeFormat
from infra.importing.templates import parts

FACTS_PER_ROW = 100
"""A map states no more kinds of facts than this, so that a batch of whole rows stays small."""


def _template(text: str) -> str:
    try:
        parts(text)
    except ValueError as wrong:
        raise PydanticCustomError("malformed_template", "{why}", {"why": str(wrong)}) from None
    return text


def _scalar(value: object) -> str | int:
    if not isinstance(value, str | int):
        raise PydanticCustomError("no_scalar", "must be a text, a whole number, true or false")
    return value


def _data(value: object) -> str | int | dict[str, Any]:
    """What a field of the data is to say: a template, a number, a truth value, or an object of such."""
    if isinstance(value, dict):
        return {str(name): _data(inner) for name, inner in value.items()}
    scalar = _scalar(value)
    return _template(scalar) if isinstance(scalar, str) else scalar


def _encoding(name: str) -> str:
    try:
        codecs.lookup(name)
        like_ascii = '\n",{['.encode(name) == b'\n",{['
    except (LookupError, UnicodeError):
        like_ascii = False
    if not like_ascii:
        raise PydanticCustomError("unknown_encoding", "must be an encoding in which lines end as in ASCII, such as utf-8")
    return name


def _kind(name: str) -> str:
    if name not in KINDS or name in RESERVED:
        raise PydanticCustomError("unknown_kind", "is no kind that a publisher reports: `troth schema` lists the kinds")
    return name


Name = Annotated[str, Field(min_length=1, max_length=200)]
Template = Annotated[str, Field(min_length=1), AfterValidator(_template)]
Scalar = Annotated[str | int, PlainValidator(_scalar)]
Texts = Annotated[tuple[str, ...], Field(strict=False)]
Names = Annotated[
    tuple[Name, ...], Field(strict=False, min_length=1), BeforeValidator(lambda v: [v] if isinstance(v, str) else v)
]
Scalars = Annotated[
    tuple[Scalar, ...],
    Field(strict=False, min_length=1),
    BeforeValidator(lambda v: v if isinstance(v, list | tuple) else [v]),
]


class File(Value):
    """How the file is written."""

    format: Literal["csv", "jsonl", "cloudevents"]
    """Columns with a header line, one JSON object a line, or reports that are CloudEvents already."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1, pattern=r'^[^"\r\n\x00]$')] = ","
    """What separates the columns of a CSV file."""
    encoding: Annotated[str, AfterValidator(_encoding)] = "utf-8"
    """How a CSV file's characters are written; JSON is UTF-8."""
    missing: Texts = ()
    """Cells that say nothing, besides empty ones."""
    header: Names | None = None
    """The columns' names, where a CSV file has no line that says them."""

    @model_validator(mode="after")
    def _of_its_format(self) -> "File":
        if self.format != "csv" and self.model_fields_set & {"delimiter", "encoding", "header"}:
            raise PydanticCustomError("not_csv", "delimiter, encoding and header are for CSV alone")
        return self


class Column(Value):
    """A column of the map's own: what a column of the file says, read in a certain way."""

    of: Names | None = None
    """The file's column, by default the one of the same name; of several, the first that is not missing."""
    spaces: Literal["keep", "collapse"] = "keep"
    """Whether runs of white space count as one blank; those at a cell's ends never count."""
    missing: Texts = ()
    """More cells that say nothing, in this column."""
    table: Annotated[dict[str, Scalar], Field(min_length=1)] | None = None
    """What each text means."""
    unlisted: Scalar | None = None
    """What a text means that is not in the table; without it, such a row is rejected."""
    time: Name | None = None
    """Which of `times` it is read by."""
    same_time: Literal["keep", "row_order"] = "keep"
    """Whether rows of one key that name the same time are put 1 µs apart, in the order of the rows."""
    number: bool = False
    """Whether it is a whole number."""
    otherwise: Scalar | None = None
    """What a missing cell means."""
    row: Literal["this", "first"] = "this"
    """Whose row's value it is: each row's own, or that of the first row of the key."""

    @model_validator(mode="after")
    def _read_in_one_way(self) -> "Column":
        if (self.table is not None) + (self.time is not None) + self.number > 1:
            raise PydanticCustomError("two_readings", "is read in one way: by a table, as a time, or as a number")
        if self.unlisted is not None and self.table is None:
            raise PydanticCustomError("no_table", "`unlisted` needs a `table`")
        if self.same_time != "keep" and self.time is None:
            raise PydanticCustomError("no_time", "`same_time` needs a `time`")
        if self.otherwise is not None and self.time is not None:
            raise PydanticCustomError("invented_time", "no time is invented where one is missing")
        return self


class Condition(Value):
    """One test that a row passes or not."""

    column: Name | None = None
    """The column that is looked at."""
    row: Literal["this", "previous"] = "this"
    """In which row: this one, or the one before it of the same key."""
    equals: Scalars | None = None
    """It says one of these."""
    not_equals: Scalars | None = None
    """It says none of these; missing, it says none."""
    is_: Annotated[Literal["present", "missing"] | None, Field(alias="is")] = None
    """It says anything, or nothing."""
    changes: Literal[True] | None = None
    """It differs from what it said in the row before, of the same key."""
    at_or_before: Name | None = None
    """It is a time, and not after that of this other column; where either is missing, it is not."""
    after: Name | None = None
    """It is a time, and after that of this other column; where either is missing, it is not."""
    row_of_key: Literal["first", "last"] | None = None
    """The row is the first, or the last, of its key. Stands alone, without a column."""

    @model_validator(mode="after")
    def _one_test(self) -> "Condition":
        of_column = (self.equals, self.not_equals, self.is_, self.changes, self.at_or_before, self.after)
        tests = sum(test is not None for test in of_column)
        if self.row_of_key is not None:
            if tests or self.column is not None or self.row != "this":
                raise PydanticCustomError("not_one_test", "`row_of_key` stands alone")
        elif self.column is None or tests != 1:
            raise PydanticCustomError(
                "not_one_test",
                "is a column and one test (equals, not_equals, is, changes, at_or_before, after), or `row_of_key`",
            )
        elif self.row == "previous" and (self.changes or self.at_or_before or self.after):
            raise PydanticCustomError("not_of_previous", "of the row before, only equals, not_equals and is are asked")
        return self


class StatedFact(Value):
    """A fact, and which rows state it."""

    kind: Annotated[str, AfterValidator(_kind)]
    """Which kind of fact it is."""
    when: Annotated[tuple[Condition, ...], Field(strict=False)] = ()
    """The tests that a row passes, all of them; without any, every row states the fact."""
    id: Template
    """The report's id, made from the row alone."""
    time: Name
    """When it happened: a column that is read as a time."""
    party: Template | None = None
    """Whom it is about, where that is not the map's party."""
    data: dict[str, Annotated[str | int | dict[str, Any], PlainValidator(_data)]]
    """What it says, field by field."""

    @property
    def of_last_row(self) -> bool:
        """Whether only the last row of a key can state it."""
        return any(each.row_of_key == "last" for each in self.when)


class Map(Value):
    """Which rows of a file state which facts."""

    file: File
    source: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """The CloudEvents source of every report."""
    party: Template | None = None
    """Whom the facts are about."""
    key: Template | None = None
    """What the rows that tell of one thing have in common."""
    rows_of_a_key: Literal["together", "anywhere"] = "together"
    """Whether they follow each other; where they are to and do not, the row that came back is rejected."""
    times: dict[str, TimeFormat] = Field(default_factory=dict)
    """How texts are read as times."""
    columns: dict[Name, Column] = Field(default_factory=dict)
    """The map's own columns."""
    facts: Annotated[tuple[StatedFact, ...], Field(strict=False, max_length=FACTS_PER_ROW)] = ()
    """The facts, and which rows state them."""


CLOUDEVENTS = Map(file=File(format="cloudevents"))
"""The map of a file whose lines, or elements, are reports already."""
