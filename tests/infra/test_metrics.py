"""Metrics: what they count, and that a label never says what a report said."""

import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from infra.http.app import create
from projections.catalog import PROJECTIONS
from tests.infra.story import Told
from tests.ledgers import made, raw, said

SECRET = "Wilhelmina-Sauerkraut"
STRUCTURED = {"content-type": "application/cloudevents+json"}
LINE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")


@pytest.fixture
def client(empty: Told) -> Iterator[TestClient]:
    """The application, served on a ledger that was told nothing yet."""
    with TestClient(create(empty.settings), base_url="http://localhost") as served:
        yield served


def metrics(client: TestClient) -> dict[str, float]:
    """Every sample by its name and labels."""
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    samples = {}
    for line in answer.text.splitlines():
        if not line.startswith("#"):
            found = LINE.match(line)
            assert found, line
            samples[f"{found[1]}{{{found[2]}}}" if found[2] else found[1]] = float(found[3])
    return samples


def test_reports_are_counted_by_outcome_and_refusals_by_reason(client: TestClient) -> None:
    before = metrics(client)
    awaiting = said("promise.kept.v1", "acme", "2026-01-02", promise_id="never made")
    for report in (made("acme", "p", ident="1"), made("acme", "p", ident="1"), made("acme", "p"), awaiting):
        client.post("/reports", content=raw(report), headers=STRUCTURED)
    client.post("/reports", content=b"{", headers=STRUCTURED)
    after = metrics(client)
    grown = {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}
    assert {
        name: count for name, count in grown.items() if name.startswith(("troth_reports_total", "troth_refusals_total"))
    } == {
        'troth_reports_total{outcome="counted"}': 1,
        'troth_reports_total{outcome="repeated"}': 1,
        'troth_reports_total{outcome="void"}': 1,
        'troth_reports_total{outcome="awaiting"}': 1,
        'troth_reports_total{outcome="refused"}': 1,
        'troth_refusals_total{reason="MalformedJson"}': 1,
    }
    assert after["troth_entries"] == 4
    assert after['troth_quarantine_waiting{reason="MalformedJson"}'] == 1
    assert grown["troth_intake_transaction_seconds_count"] == 5
    assert grown['troth_step_seconds_count{loop="drivers"}'] >= 1


def test_every_projection_has_its_lag(client: TestClient) -> None:
    lags = [name for name in metrics(client) if name.startswith("troth_projection_lag_entries")]
    assert len(lags) == len(PROJECTIONS)


def test_requests_are_measured_by_the_template_of_their_route(client: TestClient) -> None:
    client.post("/reports", content=raw(made(SECRET, "p")), headers=STRUCTURED)
    client.get(f"/parties/{SECRET}/trust")
    client.get(f"/nowhere/{SECRET}")
    client.request(SECRET.upper(), "/parties")
    after = metrics(client)
    routes = {name for name in after if name.startswith("troth_http_seconds_count")}
    assert any('route="/parties/{party}/trust"' in name for name in routes)
    assert any('route="none",status="404"' in name for name in routes)
    assert any('method="other"' in name for name in routes)


def test_no_label_says_what_a_report_said(client: TestClient) -> None:
    client.post("/reports", content=raw(made(SECRET, SECRET, category=SECRET, terms=SECRET)), headers=STRUCTURED)
    client.post("/reports", content=raw(said(SECRET, SECRET, "2026-01-01", **{SECRET: SECRET})), headers=STRUCTURED)
    client.get(f"/parties/{SECRET}/company", params={"seat": SECRET})
    assert SECRET.casefold() not in client.get("/metrics").text.casefold()
