"""The ledger on Apache Kafka: reports come in, entries go out, by three topics of its own.

connect     reaching the brokers, and what is said where they cannot be reached
topics      making the topics, and refusing those that no record may be kept on
publisher   publishing entries, so that none is doubled, late or missing
tails       what a partition ends with
published   an entry as Kafka keeps it: its place on the record in front of its bytes
"""
