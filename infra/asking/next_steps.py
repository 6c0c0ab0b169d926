"""What to do next about a party, derived plainly from what is overdue, unanswered, unresolved or missing."""

from typing import Literal

from domain.instant import DAY, text
from infra.asking.answers import Answer, At
from infra.asking.feedback import FeedbackShown
from infra.asking.incidents import IncidentShown
from infra.asking.layers import ConditionShown
from infra.asking.promises import PromiseShown


class NextStep(Answer):
    """Something to do, and why."""

    do: Literal["keep_promise", "answer_feedback", "put_right", "deepen"]
    reference: str
    """The publisher's id of the promise, thread or incident; to deepen, the condition of the next layer."""
    because: str
    since_at: At | None
    """Since when it has been so."""


def next_steps(
    now: int,
    *,
    promises: list[PromiseShown],
    waiting: list[FeedbackShown],
    unresolved: list[IncidentShown],
    missing: list[ConditionShown],
) -> list[NextStep]:
    """Our promises that are overdue, feedback that waits, incidents past their target, what the next layer asks for."""
    return [
        *_to_keep(promises, now),
        *_to_answer(waiting, now),
        *_to_put_right(unresolved, now),
        *_to_deepen(missing),
    ]


def _to_keep(promises: list[PromiseShown], now: int) -> list[NextStep]:
    return [
        NextStep(do="keep_promise", reference=each.promise_id, because=_overdue(each.due_at, now), since_at=each.due_at)
        for each in promises
        if each.status == "overdue"
    ]


def _to_answer(waiting: list[FeedbackShown], now: int) -> list[NextStep]:
    steps = []
    for each in waiting:
        since_at, because = each.received_at, f"unanswered, received {text(each.received_at)[:10]}"
        if each.answer_by is not None and each.answer_by < now:
            since_at, because = each.answer_by, f"unanswered, {_overdue(each.answer_by, now)}"
        steps.append(NextStep(do="answer_feedback", reference=each.feedback_id, because=because, since_at=since_at))
    return steps


def _to_put_right(unresolved: list[IncidentShown], now: int) -> list[NextStep]:
    steps = []
    for each in unresolved:
        if each.past_target or each.response_overdue:
            due, wanting = (each.resolve_due_at, "unresolved") if each.past_target else (each.respond_due_at, "no response")
            because = f"{wanting}, {_overdue(due, now)}"
            steps.append(NextStep(do="put_right", reference=each.incident_id, because=because, since_at=due))
    return steps


def _to_deepen(missing: list[ConditionShown]) -> list[NextStep]:
    return [
        NextStep(
            do="deepen",
            reference=each.name,
            because=f"the next layer asks for {_amount(each.name, each.needed)}, there is {_amount(each.name, each.value)}",
            since_at=None,
        )
        for each in missing
    ]


def _amount(name: str, value: int) -> str:
    return f"{value / 1_000_000:.3f}" if name.endswith("_micro") else f"{value}"


def _overdue(due_at: int | None, now: int) -> str:
    if due_at is None:
        return "without a due time"
    days = (now - due_at) // DAY
    return f"was due {text(due_at)[:10]}" + (f", {days} day{'s' if days > 1 else ''} ago" if days else "")
