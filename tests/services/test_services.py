"""The services that tests start are real, and answer."""

from contextlib import closing

import psycopg
import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

pytestmark = pytest.mark.service


def test_kafka_takes_a_record_in(kafka_bootstrap: str, ledger_name: str) -> None:
    with closing(KafkaAdminClient(bootstrap_servers=kafka_bootstrap)) as admin:
        admin.create_topics([NewTopic(ledger_name, 1, 1)])
    with closing(KafkaProducer(bootstrap_servers=kafka_bootstrap, acks="all")) as producer:
        assert producer.send(ledger_name, b"value").get(30).offset == 0


def test_postgresql_answers_and_is_current(database: str) -> None:
    with closing(psycopg.connect(database)) as connection:
        assert connection.info.server_version >= 140_000
