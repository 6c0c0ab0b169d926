"""What may be wrong with a ledger and what it stands on, each with what to do. `troth doctor` shows it.

check      one thing that was looked at
machine    Python, SQLite, the folder, the disk, the clock
record     the entries, in files or in a database
views      how far they have come, and rebuilds that differ
database   the PostgreSQL that is set
broker     the Kafka that is set, and the ledger's topics
"""
