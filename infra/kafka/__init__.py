"""The ledger on Apache Kafka: reports come in, entries go out, by three topics of its own.

connect     reaching the brokers, and what is said where they cannot be reached
topics      making the topics, and refusing those that no record may be kept on
reports     reports that come: CloudEvents in both modes, each partition from its mark on the record
otherwise   records that kafka-python cannot read
aside       reports that were refused, on a topic of their own
publisher   publishing entries, so that none is doubled, late or missing
tails       what a partition ends with
published   an entry as Kafka keeps it: its place on the record in front of its bytes
chain       reading entries: that what comes is what follows
consumer    consumers, as all of ours are set
group       a member of a consumer group
feed        entries for projectors: the partitions that a group deals out
assigned    entries for replay and rebuilding: partitions by assignment, to the end and no further
fast        the same by librdkafka, where the extra `fast` is installed
loops       the loops that read from Kafka or publish there, each with what it needs
checkup     what can be wrong with Kafka, and how far everything has come there
"""
