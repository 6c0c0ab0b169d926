"""The embedded ledger: SQLite files in one folder, `ledger.sqlite` (the record) and `views.sqlite` (what was computed of it).

connect     opening a file, and refusing one that this version cannot read
recorder    the event-sourcing library's recorder, with positions of our own
log         the port Log: entries, refusals and marks in one transaction
quarantine  what was refused, to list, show, retry and discard
checkup     what can be wrong with SQLite, and with a file of it
views       the tables of the projections, with the positions they have reached; ranked: the list of parties beside them
reader      reading the views
lock        a right that one process has at a time
store       all of it, opened for one folder
"""
