"""Receipts, as answers show them."""

from typing import Literal

from domain.entry import Receipt
from infra.asking.answers import Answer


class ReceiptShown(Answer):
    """What a publisher gets back for a report: where its fact stands on the record, and what it did there."""

    position: int
    hash: str
    """The entry's hash."""
    outcome: Literal["counted", "void", "awaiting"]
    reason: str | None
    """Why it does not count, by name."""
    repeated: bool
    """Whether it had been recorded before."""


def shown(receipt: Receipt) -> ReceiptShown:
    """A receipt as an answer."""
    return ReceiptShown(**receipt._asdict())
