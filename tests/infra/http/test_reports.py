"""Reports over HTTP: each way to send one, each reason to refuse one, and neighbours that are none the worse for it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from infra.http.app import create
from tests.infra.story import Told
from tests.ledgers import kept, made

STRUCTURED = {"content-type": "application/cloudevents+json"}
BATCH = {"content-type": "application/cloudevents-batch+json"}
SECRET = "Wilhelmina-Sauerkraut"


@pytest.fixture
def client(empty: Told) -> Iterator[TestClient]:
    """The application, served on a ledger that was told nothing yet."""
    with TestClient(create(empty.settings), base_url="http://127.0.0.1:8700") as served:
        yield served


def body(message: dict[str, Any]) -> bytes:
    """The report as JSON."""
    return json.dumps(message).encode()


def sent(client: TestClient, raw: bytes, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    """The status of the answer, and what it says."""
    answer = client.post("/reports", content=raw, headers=STRUCTURED if headers is None else headers)
    return answer.status_code, answer.json()


def good(ident: str = "1", **changed: Any) -> dict[str, Any]:
    """A report that is recorded, or with a change one that may be not."""
    return made("acme", f"p{ident}", ident=ident) | changed


def quarantined(client: TestClient) -> list[dict[str, Any]]:
    """What waits in quarantine."""
    answer: list[dict[str, Any]] = client.get("/quarantine").json()["refused"]
    return answer


# Each way to send one


def test_a_structured_report_is_created_and_the_same_again_gets_the_same_receipt(client: TestClient) -> None:
    status, receipt = sent(client, body(good()))
    assert (status, receipt["position"], receipt["outcome"], receipt["repeated"]) == (201, 1, "counted", False)
    assert sent(client, body(good())) == (200, receipt | {"repeated": True})


def test_a_binary_report_says_the_same_as_a_structured_one(client: TestClient) -> None:
    report = good()
    sent(client, body(report))
    headers = {f"ce-{name}": report[name] for name in ("specversion", "id", "source", "type", "subject", "time")}
    status, receipt = sent(client, body(report["data"]), headers | {"content-type": "application/json; charset=utf-8"})
    assert (status, receipt["repeated"]) == (200, True)


def test_headers_of_a_binary_report_are_percent_decoded(client: TestClient) -> None:
    report = good(subject="Café Ünion")
    sent(client, body(report))
    headers = {f"ce-{name}": report[name] for name in ("specversion", "id", "source", "type", "time")}
    headers |= {"ce-subject": "Caf%C3%A9%20%C3%9Cnion", "content-type": "application/json"}
    assert sent(client, body(report["data"]), headers)[0] == 200


def test_the_body_of_a_binary_report_cannot_reach_beyond_its_data(client: TestClient) -> None:
    report = good()
    headers = {f"ce-{name}": report[name] for name in ("specversion", "id", "source", "type", "subject")}
    smuggled = body(report["data"]) + b',"time":"2026-01-01T00:00:00Z"'
    status, problem = sent(client, smuggled, headers | {"content-type": "application/json"})
    assert (status, problem["title"]) == (422, "MalformedEnvelope")
    assert len(quarantined(client)) == 1


def test_a_batch_answers_for_each_report_in_order(client: TestClient) -> None:
    reports = [good("1"), good("2", type="promise.remembered.v1"), kept("acme", "p1", "2026-01-02"), good("1")]
    status, answers = sent(client, body(reports), BATCH)
    assert status == 200
    assert [each.get("outcome", each.get("title")) for each in answers] == ["counted", "UnknownType", "counted", "counted"]
    assert [each.get("position") for each in answers] == [1, None, 2, 1]
    assert [each.get("repeated") for each in answers] == [False, None, False, True]


def test_an_empty_batch_is_answered_with_nothing(client: TestClient) -> None:
    assert sent(client, b"[]", BATCH) == (200, [])


@pytest.mark.parametrize(
    ("raw", "status", "title"),
    [
        (body(good()), 422, "MalformedEnvelope"),
        (b'"report"', 422, "MalformedEnvelope"),
        (body(good(dataschema="x" * 300_000)), 422, "MalformedEnvelope"),
        (body([good()])[:-1], 400, "MalformedJson"),
        (b"", 400, "MalformedJson"),
    ],
)
def test_a_batch_that_is_no_array_is_refused_whole_and_kept(client: TestClient, raw: bytes, status: int, title: str) -> None:
    answered, problem = sent(client, raw, BATCH)
    assert (answered, problem["title"], problem["pointer"]) == (status, title, "")
    (refused,) = quarantined(client)
    assert (refused["reason"], refused["size_bytes"]) == (title, len(raw))
    assert client.get("/status").json()["entries"] == 1


def test_one_report_sent_as_a_batch_can_be_tried_again_as_one(client: TestClient) -> None:
    _, problem = sent(client, body(good()), BATCH)
    assert "application/cloudevents+json" in problem["detail"]
    assert client.post("/quarantine/1/retry").json()["outcome"] == "counted"


@pytest.mark.parametrize("named", ["application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8"])
def test_media_types_may_name_their_charset(client: TestClient, named: str) -> None:
    report = good(datacontenttype=named)
    assert sent(client, body(report), {"content-type": named})[0] == 201
    for media in ("application/cloudevents+json; charset=utf-8", "Application/CloudEvents+JSON;charset=UTF-8"):
        assert sent(client, body(report), {"content-type": media})[0] == 200
    media = "application/cloudevents-batch+json; charset=utf-8"
    assert [each["repeated"] for each in sent(client, body([report]), {"content-type": media})[1]] == [True]
    headers = {f"ce-{name}": report[name] for name in ("specversion", "id", "source", "type", "subject", "time")}
    assert sent(client, body(report["data"]), headers | {"content-type": named, "ce-datacontenttype": named})[0] == 200


def test_another_media_type_is_refused_with_those_that_are_taken(client: TestClient) -> None:
    status, problem = sent(client, body(good()), {"content-type": "text/plain"})
    assert status == 415
    assert "application/cloudevents+json" in problem["detail"]


def test_a_batch_of_too_many_is_refused_whole(client: TestClient) -> None:
    status, problem = sent(client, body([good(str(number)) for number in range(1_001)]), BATCH)
    assert (status, problem["title"]) == (413, "TooLarge")
    assert client.get("/status").json()["entries"] == 1


# Each reason to refuse one

FAULTY: dict[str, tuple[bytes, int, str, str]] = {
    "broken JSON": (body(good())[:-5], 400, "MalformedJson", ""),
    "no JSON at all": (b"\xff\xfe\x00", 400, "MalformedJson", ""),
    "nothing": (b"", 400, "MalformedJson", ""),
    "NaN": (body(good()).replace(b'"promisor": "company"', b'"weight_micro": NaN'), 400, "MalformedJson", ""),
    "infinite": (body(good()).replace(b'"promisor": "company"', b'"weight_micro": 1e999'), 400, "MalformedJson", ""),
    "a key twice": (body(good()).replace(b'"id": "1"', b'"id": "1", "id": "2"'), 400, "MalformedJson", "/id"),
    "half a surrogate": (body(good()).replace(b'"acme"', b'"\\ud800"'), 400, "MalformedJson", "/subject"),
    "NUL": (body(good()).replace(b'"acme"', b'"a\\u0000b"'), 400, "MalformedJson", "/subject"),
    "10,000 deep": (b'{"data":' + b"[" * 10_000 + b"]" * 10_000 + b"}", 400, "MalformedJson", ""),
    "300 kB": (body(good(dataschema="x" * 300_000)), 413, "TooLarge", ""),
    "a list": (b"[]", 422, "MalformedEnvelope", ""),
    "no subject": (
        body({name: each for name, each in good().items() if name != "subject"}),
        422,
        "MalformedEnvelope",
        "/subject",
    ),
    "an unknown attribute": (body(good(colour="red")), 422, "MalformedEnvelope", "/colour"),
    "a number for an id": (body(good(id=1)), 422, "MalformedEnvelope", "/id"),
    "another version": (body(good(specversion="0.3")), 422, "MalformedEnvelope", "/specversion"),
    "no zone": (body(good(time="2026-01-01T00:00:00")), 422, "MalformedEnvelope", "/time"),
    "no such day": (body(good(time="2026-02-30T00:00:00Z")), 422, "MalformedEnvelope", "/time"),
    "an unknown type": (body(good(type="promise.remembered.v1")), 422, "UnknownType", "/type"),
    "the clock's own": (body(good(type="promise.lapsed.v1")), 403, "ReservedType", "/type"),
    "the ledger's source": (body(good(source="troth:clock")), 403, "ReservedType", "/source"),
    "wrong data": (body(good(data={"promise_id": "p", "promisor": SECRET})), 422, "MalformedData", "/data/promisor"),
    "more data": (
        body(good(data={"promise_id": "p", "promisor": "party", SECRET: 1})),
        422,
        "MalformedData",
        "/data",
    ),
    "the future": (body(good(time="2026-06-01T12:06:00Z")), 422, "InTheFuture", "/time"),
    "a huge number": (
        body(good()).replace(b'"promisor"', b'"weight_micro": ' + b"9" * 5_000 + b', "promisor"'),
        400,
        "MalformedJson",
        "",
    ),
}


@pytest.mark.parametrize("fault", FAULTY)
def test_what_cannot_be_recorded_is_refused_with_what_and_where_and_kept(client: TestClient, fault: str) -> None:
    raw, status, title, where = FAULTY[fault]
    answer = client.post("/reports", content=raw, headers=STRUCTURED)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["title"], problem["pointer"]) == (title, where)
    assert problem["detail"]
    (refused,) = quarantined(client)
    assert (refused["reason"], refused["size_bytes"], refused["origin"]) == (title, len(raw), "http")
    assert client.get("/status").json()["entries"] == 1


def test_the_same_id_with_other_content_is_a_conflict(client: TestClient) -> None:
    sent(client, body(good()))
    status, problem = sent(client, body(made("acme", "another", ident="1")))
    assert (status, problem["title"], problem["pointer"]) == (409, "SameIdOtherContent", "/id")


def test_every_fault_in_one_batch_leaves_its_neighbours_recorded_once(client: TestClient) -> None:
    elements = []
    for number, (raw, *_) in enumerate(FAULTY.values()):
        if raw.startswith(b"{") and raw.endswith(b"}"):
            elements += [raw, body(good(f"neighbour-{number}"))]
    batch = b"[" + b",".join(elements) + b"]"
    status, answers = sent(client, batch, BATCH)
    assert status == 200
    assert ["outcome" in each for each in answers] == [False, True] * (len(elements) // 2)
    entries = client.get("/status").json()["entries"]
    again = sent(client, batch, BATCH)[1]
    assert [each.get("repeated") for each in again] == [None, True] * (len(elements) // 2)
    assert client.get("/status").json()["entries"] == entries == 1 + len(elements) // 2


def test_a_request_of_more_than_eight_mebibytes_is_not_read(client: TestClient) -> None:
    status, problem = sent(client, b"[" + b" " * (8 * 1024 * 1024) + b"]", BATCH)
    assert (status, problem["title"]) == (413, "TooLarge")
    assert quarantined(client) == []


@pytest.mark.parametrize("data", [{"promise_id": "p", "promisor": SECRET}, {"promise_id": "p", "promisor": "party", SECRET: 1}])
def test_a_refusal_never_says_what_the_report_said(client: TestClient, data: dict[str, Any]) -> None:
    _, problem = sent(client, body(good(data=data)))
    assert SECRET not in json.dumps(problem) + json.dumps(quarantined(client))


def test_nor_is_a_parameter_repeated_that_nobody_asks_by(client: TestClient) -> None:
    answer = client.get("/promises", params={"anna@example.org": "1"})
    assert (answer.status_code, answer.json()["title"]) == (422, "BadQuestion")
    assert "anna" not in answer.text


# Quarantine over HTTP


def test_a_refused_report_is_shown_retried_with_a_correction_and_keeps_its_receipt(client: TestClient) -> None:
    sent(client, FAULTY["an unknown type"][0])
    (refused,) = quarantined(client)
    path = f"/quarantine/{refused['number']}"
    assert "promise.remembered.v1" in client.get(path).json()["text"]
    again = client.post(f"{path}/retry")
    assert (again.status_code, again.json()["title"]) == (422, "UnknownType")
    assert client.get(path).json()["times"] == 2
    receipt = client.post(f"{path}/retry", content=body(good())).json()
    assert receipt["outcome"] == "counted"
    shown = client.get(path).json()
    assert (shown["status"], shown["receipt"]["position"]) == ("recorded", receipt["position"])
    assert client.post(f"{path}/retry").json() == receipt | {"repeated": True}
    discarded = client.post(f"{path}/discard")
    assert (discarded.status_code, discarded.json()["title"]) == (409, "AlreadyRecorded")
    assert client.get(path).json() == shown
    assert quarantined(client) == []


def test_a_correction_that_is_refused_changes_nothing(client: TestClient) -> None:
    sent(client, FAULTY["an unknown type"][0])
    (before,) = quarantined(client)
    answer = client.post(f"/quarantine/{before['number']}/retry", content=b"{")
    assert (answer.status_code, answer.json()["title"]) == (400, "MalformedJson")
    assert quarantined(client) == [before]


def test_what_is_discarded_waits_no_more_and_can_still_be_listed(client: TestClient) -> None:
    sent(client, FAULTY["no subject"][0])
    (refused,) = quarantined(client)
    assert client.post(f"/quarantine/{refused['number']}/discard").json()["status"] == "discarded"
    assert quarantined(client) == []
    assert len(client.get("/quarantine", params={"status": "discarded"}).json()["refused"]) == 1
    assert client.post("/quarantine/99/discard").status_code == 404


def test_the_quarantine_is_listed_page_by_page_and_by_reason(client: TestClient) -> None:
    for number in range(5):
        sent(client, body(good(str(number), type="promise.remembered.v1")))
    sent(client, b"{")
    found, cursor = [], None
    while True:
        query = {"limit": 2, "reason": "UnknownType"} | ({"cursor": cursor} if cursor else {})
        page = client.get("/quarantine", params=query).json()
        found += [each["number"] for each in page["refused"]]
        if (cursor := page["next"]) is None:
            break
    assert found == [1, 2, 3, 4, 5]
