"""The demo: a year of Kestrel Coffee, a small company that delivers coffee machines and beans and keeps them running.

    cast        the company's people, and those it deals with, each with the course that the year takes with them
    telling     what one course of events is made of: reports, each with when it happened and when it arrives
    promises    promises, both ways: kept, late, renegotiated, withdrawn, broken, forgotten, disputed
    contacts    contacts, trouble and its recovery, feedback
    year        the whole year: all courses together, what arrives late, twice or wrong, and what is taken back
    play        reports the year day by day to a ledger of its own

The same seed and last day tell the same year on every machine. All names are made up.
"""
