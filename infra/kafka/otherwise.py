"""Records that kafka-python cannot read: a header whose name is no text makes it give up the whole batch around it, for good.

librdkafka reads them, where the extra `fast` is installed, but for that header's name.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import NamedTuple

from consumers.ports import Unfit

LIMIT = 500
"""How many records are read of each partition at most."""

Headers = list[tuple[str, bytes | None]]


class Record(NamedTuple):
    """A record with what matters of it. `headers` is None where they cannot be read."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers | None


def read_otherwise(bootstrap: str, topic: str, offsets: Mapping[int, int], why: Exception) -> dict[int, list[Record]]:
    """The next records of these partitions, from these offsets on. Raises Unfit where they cannot be read so either."""
    if find_spec("confluent_kafka") is None:
        raise Unfit(
            f"a record on {topic} cannot be read by kafka-python ({type(why).__name__}: a header whose name is no UTF-8 text, "
            "or damage); install troth with its extra `fast`, by which such a record is set aside and the others are read: "
            "pip install 'troth[fast]'"
        ) from why
    from infra.kafka.fast import next_records  # noqa: PLC0415  # an extra, which need not be installed

    found: dict[int, list[Record]] = {}
    for partition, offset in offsets.items():
        records = next_records(bootstrap, topic, partition, offset, LIMIT)
        if records:
            found[partition] = [
                Record(topic, partition, offset, key, value, headers) for offset, key, value, headers in records
            ]
    return found
