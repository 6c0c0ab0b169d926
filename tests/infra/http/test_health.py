"""Whether it is alive and ready, what is wrong if not; its metrics; the front page; who may ask."""

import re
import shlex
import shutil
from base64 import b64encode
from collections import namedtuple
from collections.abc import Iterator, Sequence
from contextlib import closing
from hashlib import sha256
from threading import Event

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from markupsafe import escape

from consumers.intake import Incoming, Outcome
from consumers.ports import NotWritten
from infra.drivers import Drivers
from infra.http import health
from infra.http.app import create
from infra.http.desk import Desk
from infra.sqlite.connect import connect, writing
from projections.catalog import PROJECTIONS
from tests.infra.story import Told
from tests.ledgers import made, raw

STRUCTURED = {"content-type": "application/cloudevents+json"}


@pytest.fixture
def app(told: Told) -> FastAPI:
    """The application, not served yet."""
    return create(told.settings)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """The application, served on the ledger that was told the story."""
    with TestClient(app, base_url="http://127.0.0.1:8700", raise_server_exceptions=False) as served:
        yield served


def wrong(client: TestClient) -> list[str]:
    """What /readyz says is in the way."""
    answer = client.get("/readyz")
    found = [each["what"] for each in answer.json()["wrong"]]
    assert answer.status_code == (503 if found else 200)
    assert answer.json()["ready"] is not bool(found)
    return found


class Ailing:
    """An intake that raises what it is told to."""

    def __init__(self, ailment: BaseException | None) -> None:
        self.ailment = ailment

    def record(self, batch: Sequence[Incoming]) -> list[Outcome]:
        """Raise it."""
        if self.ailment is not None:
            raise self.ailment
        return []


def test_it_is_alive_and_ready(client: TestClient) -> None:
    assert client.get("/livez").json() == {"alive": True}
    assert wrong(client) == []


def test_an_intake_that_cannot_write_is_answered_with_503_and_not_ready_until_it_can(client: TestClient, app: FastAPI) -> None:
    ailing = Ailing(NotWritten("disk full"))
    app.state.desk.close()
    app.state.desk = Desk(ailing, lambda: None)  # type: ignore[arg-type]
    answer = client.post("/reports", content=raw(made("acme", "p")), headers=STRUCTURED)
    assert (answer.status_code, answer.json()["title"]) == (503, "NotRecorded")
    assert wrong(client) == ["intake"]
    ailing.ailment = None
    tried = Event()
    for _ in range(500):  # nobody reports to one that is not ready: it tries by itself
        if not wrong(client):
            break
        tried.wait(0.01)
    assert wrong(client) == []
    app.state.desk.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_intake_that_fails_answers_everybody_and_stops_the_process(client: TestClient, app: FastAPI) -> None:
    stopped = Event()
    app.state.desk.close()
    desk = app.state.desk = Desk(Ailing(AssertionError("impossible")), lambda: None)  # type: ignore[arg-type]
    desk.on_failure = stopped.set
    for _ in range(2):
        answer = client.post("/reports", content=raw(made("acme", "p")), headers=STRUCTURED)
        assert (answer.status_code, answer.json()["title"]) == (503, "NotRecorded")
    assert stopped.wait(5)
    assert wrong(client) == ["intake"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_drivers_that_fail_stop_the_process(client: TestClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = Event()
    (loop,) = app.state.loops
    loop.on_failure = stopped.set

    def fail() -> bool:
        raise AssertionError("impossible")

    monkeypatch.setattr(Drivers, "step", lambda _: fail())
    loop.wake()
    assert stopped.wait(5)
    assert wrong(client) == ["drivers"]


def test_views_far_behind_and_a_disk_almost_full_are_not_ready(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "LAG_AT_MOST", -1)
    assert set(wrong(client)) == {"projections"}
    monkeypatch.setattr(health, "LAG_AT_MOST", 0)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9 - 1, 1))
    assert wrong(client) == ["disk"]


def test_files_that_cannot_be_used_are_answered_with_503_and_not_ready(client: TestClient, app: FastAPI) -> None:
    app.state.loops[0].close()  # it would stop the process
    told_of = client.get("/parties").json()
    (app.state.settings.home / "views.sqlite").write_bytes(b"\xa5" * 500_000)
    answer = client.get("/status")
    assert (answer.status_code, answer.json()["title"]) == (503, "Unusable")
    assert "`troth doctor`" in answer.json()["detail"]
    assert wrong(client) == ["files"]
    assert told_of["parties"]


def test_what_cannot_be_written_beside_the_record_is_answered_with_503_until_it_can(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.sqlite.connect.BUSY_SECONDS", 0.05)
    asked = {"ledger.sqlite": "/quarantine/1/discard", "views.sqlite": "/projections/trust/rebuild"}
    with TestClient(create(told.settings, driving=False), base_url="http://localhost") as served:
        served.post("/reports", content=b"{", headers=STRUCTURED)
        for file, path in asked.items():
            with closing(connect(told.home / file)) as other, writing(other):
                answer = served.post(path)
            assert (answer.status_code, answer.json()["title"]) == (503, "NotWritten"), path
            assert (str(told.home) not in answer.text, "ask again later" in answer.json()["detail"]) == (True, True)
            assert served.post(path).status_code in {200, 202}, path


def test_a_statement_that_is_wrong_is_a_fault_whatever_the_files(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "lags", lambda _, views: views.execute("SELECT ?", ()))
    for path in ("/readyz", "/metrics"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["title"]) == (500, "Fault")


# The front page


def test_the_front_page_says_what_is_here_and_loads_nothing(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = answer.text
    assert "kept in time" in page
    assert not re.findall(r'(?:src|href)="(?!/|data:,)', page)
    assert not re.search(r"<(script|img|iframe|object)|url\(|@import|javascript:", page)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    policy = answer.headers["content-security-policy"]
    assert b64encode(sha256(style.encode()).digest()).decode() in policy
    assert policy.startswith("default-src 'none'")


def test_every_example_on_the_front_page_is_answered(client: TestClient) -> None:
    links = re.findall(r'<a href="(/[^"]*)"', client.get("/").text)
    assert {"/openapi.json", "/projections", "/readyz", "/status", "/parties"} <= set(links)
    assert any(link.endswith("/explanation") for link in links)
    assert {link: client.get(link).status_code for link in links} == dict.fromkeys(links, 200)


def test_the_front_page_of_an_empty_ledger_is_there_too(empty: Told) -> None:
    with TestClient(create(empty.settings), base_url="http://localhost") as served:
        page = served.get("/")
    assert page.status_code == 200
    assert "troth show PARTY" in page.text


def test_names_cannot_write_into_the_page(told: Told) -> None:
    party = "<script>alert(1)</script>; rm -r"
    told.report(*(made(party, f"p{number}") for number in range(50)))
    told.catch_up()
    with TestClient(create(told.settings), base_url="http://localhost") as served:
        page = served.get("/").text
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert f"troth show {escape(shlex.quote(party))}" in page  # nor into the command that somebody copies


# Who may ask


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example:8700",
        "8.8.8.8",
        "troth.com",
        "[2001:db8::1]:8700",
        "",
        "wiki",
        "notlocalhost",
        "[::1",
    ],
)
def test_a_page_from_elsewhere_cannot_ask_by_a_name_of_its_own(client: TestClient, host: str) -> None:
    assert client.get("/status", headers={"host": host}).json()["title"] == "AnotherHost"


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8700", "127.0.0.2", "LocalHost:1", "localhost", "[::1]:8700", "ledger.localhost:80"]
)
def test_this_machine_may_ask_by_any_name_of_its_own(client: TestClient, host: str) -> None:
    assert client.get("/status", headers={"host": host}).status_code == 200


def test_a_page_from_elsewhere_cannot_discard_what_waits(client: TestClient) -> None:
    for origin in ("http://evil.example", "http://wiki", "http://[", "null", ""):
        assert client.post("/quarantine/1/discard", headers={"origin": origin}).status_code == 403
    assert client.post("/quarantine/1/discard", headers={"origin": "http://127.0.0.1:8700"}).status_code == 404


# Status and projections


def test_the_status_says_how_far_everything_has_come(client: TestClient) -> None:
    status = client.get("/status").json()
    assert (status["ledger"], status["parties"]) == ("main", 15)
    assert all(each["lag"] == 0 and each["digest"] is None for each in status["projections"])
    digests = {each["name"]: each["digest"] for each in client.get("/projections").json()["projections"]}
    assert set(digests) == {each.name for each in PROJECTIONS}
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests.values())


def test_a_projection_is_rebuilt_beside_the_one_that_readers_see(client: TestClient, app: FastAPI) -> None:
    before = client.get("/projections").json()["projections"]
    begun = client.post("/projections/trust/rebuild")
    assert (begun.status_code, begun.json()["name"]) == (202, "trust")
    while client.get("/projections").json()["building"]:
        Event().wait(0.02)
    assert client.get("/projections").json()["projections"] == before
    assert client.post("/projections/nonsense/rebuild").json()["title"] == "NotFound"
