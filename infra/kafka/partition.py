"""Where Kafka has a party's entries: said by the client's own default partitioner, which is Java's."""

from kafka.partitioner import murmur2


def partition_of(party: bytes, partitions: int) -> int:
    """The partition, of so many, that the records with this key are in."""
    return int((murmur2(party) & 0x7FFFFFFF) % partitions)
