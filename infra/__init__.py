"""Everything that touches the world: databases, HTTP, the command line, files, settings, logs.

record      what can be asked of the record and the quarantine, whichever database holds them
tables      the tables of the views, who reads them, and their digests; agenda: what lapses next
sqlite      the embedded ledger's files
postgres    the same in PostgreSQL, for many processes
kafka       reports that come in and entries that go out by Apache Kafka
cloudevents reports whose attributes stand beside their data, put together
asking      questions and their answers
http, cli   the two ways to report and to ask
importing   files into reports
exporting   entries into files, and from files again
contracts   JSON Schemas and OpenAPI, generated and committed
demo        a made-up year of a small company
wiring      opens what the settings ask for
drivers     which loops a ledger needs; loops: each with what it needs; turns: what one at a time may do
running     loops in threads, until told to end; health: over HTTP where nothing else is served
doctor      what may be wrong, each with what to do
rebuilding  projections built anew; replaying: compared with the record
settings, log, metrics
"""
