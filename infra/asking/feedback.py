"""Feedback threads, as answers show them."""

from typing import Literal

from domain.feedback import Instrument
from infra.asking.answers import Answer, At

COLUMNS = "feedback_id, status, instrument, score_micro, received_at, answer_by, answered_at, team, category, channel"


class FeedbackShown(Answer):
    """What the party told the company, and whether it was answered."""

    feedback_id: str
    status: Literal["waiting", "answered"]
    instrument: Instrument
    score_micro: int | None
    """0 the worst, 1,000,000 the best that can be given."""
    received_at: At
    answer_by: At | None
    answered_at: At | None
    team: str | None
    category: str | None
    channel: str | None
