"""Pieces of evidence, as the view `evidence` keeps them and as trust is explained by them."""

from typing import NamedTuple


class Piece(NamedTuple):
    """One row of `evidence`."""

    stream: str
    party: str
    family: str
    reference: str
    direction: str
    at: int
    weight_micro: int
    outcome_micro: int
    because: str
    team: str | None
    person: str | None
    category: str | None
    channel: str | None
    opened_on: int | None
    by: str
