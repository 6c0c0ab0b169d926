"""The ledger on Apache Kafka: reports come in, entries go out, by three topics of its own.

published   an entry as Kafka keeps it: its place on the record in front of its bytes
"""
