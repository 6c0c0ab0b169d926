"""The ledger in PostgreSQL: one schema, named like the ledger, holds its record and its views.

connect     opening it, and refusing one that this version cannot read
"""
