"""Contacts of the demo, trouble and how it is put right, feedback and whether it is answered."""

from domain.instant import DAY, HOUR, MINUTE, text
from infra.demo.promises import CHANNELS, TOUCHPOINTS
from infra.demo.telling import Teller

TOPICS = {
    "sales": "new-machine contract prices",
    "service": "maintenance repair water",
    "delivery": "beans stock route",
    "accounts": "invoice contract",
}
TARGET_HOURS = {"low": (24, 120), "moderate": (8, 72), "high": (4, 24), "critical": (1, 8)}
"""By severity: hours to respond and to resolve."""
TROUBLES = {
    "machine-down": "service",
    "water-leak": "service",
    "wrong-beans": "delivery",
    "late-delivery": "delivery",
    "wrong-invoice": "accounts",
}
"""What goes wrong, and which team has it."""
SAID = {
    True: ("Always there when we need them.", "They told us before we had to ask.", "Put right within the hour."),
    False: ("Third time this month.", "Nobody told us anything.", "We had to say it all again."),
}
QUALITIES = "trust respect understanding appreciation honesty kindness attention"


def contact(teller: Teller, at: int, purpose: str | None = None) -> None:
    """The party and the company speak."""
    team = teller.one_of("sales service service delivery accounts")
    mood = teller.party.course.mood[teller.quarter(at)]
    person = teller.member(team)
    handed = teller.happens(10)
    key = teller.key("C")
    recorded = teller.tell(
        at,
        "interaction.recorded.v1",
        interaction_id=key,
        direction="outbound" if teller.happens(45) else "inbound",
        purpose=purpose or teller.one_of("serve serve serve listen listen sell thank"),
        channel=teller.one_of(CHANNELS),
        touchpoint=TOUCHPOINTS[team],
        team=team,
        person=person,
        topic=teller.one_of(TOPICS[team]),
        handed_from=teller.one_of("sales service delivery accounts") if handed else None,
        repeated_context=teller.happens(30 - 10 * mood) if handed else None,
        effort=_clamp(4 - mood + teller.chance.randint(-2, 2), 1, 7) if teller.happens(35) else None,
        qualities=_qualities(teller, mood) if teller.happens(40) else None,
        notes="Spoke about what comes next." if teller.happens(20) else None,
    )
    if recorded is not None and teller.happens(1):
        teller.retract(recorded, "interaction", key, at + teller.chance.randint(2, 70) * HOUR)


def _qualities(teller: Teller, mood: int) -> dict[str, int]:
    seen = sorted(teller.chance.sample(QUALITIES.split(), teller.chance.randint(1, 3)))
    return {quality: _clamp(mood + teller.chance.randint(-1, 1), -2, 2) for quality in seen}


def trouble(teller: Teller, at: int) -> None:
    """Something goes wrong; somebody responds, works at it, and mostly puts it right."""
    key = teller.key("I")
    category = teller.one_of(" ".join(TROUBLES))
    severity = teller.one_of("low moderate moderate moderate high high critical")
    respond_hours, resolve_hours = TARGET_HOURS[severity]
    team = TROUBLES[category]
    opened = teller.tell(
        at,
        "incident.opened.v1",
        incident_id=key,
        severity=severity,
        category=category,
        channel=teller.one_of("phone portal email"),
        team=team,
        person=teller.member(team),
        respond_by=text(at + respond_hours * HOUR),
        resolve_by=text(at + resolve_hours * HOUR),
        summary="It does not work as it should.",
    )
    if opened is None:
        return
    well = teller.happens(teller.party.course.kept[teller.quarter(at)])
    respond_at = teller.within(at + 5 * MINUTE, at + respond_hours * HOUR * (1 if well else 3))
    if not teller.happens(4):
        teller.tell(respond_at, "incident.responded.v1", incident_id=key)
    worked_at = _work(teller, key, respond_at + 20 * MINUTE, team)
    if well or teller.happens(80):
        span = resolve_hours * HOUR * (1 if well else 2)
        _resolve(teller, key, teller.within(worked_at + 10 * MINUTE, max(worked_at + 20 * MINUTE, at + span)), well=well)


def _work(teller: Teller, key: str, at: int, team: str) -> int:
    """What happens while it is worked at; when that was last."""
    if teller.happens(25):
        teller.tell(at, "incident.escalated.v1", incident_id=key, want_of=teller.one_of("authority skill"))
        at += 30 * MINUTE
    if teller.happens(25):
        teller.tell(at, "incident.reassigned.v1", incident_id=key, team=team, person=teller.member(team))
        at += 30 * MINUTE
    if teller.happens(30):
        teller.tell(at, "incident.paused.v1", incident_id=key, reason=teller.one_of("customer vendor"))
        at += teller.chance.randint(2, 30) * HOUR
        if teller.happens(90):
            teller.tell(at, "incident.resumed.v1", incident_id=key)
    return at


def _resolve(teller: Teller, key: str, at: int, *, well: bool) -> None:
    teller.tell(at, "incident.resolved.v1", incident_id=key, within_authority=teller.happens(75))
    if teller.happens(6 if well else 25):
        again_at = at + teller.chance.randint(6, 60) * HOUR
        teller.tell(again_at, "incident.reopened.v1", incident_id=key)
        at = again_at + teller.chance.randint(2, 30) * HOUR
        teller.tell(at, "incident.resolved.v1", incident_id=key, within_authority=False)
    if teller.happens(70):
        teller.tell(at + teller.chance.randint(1, 4) * DAY, "incident.closed.v1", incident_id=key)
    if well or teller.happens(40):
        contact(teller, at + teller.chance.randint(2, 30) * HOUR, "recover")
    if teller.happens(45):
        feedback(teller, at + teller.chance.randint(3, 40) * HOUR, "csat")


def feedback(teller: Teller, at: int, instrument: str) -> None:
    """The party says what it thinks, and is mostly answered."""
    mood = teller.party.course.mood[teller.quarter(at)]
    low, high = (0, 10) if instrument == "nps" else (1, 5)
    middle = (low + high) / 2 + mood * (high - low) / 5
    score = _clamp(round(middle + teller.chance.uniform(-1, 1) * (high - low) / 5), low, high)
    key = teller.key("F")
    received = teller.tell(
        at,
        "feedback.received.v1",
        feedback_id=key,
        instrument=instrument,
        score=None if instrument == "complaint" else score,
        scale_low=low,
        scale_high=high,
        text=teller.chance.choice(SAID[mood > 0 and instrument != "complaint"]) if teller.happens(60) else None,
        team=teller.one_of("sales service delivery accounts"),
        category=teller.one_of("machines beans people prices"),
        channel=teller.one_of("email portal"),
        answer_by=text(at + 72 * HOUR),
    )
    if received is not None and teller.happens(teller.party.course.kept[teller.quarter(at)]):
        answered_at = teller.within(at + HOUR, at + 70 * HOUR) if teller.happens(85) else at + 100 * HOUR
        teller.tell(answered_at, "feedback.answered.v1", feedback_id=key, text="Thank you. This is what we do about it.")


def _clamp(value: int, low: int, high: int) -> int:
    return max(low, min(high, value))
