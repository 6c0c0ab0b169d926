"""The story that the fixture `told` tells, and the ledger that it is told to."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import time_machine

from consumers.intake import Incoming
from domain.entry import Receipt
from domain.instant import aware, parse
from infra import wiring
from infra.asking.moment import Moment, Present, past
from infra.drivers import driving
from infra.settings import Settings
from tests.ledgers import NOW, Message, contact, kept, made, raw, said
from tests.telling import on

ADDRESS = "39 Main St / Unit #5 & Co?  Boston  MA  02131  "
"""A party as Boston names them, with all that a path and a query can trip over."""
CROWD = [f"c{number:02}" for number in range(12)]
"""A dozen parties with the very same story."""


class Told:
    """A ledger in a folder, its loops run when asked; the time is what `time_machine` says."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.settings = Settings(home=home)

    def report(self, *messages: Message, at: int = NOW) -> list[Receipt]:
        """Have these recorded at that time; return their receipts."""
        with time_machine.travel(aware(at), tick=False):
            wiring.make(self.settings)
            with closing(wiring.open_log(self.settings)) as log:
                outcomes = wiring.open_intake(log).record([Incoming("test", raw=raw(each)) for each in messages])
        assert all(isinstance(each, Receipt) for each in outcomes), outcomes
        return [each for each in outcomes if isinstance(each, Receipt)]

    def catch_up(self, at: int = NOW) -> None:
        """Project, record lapses and rank, until there is nothing to do at that time."""
        with time_machine.travel(aware(at), tick=False):
            wiring.make(self.settings)
            with driving(self.settings) as drivers:
                drivers.catch_up()

    @contextmanager
    def now(self, at: int = NOW) -> Iterator[Moment]:
        """The views as they are."""
        log, views = wiring.open_log(self.settings), wiring.read_views(self.settings)
        with closing(log), closing(views), Present(views, log).moment(at) as moment:
            yield moment

    @contextmanager
    def then(self, party: str | None = None, *, as_of: str | None = None, known_at: str | None = None) -> Iterator[Moment]:
        """A past moment; times may be days."""
        with closing(wiring.open_log(self.settings)) as log:
            instants = {"as_of": None if as_of is None else on(as_of), "known_at": None if known_at is None else on(known_at)}
            moment = past(log, NOW, **instants, party=party)
            with closing(moment.views):
                yield moment


def _acme() -> Iterator[Message]:
    acme = "acme"
    yield said("party.registered.v1", acme, "2026-01-01", ident="acme", kind="customer", name="Acme Ltd")
    yield said("party.staff_assigned.v1", acme, "2026-01-02", role="account manager", person="ana", team="sales")
    yield made(acme, "early", "2026-01-05", "2026-01-20", team="field", person="bo", category="delivery", guarantor="cy")
    yield kept(acme, "early", "2026-01-10", ident="early-kept")
    yield kept(acme, "early", "2026-01-11", ident="early-kept-again")
    yield made(acme, "punctual", "2026-01-05", "2026-01-20", team="field", person="bo", category="delivery")
    yield kept(acme, "punctual", "2026-01-19T18:00:00Z")
    yield made(acme, "late", "2026-01-05", "2026-02-01", team="field", category="refund")
    yield kept(acme, "late", "2026-02-03", ident="late-kept")
    yield made(acme, "broken", "2026-02-01", "2026-02-20", team="desk", category="refund")
    yield said("promise.broken.v1", acme, "2026-02-10", promise_id="broken", why="no stock")
    yield made(acme, "overdue", "2026-02-10", "2026-05-30", team="desk", person="bo", category="delivery")
    yield said("promise.made.v1", acme, "2026-02-01", promise_id="theirs", promisor="party", due_at="2026-02-15")
    yield said("promise.kept.v1", acme, "2026-02-14", promise_id="theirs")
    yield kept(acme, "never-made", "2026-02-20", ident="nothing-made")
    yield said("incident.opened.v1", acme, "2026-02-01", incident_id="solved", severity="high", team="desk", person="di")
    yield said("incident.paused.v1", acme, "2026-02-01T01:00:00Z", incident_id="solved")
    yield said("incident.resumed.v1", acme, "2026-02-01T03:00:00Z", incident_id="solved")
    yield said("incident.responded.v1", acme, "2026-02-01T04:00:00Z", incident_id="solved")
    yield said("incident.paused.v1", acme, "2026-02-02", incident_id="solved")
    yield said("incident.resolved.v1", acme, "2026-02-02T06:00:00Z", incident_id="solved", within_authority=True)
    yield said("feedback.received.v1", acme, "2026-02-03", feedback_id="answered", instrument="csat", score=4, scale_high=5)
    yield said("feedback.answered.v1", acme, "2026-02-04", feedback_id="answered", text="thank you")
    yield contact(acme, "call", "2026-02-05", channel="phone", topic="delivery", purpose="listen", notes="in confidence")


def _acme_later() -> Iterator[Message]:
    acme = "acme"
    yield made(acme, "due", "2026-05-01", "2026-06-04", team="field", category="delivery")
    yield made(acme, "sometime", "2026-05-02", team="desk")
    yield made(acme, "let-off", "2026-05-02", "2026-07-01")
    yield said("promise.withdrawn.v1", acme, "2026-05-03", promise_id="let-off", consent=True)
    yield made(acme, "disputed", "2026-05-02", "2026-05-10")
    yield kept(acme, "disputed", "2026-05-09")
    yield said("promise.disputed.v1", acme, "2026-05-11", promise_id="disputed", why="never came")
    yield said("promise.made.v1", acme, "2026-05-01", promise_id="owed", promisor="party", due_at="2026-05-15")
    yield said("incident.opened.v1", acme, "2026-05-10", incident_id="stuck", severity="critical", resolve_by="2026-05-12")
    yield said("incident.opened.v1", acme, "2026-05-19", incident_id="waiting", severity="low", team="desk")
    yield said("incident.paused.v1", acme, "2026-05-19T02:00:00Z", incident_id="waiting", reason="customer")
    yield said(
        "feedback.received.v1", acme, "2026-05-15", feedback_id="complaint", instrument="complaint", answer_by="2026-05-18"
    )
    yield said("feedback.received.v1", acme, "2026-05-19", feedback_id="comment", instrument="comment", text="hm")
    corrects = {"source": "crm", "id": "late-kept", "stated_at": "2026-05-19T00:00:00Z"}
    yield kept(acme, "late", "2026-01-31", ident="late-kept-in-time", corrects=corrects)
    yield contact(acme, "mail", "2026-05-15", channel="mail", direction="outbound", topic="refund")


def _others() -> Iterator[Message]:
    yield said("party.registered.v1", "bolt", "2026-01-01", kind="supplier", name="Bolt & Söhne")
    yield said(
        "promise.made.v1", "bolt", "2026-01-02", promise_id="steel", promisor="party", due_at="2026-01-09", team="buying"
    )
    yield said("promise.broken.v1", "bolt", "2026-01-09", promise_id="steel")
    yield made(ADDRESS, "pothole", "2026-01-03", "2026-01-10", team="Roads / North", channel="self service")
    yield kept(ADDRESS, "pothole", "2026-01-08")
    for party in CROWD:
        yield made(party, "small", "2026-02-01", "2026-02-10", team="field")
        yield kept(party, "small", "2026-02-09")


SITTINGS: list[tuple[int, list[Message]]] = [
    (parse("2026-03-01T00:00:00Z"), [*_others(), *_acme()]),
    (parse("2026-05-20T00:00:00Z"), list(_acme_later())),
]
"""When what was recorded."""
