"""What was refused, why, and what became of it; and trying it again."""

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from consumers.intake import Incoming, Outcome
from domain import entry
from domain.entry import Receipt
from infra.asking.answers import Answer, At, Question
from infra.asking.paging import from_cursor, to_cursor
from infra.asking.receipt import ReceiptShown, shown
from infra.record import Kept, Quarantine, Record, Status


class QuarantineWanted(Question):
    """Which refused reports, and which page of them."""

    status: Literal["waiting", "recorded", "discarded", "all"] = "waiting"
    """What became of them."""
    reason: str | None = None
    """The name of the refusal, such as `UnknownType`."""
    cursor: str | None = None
    """`next` of the page before; none for the first page."""
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    """At most how many."""


class KeptShown(Answer):
    """A refused report, without its bytes."""

    number: int
    reason: str
    """The name of the refusal."""
    message: str
    """What is wrong."""
    pointer: str
    """Where in the report: a JSON pointer, empty for the whole."""
    origin: str
    """By which way it came."""
    refused_at: At
    """When it was refused first."""
    times: int
    """How often the same bytes were refused for the same reason."""
    status: Status
    size_bytes: int


class KeptWhole(KeptShown):
    """A refused report with its bytes. They may be personal."""

    text: str
    """The bytes as text; what cannot be printed is escaped."""
    receipt: ReceiptShown | None
    """Where it is recorded, once it was tried again with success."""


class QuarantineAnswer(Answer):
    """Refused reports by number."""

    refused: list[KeptShown]
    next: str | None
    """Where the next page begins; none on the last."""


def listed(quarantine: Quarantine, wanted: QuarantineWanted) -> QuarantineAnswer:
    """One page of what was refused. Raises BadQuestion."""
    status = None if wanted.status == "all" else wanted.status
    (after,) = from_cursor(wanted.cursor, 1) or (0,)
    rows = quarantine.list(status=status, after=int(after or 0), limit=wanted.limit + 1, reason=wanted.reason)
    page = rows[: wanted.limit]
    return QuarantineAnswer(
        refused=[KeptShown.model_validate(_shown(each)) for each in page],
        next=to_cursor(page[-1].number) if len(rows) > wanted.limit else None,
    )


def whole(quarantine: Quarantine, log: Record, number: int) -> KeptWhole:
    """One of them with its bytes. Raises NotInQuarantine."""
    kept = quarantine.show(number)
    return KeptWhole.model_validate(_shown(kept) | {"text": printable(kept.raw), "receipt": _receipt(log, kept)})


def receipt_of(log: Record, kept: Kept) -> Receipt | None:
    """The receipt of a report that was recorded after all."""
    if kept.position is None:
        return None
    (stored,) = log.page(kept.position, 1)
    return entry.receipt(stored.position, stored.state, entry.decode(stored.state), repeated=True)


class Again(NamedTuple):
    """A refused report that is to be tried again, perhaps with corrected bytes."""

    number: int
    raw: bytes
    corrected: bool

    @property
    def incoming(self) -> Incoming:
        """It, on its way in. Its own bytes are kept already; corrected ones that are refused are not kept."""
        return Incoming(f"quarantine:{self.number}", self.raw, kept=True)


def again(kept: Kept, corrected: bytes | None = None) -> Again:
    """A kept report, to be tried again."""
    return Again(kept.number, kept.raw if corrected is None else corrected, corrected is not None)


def settle(quarantine: Quarantine, tried: Sequence[Again], outcomes: Sequence[Outcome]) -> None:
    """Note what became of reports that were tried again: recorded, or refused for this reason now.

    A correction that was refused changes nothing: the reason that is shown goes with the bytes that are. Where the process
    ends before this is noted, trying again gets the same receipts and notes it then.
    """
    for each, outcome in zip(tried, outcomes, strict=True):
        if isinstance(outcome, Receipt):
            quarantine.recorded(each.number, outcome.position)
        elif not each.corrected:
            quarantine.refused_again(each.number, outcome.name, outcome.message, outcome.pointer)


def printable(raw: bytes) -> str:
    """Bytes as text that is safe on any terminal: lines stay, what cannot be printed or is no UTF-8 is escaped."""
    text = raw.decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each == "\n" else ascii(each)[1:-1] for each in text)


def _receipt(log: Record, kept: Kept) -> ReceiptShown | None:
    receipt = receipt_of(log, kept)
    return None if receipt is None else shown(receipt)


def _shown(kept: Kept) -> dict[str, object]:
    shown = kept._asdict() | {"size_bytes": len(kept.raw)}
    del shown["raw"], shown["position"]
    return shown
