"""Logs: only the keys on the list come through, whoever logs; a secret reaches neither logs nor metrics nor errors."""

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from fastapi import FastAPI
from fastapi.testclient import TestClient

from infra import log
from infra.http.app import create
from infra.settings import Settings
from tests.infra.story import Told
from tests.ledgers import made, raw, said

SECRET = "Wilhelmina-Sauerkraut"
STRUCTURED = {"content-type": "application/cloudevents+json"}


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What has been logged, line by line; the loggers are put back afterwards."""
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    before = logging.root.handlers[:], logging.root.level
    log.configure(Settings(log_level="debug"))
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    structlog.reset_defaults()
    logging.root.handlers[:] = before[0]
    logging.root.setLevel(before[1])


def test_only_keys_on_the_list_are_logged_and_what_was_left_out_is_named(lines: Callable[[], list[dict[str, Any]]]) -> None:
    log.get().info("recorded", count=3, party=SECRET, name="trust")
    (line,) = lines()
    assert {name: line[name] for name in ("event", "count", "name", "left_out", "level")} == {
        "event": "recorded",
        "count": 3,
        "name": "trust",
        "left_out": ["party"],
        "level": "info",
    }
    assert SECRET not in json.dumps(line)


def test_what_libraries_log_loses_what_they_filled_in_and_keeps_the_place(lines: Callable[[], list[dict[str, Any]]]) -> None:
    def fail() -> None:
        raise ValueError(SECRET)

    try:
        fail()
    except ValueError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application for %s", SECRET)
    logging.getLogger("uvicorn.error").error(OSError(SECRET))
    logging.getLogger("asyncio").info("too quiet to be logged %s", SECRET)
    failed, objected = lines()
    assert (failed["event"], failed["outcome"], failed["level"]) == ("library", "ValueError", "error")
    assert failed["where"][-1].endswith(" fail")
    assert (failed["name"], objected["reason"]) == ("uvicorn.error", "OSError")
    assert SECRET not in json.dumps([failed, objected])


def test_a_secret_reaches_neither_logs_nor_metrics_nor_errors(lines: Callable[[], list[dict[str, Any]]], empty: Told) -> None:
    app: FastAPI = create(empty.settings)

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError(SECRET)

    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        answers = [
            client.post("/reports", content=content, headers=STRUCTURED)
            for content in (
                raw(made(SECRET, SECRET, terms=SECRET)),
                raw(made(SECRET, SECRET, weight_micro=SECRET)),
                raw(said("party.registered.v1", SECRET, "2026-01-01", ident=SECRET, kind=SECRET)),
                f'{{"{SECRET}'.encode(),
                f'{{"subject": "{SECRET}\\ud800"}}'.encode(),
            )
        ]
        answers += [client.get(path) for path in ("/broken", f"/parties/{SECRET}x", f"/entries/{SECRET}", "/metrics")]
    assert [each.status_code for each in answers] == [201, 422, 422, 400, 400, 500, 404, 422, 200]
    assert [each.text for each in answers if SECRET in each.text] == []
    assert [line for line in lines() if SECRET in json.dumps(line)] == []


def test_a_fault_is_answered_as_a_problem(empty: Told) -> None:
    app: FastAPI = create(empty.settings)

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError(SECRET)

    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        problem = client.get("/broken")
    assert (problem.status_code, problem.headers["content-type"]) == (500, "application/problem+json")
    assert problem.json()["title"] == "Fault"
