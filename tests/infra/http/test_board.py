"""The board over HTTP."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from infra.http.app import create
from tests.infra.story import Told


@pytest.fixture
def client(told: Told) -> Iterator[TestClient]:
    """The application, served on the ledger that was told the story."""
    with TestClient(create(told.settings), base_url="http://127.0.0.1:8700") as served:
        yield served


def ask(client: TestClient, path: str, expected: int = 200, /, **query: Any) -> Any:
    """What the application answers, with the status that is expected."""
    answer = client.get(path, params=query)
    assert answer.status_code == expected, answer.text
    return answer.json()


def test_the_board_is_asked_as_a_whole_and_by_its_parts(client: TestClient) -> None:
    whole = ask(client, "/board")
    assert whole["by_company"]["opportunities"] == 19
    assert whole["months"] == ask(client, "/board/months", dimension="company", limit=12)["months"]
    assert whole["durations"] == ask(client, "/board/durations")["durations"]
    assert ask(client, "/board/recovered")["let_down_count"] == 1


def test_promisors_are_ranked_page_by_page(client: TestClient) -> None:
    found, query = [], {"dimension": "team", "sort": "lower", "limit": 1}
    while True:
        page = ask(client, "/board/promisors", **query)
        found += [each["subject"] for each in page["promisors"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert sorted(found) == ["Roads / North", "desk", "field"]
    assert found[0] == "field"


def test_the_board_of_the_past_knows_what_was_known(client: TestClient) -> None:
    then = ask(client, "/board", as_of="2026-02-15T00:00:00Z", known_at="2026-03-01T00:00:00Z")
    assert (then["by_company"]["late_count"], then["relationships"]) == (1, None)
    put_right = ask(client, "/board", as_of="2026-02-15T00:00:00Z")
    assert put_right["by_company"]["late_count"] == 0


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/board/promisors", {"dimension": "planet"}),
        ("/board/promisors", {"sort": "luck"}),
        ("/board/promisors", {"cursor": "nonsense"}),
        ("/board/months", {"since": "2026-13"}),
        ("/board/durations", {"measure": "sleep"}),
        ("/board/recovered", {"good": 0}),
        ("/board/recovered", {"goood": 3}),
        ("/board", {"as_of": "yesterday"}),
    ],
)
def test_a_question_that_cannot_be_read_is_refused(client: TestClient, path: str, query: dict[str, Any]) -> None:
    assert ask(client, path, 422, **query)["title"] == "BadQuestion"
