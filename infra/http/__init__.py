"""The HTTP API: reports in, answers out. One process, one event loop; answers are read from SQLite without leaving it.

app         the application: what it opens, what it starts, its routes
desk        takes reports from many requests to one intake, and hands the receipts back
asked       as_of, known_at, ETags: what all questions have in common
paths       ids in paths, whatever is in them
problems    every refusal and error as application/problem+json
"""
