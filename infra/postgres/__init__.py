"""The ledger in PostgreSQL: one schema, named like the ledger, holds its record and its views.

connect     opening it, and refusing one that this version cannot read
connections those of one ledger, for any thread, made anew after an outage
recorder    entries as rows, with dense positions
log         the port Log: entries, refusals and marks in one transaction
quarantine  what was refused, to list, show, retry and discard
views       the tables of the projections, with how far each partition has come; rows: many of them written at once
shown       the SQL views over them that readers see
ranked      the list of parties beside them, for many processes that rank
reader      reading the views
lock        what one process holds at a time
checkup     what can be wrong with a server, and with a ledger in it
store       all of it, opened for one ledger
"""
