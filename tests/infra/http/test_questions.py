"""Questions over HTTP, asked of the whole application on a small ledger."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from infra.http.app import create
from tests.infra.story import ADDRESS, CROWD, Told
from tests.ledgers import contact, made

ODD = ["a/b", "a/trust", "a/timeline/", "%2F", "a%2Fb", "50% & more?x=1#y", "ünï cödé", "a+b", "'; --", "…/..", "company"]
"""Ids that trip over paths, queries and escapes."""


@pytest.fixture
def client(told: Told) -> Iterator[TestClient]:
    """The application, served on the ledger that was told the story."""
    with TestClient(create(told.settings), base_url="http://127.0.0.1:8700") as served:
        yield served


def ask(client: TestClient, path: str, expected: int = 200, /, **query: Any) -> Any:
    """What the application answers, with the status that is expected."""
    answer = client.get(path, params=query)
    assert answer.status_code == expected, answer.text
    assert answer.headers["content-type"] == ("application/json" if expected == 200 else "application/problem+json")
    return answer.json()


def of(party: str, what: str = "") -> str:
    """The path of a party, or of what it has."""
    return f"/parties/{quote(party, safe='')}" + (f"/{what}" if what else "")


def test_parties_are_listed_page_by_page(client: TestClient) -> None:
    found, query = [], {"sort": "id", "limit": 4}
    while True:
        page = ask(client, "/parties", **query)
        found += [each["party"] for each in page["parties"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert found == sorted(["acme", "bolt", ADDRESS, *CROWD])
    first = ask(client, "/parties", limit=1)
    assert first["count"] == 15
    assert {"lower_micro", "upper_micro", "mass_micro", "grade"} <= first["parties"][0].keys()


def test_the_list_of_parties_is_searched_sorted_and_filtered(client: TestClient) -> None:
    assert [each["name"] for each in ask(client, "/parties", search="söhne")["parties"]] == ["Bolt & Söhne"]
    assert ask(client, "/parties", sort="overdue", limit=1)["parties"][0]["party"] == "acme"
    assert ask(client, "/parties", kind="employee")["parties"] == []


@pytest.mark.parametrize(
    ("path", "query", "parameter"),
    [
        ("/parties", {"cursor": "nonsense"}, "cursor"),
        ("/parties", {"grade": "splendid"}, "grade"),
        ("/parties", {"as_of": "2026-01-01T00:00:00Z"}, "/query/as_of"),
        ("/parties", {"sort": "shoe size"}, "/query/sort"),
        ("/parties", {"limit": "0"}, "/query/limit"),
        ("/promises", {"as_of": "yesterday"}, "as_of"),
        ("/promises", {"team_": "x"}, "/query/team_"),
        ("/incidents", {"known_at": "2026-01-01T00:00:00"}, "known_at"),
        ("/parties/acme/company", {"as_of": "2026-06-01T12:05:01Z"}, "as_of"),
        ("/parties/acme/layers", {"known_at": "2030-01-01T00:00:00Z"}, "known_at"),
        ("/promises", {"as_of": "2026-05-01T00:00:00Z", "known_at": "2026-06-02T00:00:00Z"}, "known_at"),
        ("/board", {"as_of": "9999-01-01T00:00:00Z"}, "as_of"),
        ("/entries", {"source": "crm"}, "id"),
        ("/entries", {"after": "9" * 30}, "/query/after"),
        ("/entries/99999999999999999999", {}, "/path/position"),
        ("/entries/first", {}, "/path/position"),
        ("/parties/acme/company", {"seat": "board"}, "/query/seat"),
        ("/parties/acme/timeline", {"order": "random"}, "/query/order"),
    ],
)
def test_a_question_that_cannot_be_answered_says_which_parameter_is_wrong(
    client: TestClient, path: str, query: dict[str, str], parameter: str
) -> None:
    problem = ask(client, path, 422, **query)
    assert problem["title"] == "BadQuestion"
    assert parameter in (problem.get("parameter"), *(fault["where"] for fault in problem.get("faults", ())))


def test_a_moment_that_is_yet_to_come_is_refused_and_a_clock_a_little_ahead_is_not(client: TestClient) -> None:
    problem = ask(client, "/promises", 422, as_of="2026-06-05T00:00:00Z")
    assert problem["detail"].endswith("name one that has passed, or leave it out")
    assert ask(client, "/promises", as_of="2026-06-01T12:05:00Z")["counts"]["overdue"] == 2


@pytest.mark.parametrize("what", ["", "trust", "explanation", "layers", "company", "timeline"])
def test_a_party_that_nothing_is_recorded_about_is_not_found(client: TestClient, what: str) -> None:
    assert ask(client, of("nobody", what), 404)["title"] == "NotFound"


def test_every_page_of_a_party_is_asked_of_any_moment(client: TestClient) -> None:
    for what in ("", "company", "timeline"):
        ask(client, of("acme", what), 404, as_of="2025-12-31T00:00:00Z")
        then = ask(client, of("acme", what), as_of="2026-01-15T00:00:00Z")
        assert then["asked"]["as_of"] == "2026-01-15T00:00:00Z"
    known = ask(client, of("acme"), known_at="2026-03-02T00:00:00+00:00")
    assert (known["asked"]["known_at"], known["promise_count"]) == ("2026-03-02T00:00:00Z", 6)


def test_a_layer_names_the_entries_behind_it_and_they_are_there(client: TestClient) -> None:
    asks = {each["name"]: each for each in ask(client, of("acme", "layers"))["next_asks"]}
    (first,) = asks["tenure_days"]["entries"]
    assert ask(client, f"/entries/{first}")["kind"] == "promise.made.v1"
    assert asks["mass_micro"]["named_in"] == "explanation"
    then = ask(client, of("acme", "layers"), as_of="2026-01-04T00:00:00Z")
    assert {each["entry_count"] for each in then["next_asks"]} == {0}


def test_the_company_is_seen_from_two_seats(client: TestClient) -> None:
    ours, theirs = (ask(client, of("acme", "company"), seat=seat) for seat in ("ours", "theirs"))
    assert ours["next_steps"][0]["do"] == "keep_promise"
    assert ours["promised_to_them"]["counts"]["total"] == theirs["promised_to_me"]["counts"]["total"] == 9
    assert "in_us" not in theirs
    assert ask(client, of("acme", "company")) == ours


def test_a_timeline_is_walked_while_entries_come_in(client: TestClient, told: Told) -> None:
    whole = [each["position"] for each in ask(client, of("acme", "timeline"), limit=1000)["lines"]]
    found, query = [], {"limit": 10}
    while True:
        page = ask(client, of("acme", "timeline"), **query)
        found += [each["position"] for each in page["lines"]]
        told.report(contact("acme", f"c{len(found)}", "2026-05-31"))
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert found == whole


@pytest.mark.parametrize("party", [ADDRESS, *ODD])
def test_a_party_may_have_any_id(client: TestClient, told: Told, party: str) -> None:
    report = made(party, "odd / promise?", "2026-05-25", "2026-05-29", team="odd / team")
    assert client.post("/reports", json=report, headers={"content-type": "application/cloudevents+json"}).status_code == 201
    moment = {"as_of": "2026-05-28T00:00:00Z"}  # from the record at once, whether or not the views are there yet
    for what in ("", "trust", "layers", "company", "timeline", "explanation"):
        answer = ask(client, of(party, what), **moment)
        assert answer.get("party", answer.get("subject")) == party
    assert {each["party"] for each in ask(client, "/promises", party=party, **moment)["promises"]} == {party}
    team = ask(client, f"/promisors/team/{quote('odd / team', safe='')}/explanation", as_of="2026-05-30T00:00:00Z")
    assert team["contributions"][0]["reference"] == "odd / promise?"


def test_promises_are_asked_by_state_by_whom_and_of_any_moment(client: TestClient) -> None:
    overdue = ask(client, "/promises", state="overdue")
    assert sorted(each["promise_id"] for each in overdue["promises"]) == ["overdue", "owed"]
    assert (overdue["counts"]["total"], overdue["counts"]["overdue"]) == (25, 2)
    assert [each["promise_id"] for each in ask(client, "/promises", team="Roads / North")["promises"]] == ["pothole"]
    then = ask(client, "/promises", state="open", as_of="2026-01-07T00:00:00+00:00", limit=2)
    assert (then["counts"]["open"], len(then["promises"])) == (5, 2)
    more = ask(client, "/promises", state="open", as_of="2026-01-07T00:00:00Z", cursor=then["next"])
    assert len(more["promises"]) == 3
    assert ask(client, "/promises", 404, party="nobody")["title"] == "NotFound"


def test_incidents_are_asked_by_status_and_of_any_moment(client: TestClient) -> None:
    assert [each["incident_id"] for each in ask(client, "/incidents", past_target="true")["incidents"]] == ["stuck"]
    (solved,) = ask(client, "/incidents", status="resolved")["incidents"]
    assert (solved["respond_seconds"], solved["paused_seconds"]) == (7200, 28800)
    assert ask(client, "/incidents", known_at="2026-03-02T00:00:00Z")["counts"]["total"] == 1


def test_entries_are_asked_by_position_by_report_page_by_page_and_counted(client: TestClient) -> None:
    (entry,) = ask(client, "/entries", source="crm", id="early-kept")["entries"]
    assert ask(client, f"/entries/{entry['position']}") == entry
    assert entry["fact"] == {"promise_id": "early"}
    page = ask(client, "/entries", after=9, limit=5)
    assert ([each["position"] for each in page["entries"]], page["next"]) == ([10, 11, 12, 13, 14], 14)
    assert sum(ask(client, "/entries/count-by-kind").values()) == page["end"]
    assert ask(client, f"/entries/{page['end'] + 1}", 404)["title"] == "NotFound"
    assert ask(client, "/entries", 404, source="crm", id="never")["title"] == "NotFound"
    assert ask(client, "/entries", 404, source="crm\0", id="acme")["title"] == "NotFound"


@pytest.mark.parametrize(
    "path", ["/parties", "/parties/acme", "/parties/acme/company", "/promises", "/incidents", "/entries/3"]
)
def test_the_same_question_again_costs_no_body(client: TestClient, path: str) -> None:
    first = client.get(path)
    again = client.get(path, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_ledger_of_nobody_answers_with_empty_lists(empty: Told) -> None:
    with TestClient(create(empty.settings), base_url="http://127.0.0.1:8700") as client:
        assert ask(client, "/parties")["parties"] == []
        assert ask(client, "/promises")["counts"]["total"] == 0
        assert ask(client, "/incidents", as_of="2026-01-01T00:00:00Z")["incidents"] == []
        assert ask(client, "/entries/count-by-kind") == {"policy.adopted.v1": 1}
