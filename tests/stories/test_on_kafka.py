"""The ledger on Kafka and PostgreSQL: one process that does all, and one for each driver; the same as embedded, bit for bit."""

import json
from contextlib import closing
from pathlib import Path

import pytest
from kafka import KafkaProducer

from tests.crowd import crowd
from tests.fleet import Fleet
from tests.ledgers import Message, made, raw

pytestmark = pytest.mark.service
REPORTS = 400
SECONDS = 60


@pytest.fixture
def configured(kafka_bootstrap: str, database: str, ledger_name: str) -> dict[str, str]:
    """What makes a ledger of its own on the run's services."""
    return {
        "TROTH_DATABASE": database,
        "TROTH_KAFKA": kafka_bootstrap,
        "TROTH_KAFKA_PARTITIONS": "4",
        "TROTH_KAFKA_REPLICATION": "1",
        "TROTH_KAFKA_SESSION_SECONDS": "6",
        "TROTH_LEDGER": ledger_name,
    }


def embedded(home: Path, ledger: str, reports: list[Message]) -> tuple[int, dict[str, str]]:
    """How many entries the embedded ledger makes of the same, and its digests."""
    with Fleet(home, TROTH_LEDGER=ledger) as fleet:
        told = home / "reports.jsonl"
        told.write_text("".join(json.dumps(each) + "\n" for each in reports), "utf-8")
        fleet.troth("report", str(told))
        status = fleet.json("status")
    return status["entries"], {each["name"]: each["digest"] for each in status["projections"]}


def publish(bootstrap: str, topic: str, reports: list[Message]) -> None:
    """Report by Kafka, as upstream systems do."""
    with closing(KafkaProducer(bootstrap_servers=bootstrap, acks="all")) as producer:
        headers = [("content-type", b"application/cloudevents+json")]
        sent = [producer.send(topic, raw(each), each["subject"].encode(), headers) for each in reports]
        producer.flush()
        for each in sent:
            each.get(SECONDS)


def test_serve_does_all_of_it_in_one_process(configured: dict[str, str], tmp_path: Path) -> None:
    reports = crowd(5, 60, parties=6)
    entries, digests = embedded(tmp_path / "embedded", configured["TROTH_LEDGER"], reports)
    with Fleet(tmp_path / "fleet", **configured) as fleet:
        fleet.start("serve")
        fleet.is_there()
        publish(configured["TROTH_KAFKA"], f"{configured['TROTH_LEDGER']}.reports", reports)
        assert fleet.settled(entries, SECONDS) == digests
        fleet.stop()


def test_a_process_a_driver_any_number_of_them_comes_to_the_same(configured: dict[str, str], tmp_path: Path) -> None:
    reports = crowd(6, REPORTS, parties=40)
    entries, digests = embedded(tmp_path / "embedded", configured["TROTH_LEDGER"], reports)
    with Fleet(tmp_path / "fleet", **configured) as fleet:
        for number, driver in enumerate(("relay", "relay", "intake", "intake", "project", "project", "clock", "clock")):
            fleet.start(driver, PYTHONHASHSEED=str(number))
        fleet.is_there()
        publish(configured["TROTH_KAFKA"], f"{configured['TROTH_LEDGER']}.reports", reports + reports[:100])
        assert fleet.settled(entries, SECONDS) == digests
        assert fleet.json("entries", "--count-by", "kind")
        fleet.stop()


def test_the_api_alone_takes_reports_and_answers(configured: dict[str, str], tmp_path: Path) -> None:
    with Fleet(tmp_path, **configured) as fleet:
        api = fleet.start("api")
        url = fleet.answers(api)
        receipt = fleet.ask(f"{url}/reports", made("acme", "p", "2026-01-01", "2026-01-10"))
        assert receipt["outcome"] == "counted"
        for driver in ("relay", "project", "clock"):
            fleet.start(driver)
        fleet.settled(3, SECONDS)
        assert fleet.ask(f"{url}/parties/acme/trust")["in_us"]["failed_count"] == 1
        assert [each["lag"] for each in fleet.ask(f"{url}/projections")["projections"]] == [0] * len(digests_of(fleet))
        fleet.stop()


def digests_of(fleet: Fleet) -> dict[str, str | None]:
    """The digests by projection."""
    return {each.name: each.digest for each in fleet.projections().projections}
