"""Who takes part: four teams, a dozen people, twenty-five parties, and the course that the year takes with each."""

from typing import Final, NamedTuple

from domain.party import PartyKind

Quarters = tuple[int, int, int, int]
"""A number for each quarter of the year."""

TEAMS: Final = {
    "sales": ("mara", "tom", "ines"),
    "service": ("bo", "lena", "ravi", "kim"),
    "delivery": ("otto", "pia"),
    "accounts": ("ruth", "sam", "zoe"),
}
"""The company's teams, and who is in them."""


class Course(NamedTuple):
    """How a year goes with a party, quarter by quarter. `kept`, `theirs`, `disputed` are percentages."""

    kept: Quarters
    """Of what the company promises, how much it keeps in time."""
    contacts: Quarters
    """Contacts in ten weeks; promises and feedback follow from them."""
    troubles: Quarters
    """Incidents in a quarter."""
    mood: Quarters
    """How contacts leave the party, −2 to 2."""
    theirs: int = 93
    """Of what the party promises, how much it keeps in time."""
    disputed: int = 1
    """Of what ended, how much the party disputes."""
    begins_on: int = 0
    """The day of the year on which the party becomes known."""


class Party(NamedTuple):
    """A party: its id, its name, what it is to the company, how the year goes, and who of sales is there for it."""

    id: str
    name: str
    kind: PartyKind
    course: Course
    manager: str


STEADY: Final = Course((96, 97, 96, 98), (13, 14, 13, 14), (1, 1, 1, 1), (1, 1, 1, 1))
CLOSE: Final = Course((97, 98, 98, 99), (20, 21, 21, 22), (2, 1, 2, 1), (1, 2, 2, 2), 98, 0)
SLIPPING: Final = Course((93, 80, 40, 8), (15, 14, 12, 11), (1, 2, 3, 4), (1, 0, -1, -2), 92, 4)
RECOVERED: Final = Course((93, 55, 90, 97), (14, 16, 16, 15), (1, 6, 2, 0), (1, -2, 1, 2))
NEGLECTED: Final = Course((95, 85, 80, 80), (18, 7, 0, 0), (2, 1, 0, 0), (1, 0, 0, 0))
ROCKY: Final = Course((82, 78, 84, 80), (15, 16, 15, 16), (5, 6, 5, 6), (0, -1, 0, -1), 85, 5)
DISPUTING: Final = Course((88, 87, 86, 88), (12, 12, 13, 12), (2, 2, 2, 2), (-1, -1, 0, -1), 80, 30)
ONE_SIDED: Final = Course((96, 97, 96, 97), (12, 12, 12, 12), (1, 1, 1, 1), (0, 0, 1, 0), 48, 2)
QUIET: Final = Course((95, 95, 96, 95), (3, 3, 3, 3), (0, 0, 1, 0), (0, 1, 0, 0))
NEW: Final = Course((94, 94, 94, 95), (12, 12, 12, 16), (1, 1, 1, 1), (1, 1, 1, 1), begins_on=300)

PARTIES: Final = (
    Party("harbour-hotel", "Harbour Hotel", "customer", RECOVERED, "mara"),
    Party("old-mill-cafe", "The Old Mill Café", "customer", SLIPPING, "tom"),
    Party("northgate-offices", "Northgate Offices", "customer", NEGLECTED, "ines"),
    Party("cafe-aurora", "Café Aurora", "customer", CLOSE, "mara"),
    Party("st-brigid-hospital", "St Brigid's Hospital", "customer", ROCKY, "tom"),
    Party("lighthouse-bakery", "Lighthouse Bakery", "customer", STEADY, "ines"),
    Party("quayside-kitchen", "Quayside Kitchen", "customer", DISPUTING, "mara"),
    Party("elm-street-school", "Elm Street School", "customer", QUIET, "tom"),
    Party("gallery-nine", "Gallery Nine", "customer", NEW, "ines"),
    Party("bluebird-diner", "Bluebird Diner", "customer", ONE_SIDED, "mara"),
    Party("union-brewery", "Union Brewery", "customer", STEADY, "tom"),
    Party("meadow-clinic", "Meadow Clinic", "customer", STEADY, "ines"),
    Party("tannery-lofts", "Tannery Lofts", "customer", SLIPPING, "mara"),
    Party("kiosk-am-park", "Kiosk am Park", "customer", STEADY, "tom"),
    Party("orchard-catering", "Orchard Catering", "partner", CLOSE, "ines"),
    Party("espresso-academy", "Espresso Academy", "partner", STEADY, "mara"),
    Party("fitout-brothers", "Fit-out Brothers", "partner", ROCKY, "tom"),
    Party("santos-coop", "Santos Cooperative", "supplier", STEADY, "ines"),
    Party("valve-and-boiler", "Valve & Boiler Works", "supplier", ONE_SIDED, "mara"),
    Party("parcel-hawk", "Parcel Hawk", "supplier", DISPUTING, "tom"),
    Party("paper-cup-co", "Paper Cup Company", "supplier", QUIET, "ines"),
    Party("works-council", "The works council", "employee", STEADY, "mara"),
    Party("service-crew", "The service crew", "employee", RECOVERED, "tom"),
    Party("river-food-bank", "River Food Bank", "community", QUIET, "ines"),
    Party("harbour-festival", "Harbour Festival", "community", NEW, "mara"),
)
