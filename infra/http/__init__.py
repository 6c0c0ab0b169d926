"""The HTTP API: reports in, answers out. One process, one event loop; answers are read from SQLite without leaving it.

app         the application: what it opens, what it starts, its routes
desk        takes reports from many requests to one intake, and hands the receipts back
serving     uvicorn in this process: from opening the ledger to the last answer; binding: its socket
gate        lets in only what is asked from this machine, by its own name
measured    how long requests take, for the metrics
reports     CloudEvents in; quarantine: what was refused
status      how far everything has come; health: /livez, /readyz, /metrics
front       the page at /, from the template and style in pages/
openapi     the document at /openapi.json
asked       as_of, known_at, ETags: what all questions have in common
paths       ids in paths, whatever is in them
problems    every refusal and error as application/problem+json
"""
