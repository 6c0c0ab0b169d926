"""The list of parties, to sort, filter and search; and one party in short."""

from typing import Annotated, Literal

from pydantic import Field

from domain.party import PartyKind
from infra.asking import layers, trust
from infra.asking.answers import Answer, Asked, At, BadQuestion, asked, refuse_unknown, select
from infra.asking.moment import Moment
from infra.asking.paging import FIRST, Condition, Order, Paged, Sort, count, equal, page
from infra.asking.trust import ScoreShown
from projections.layers import NAMES

SortBy = Literal["trust", "layer", "overdue", "recent", "name", "id"]
LayerName = Literal["orientation", "exploratory", "affective", "stable"]

_KEYS: dict[SortBy, str] = {
    "trust": "p.lower_micro",
    "layer": "p.layer",
    "overdue": "p.overdue_count",
    "recent": f"COALESCE(p.last_at, {FIRST})",
    "name": "LOWER(COALESCE(n.name, p.party))",
    "id": "p.party",
}
_COLUMNS = (
    "p.party, n.name, p.kind, p.grade, p.score_micro, p.lower_micro, p.upper_micro, p.mass_micro, p.in_them_lower_micro, "
    "p.layer, p.overdue_count, p.open_incident_count, p.last_at, p.scored_at"
)
_SOURCE = (
    "parties p LEFT JOIN named d ON d.party = p.party "
    "LEFT JOIN names n ON n.party = d.party AND n.source = d.source AND n.id = d.id"
)


class PartiesWanted(Paged):
    """Which parties, in which order. The list is as of now: `as_of` and `known_at` are asked of one party."""

    sort: SortBy = "trust"
    """By the lower bound of trust in us, layer, promises overdue, the latest entry, name (or id where there is none), or id."""
    order: Order | None = None
    """Unless said otherwise, names and ids ascend and everything else descends."""
    kind: PartyKind | None = None
    """What the party was registered as."""
    grade: str | None = None
    """The policy's word for the trust in us; `unknown` where there is too little evidence for one."""
    layer: LayerName | None = None
    """How deep the relationship goes."""
    search: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """A part of the name or of the id, in capitals or not."""


class PartyListed(Answer):
    """A party with its trust in us, never without the interval and the mass of evidence."""

    party: str
    name: str | None
    kind: str | None
    """None where nobody registered it."""
    grade: str
    """The policy's word for the lower bound; `unknown` where there is less evidence than the prior weighs."""
    score_micro: int
    lower_micro: int
    """What is assured: the lower bound of the central 95 % interval. The list is sorted by it."""
    upper_micro: int
    mass_micro: int
    """The mass of evidence."""
    in_them_lower_micro: int
    """The lower bound of our trust in them."""
    layer: str
    overdue_count: int
    """Promises to it that lapsed and are not kept."""
    open_incident_count: int
    last_at: At | None
    """When the latest of its entries happened."""
    scored_at: At
    """To which instant it was scored: at once after an entry, else once a day."""


class PartiesAnswer(Answer):
    """One page of the list of parties."""

    asked: Asked
    count: int | None
    """How many parties the whole list has; on its first page only."""
    parties: list[PartyListed]
    next: str | None
    """The cursor of the next page; none on the last."""


class PartyAnswer(Answer):
    """A party in short."""

    party: str
    asked: Asked
    name: str | None
    kind: str | None
    registered_at: At | None
    in_us: ScoreShown
    in_them: ScoreShown
    layer: str
    promise_count: int
    overdue_count: int
    incident_count: int
    open_incident_count: int
    feedback_count: int
    interaction_count: int
    last_at: At | None
    """When the latest of its entries happened."""


def listed(moment: Moment, wanted: PartiesWanted) -> PartiesAnswer:
    """One page of the list of parties. Raises BadQuestion."""
    conditions = _conditions(moment, wanted)
    descending = wanted.order == "descending" if wanted.order else wanted.sort not in ("name", "id")
    sort = Sort(wanted.sort, _KEYS[wanted.sort], "p.party", descending, (str if wanted.sort in ("name", "id") else int, str))
    rows, following = page(moment, _COLUMNS, _SOURCE, conditions=conditions, sort=sort, asked=wanted)
    return PartiesAnswer(
        asked=asked(moment),
        count=count(moment, _SOURCE, conditions) if wanted.cursor is None else None,
        parties=[PartyListed(**row | {"layer": NAMES[row["layer"]]}) for row in rows],
        next=following,
    )


def of_party(moment: Moment, party: str) -> PartyAnswer:
    """A party in short. Raises NotFound."""
    refuse_unknown(moment, party)
    registered = select(moment, "SELECT kind, registered_at FROM registered WHERE party = ?", party)
    kind, registered_at = registered[0] if registered else (None, None)
    (totals,) = select(
        moment,
        "SELECT promise_count, overdue_count, incident_count, open_incident_count, feedback_count, interaction_count, "
        "(SELECT MAX(happened_at) FROM timeline WHERE party = ?) FROM party_totals WHERE party = ?",
        *(party, party),
    )
    layer, _ = layers.walked(moment, party)
    return PartyAnswer(
        party=party,
        asked=asked(moment),
        name=name_of(moment, party),
        kind=kind,
        registered_at=registered_at,
        in_us=trust.shown(moment, "party", party, "in_us"),
        in_them=trust.shown(moment, "party", party, "in_them"),
        layer=layer.name,
        promise_count=totals[0],
        overdue_count=totals[1],
        incident_count=totals[2],
        open_incident_count=totals[3],
        feedback_count=totals[4],
        interaction_count=totals[5],
        last_at=totals[6],
    )


def name_of(moment: Moment, party: str) -> str | None:
    """What the party is called. Personal."""
    joined = "named d JOIN names n ON n.party = d.party AND n.source = d.source AND n.id = d.id"
    rows = select(moment, f"SELECT n.name FROM {joined} WHERE d.party = ?", party)
    return rows[0][0] if rows else None


def _conditions(moment: Moment, wanted: PartiesWanted) -> list[Condition]:
    grades = ["unknown", *(grade.name for grade in moment.policy.grades)]
    if wanted.grade is not None and wanted.grade not in grades:
        raise BadQuestion("grade", f"the grades are {', '.join(grades)}")
    level = None if wanted.layer is None else NAMES.index(wanted.layer)
    conditions = equal(**{"p.kind": wanted.kind, "p.grade": wanted.grade, "p.layer": level})
    if wanted.search is not None:
        conditions.append(_named_like(wanted.search))
    return conditions


def _named_like(part: str) -> Condition:
    """The condition that a party's id or name has this part. LOWER leaves all but ASCII letters as they are."""
    if "\0" in part:  # no text on the record has one, and for SQLite a pattern ends there
        return "FALSE", ()
    spellings = {_lower(each) for each in (part, part.lower(), part.upper(), part.title())}
    patterns = tuple("%" + each.replace("!", "!!").replace("%", "!%").replace("_", "!_") + "%" for each in sorted(spellings))
    like = " OR ".join("LOWER(p.party) LIKE ? ESCAPE '!' OR LOWER(n.name) LIKE ? ESCAPE '!'" for _ in patterns)
    return like, tuple(pattern for pattern in patterns for _ in range(2))


def _lower(text: str) -> str:
    return "".join(each.lower() if each.isascii() else each for each in text)
