"""The command line: `troth`. Tables for people, `--json` for programs, and errors that say what to do next.

app         the command, its exit codes, and which file answers which subcommand
serve       `troth serve` and `troth demo`
reporting   `troth report`; quarantine: what became of what was refused
exporting   `troth export`; replaying: `troth replay`
status      `troth status` and `troth rebuild`; doctor: what may be wrong
policy, config, schema
            what everything is judged by, the settings, the contracts
show        how answers are shown
paged       the options of lists that come in pages
opened      opens the ledger for a question, and brings its views up to date where nobody else does
"""
