"""The command line: `troth`. Tables for people, `--json` for programs, and errors that say what to do next.

app         the command, its exit codes, and which file answers which subcommand
show        how answers are shown
paged       the options of lists that come in pages
opened      opens the ledger for a question, and brings its views up to date where nobody else does
"""
