"""The application on a ledger in PostgreSQL: it says so while the database is away, loses nothing, and goes on by itself."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from infra.http.app import create
from infra.settings import Settings
from tests.ledgers import kept, made
from tests.services.postgres import Postgres, started

pytestmark = pytest.mark.service

ASKED = ["/parties", "/parties/acme/company", "/promises?state=open", "/board", "/projections", "/status", "/entries"]
JSON = {"content-type": "application/cloudevents+json"}


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with started() as server:
        yield server


@pytest.fixture
def client(postgres: Postgres, tmp_path: Path) -> Iterator[TestClient]:
    """The application, served on a new ledger in a database."""
    settings = Settings(
        home=tmp_path / "made-by-nobody", ledger="of-http", database=SecretStr(postgres.url), poll_milliseconds=20
    )
    with TestClient(create(settings), base_url="http://127.0.0.1:8700", raise_server_exceptions=False) as served:
        yield served


def until(met: Callable[[], bool]) -> None:
    """Wait for it, at most half a minute."""
    ends = time.monotonic() + 30
    while not met():
        assert time.monotonic() < ends
        threading.Event().wait(0.05)


def test_it_answers_503_while_the_database_is_away_and_goes_on_when_it_is_back(client: TestClient, postgres: Postgres) -> None:
    assert client.post("/reports", json=made("acme", "p", "2026-01-05", "2026-01-20"), headers=JSON).status_code == 201
    until(lambda: client.get("/parties").json()["count"] == 1)
    before = {path: client.get(path).status_code for path in ASKED}
    assert before == dict.fromkeys(ASKED, 200)
    postgres.stop("immediate")
    for path in ASKED:
        answer = client.get(path)
        assert (answer.status_code, answer.json()["title"]) == (503, "Unreachable"), path
        assert "acme" not in answer.text
    assert client.post("/reports", json=kept("acme", "p", "2026-01-09"), headers=JSON).status_code == 503
    assert client.get("/readyz").status_code == 503
    postgres.start()
    until(lambda: client.get("/readyz").status_code == 200)
    assert {path: client.get(path).status_code for path in ASKED} == before
    assert client.post("/reports", json=kept("acme", "p", "2026-01-09"), headers=JSON).status_code == 201
    until(lambda: client.get("/parties/acme/company").json()["promised_to_them"]["counts"]["kept_early"] == 1)


def test_that_the_process_is_alive_is_heard_while_the_database_keeps_questions_waiting(
    client: TestClient, postgres: Postgres
) -> None:
    with psycopg.connect(postgres.url) as other, ThreadPoolExecutor() as askers:
        other.execute(
            b'LOCK TABLE "of-http".stored_events, "of-http".projections, "of-http".quarantine IN ACCESS EXCLUSIVE MODE'
        )
        asked = [askers.submit(client.get, path) for path in ("/entries", "/parties", "/entries/0", "/readyz", "/quarantine")]
        for _ in range(20):
            assert client.get("/livez").json() == {"alive": True}
        assert not any(each.done() for each in asked)
        other.rollback()
        assert [each.result(30).status_code for each in asked] == [200] * len(asked)
