"""All projections that a ledger keeps. Their names and versions are for ever."""

from projections import agenda, board, company, evidence, layers, timeline, trust
from projections.fold import Projection

PROJECTIONS: tuple[Projection, ...] = (
    trust.PROJECTION,
    evidence.PROJECTION,
    layers.PROJECTION,
    company.PROJECTION,
    board.PROJECTION,
    timeline.PROJECTION,
    agenda.PROJECTION,
)
