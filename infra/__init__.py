"""Everything that touches the world: databases, HTTP, the command line, files, settings, logs.

record      what can be asked of the record and the quarantine, whichever database holds them
sqlite      the embedded ledger's files
asking      questions and their answers
http, cli   the two ways to report and to ask
importing   files into reports
contracts   JSON Schemas and OpenAPI, generated and committed
demo        a made-up year of a small company
wiring      puts it all together; settings, log, metrics; rebuilding: projections built anew
"""
