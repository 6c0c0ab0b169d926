"""Laws: what holds for every set of well-formed facts, however they contradict each other, in every order of arrival."""

from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain import kinds
from domain.amendment import FactRetracted, happened_by, target
from domain.evidence import ONE, evidence
from domain.fact import Correction, Fact
from domain.feedback import FeedbackStanding
from domain.incident import IncidentStanding
from domain.instant import HOUR, text
from domain.kinds import KINDS, RESERVED, Standing
from domain.promise import PromiseStanding, on_time
from domain.stream import Known
from tests.histories import DATA, FAMILIES, KEYS, facts, histories, lapses, moments, retraction, shipped_policy
from tests.telling import answered, incident, kept, made, opened, received, tell

FRESH = ("fresh", "0"), ("fresh", "1")
LAST = 100 * HOUR
AMENDABLE = tuple(family for family in FAMILIES if family != "policy")
IN_TIME = {
    "promise": [made("1970-01-01", due="1970-01-01T06:00:00Z"), kept("1970-01-01T05:00:00Z")],
    "incident": [
        opened("1970-01-01", respond_by="1970-01-01T06:00:00Z", resolve_by="1970-01-01T07:00:00Z"),
        incident("resolved", "1970-01-01T05:00:00Z"),
    ],
    "feedback": [received("1970-01-01", answer_by="1970-01-01T06:00:00Z"), answered("1970-01-01T05:00:00Z")],
}
TIMED = tuple(IN_TIME)
BY_TWO = opened("1970-01-01", resolve_by="1970-01-01T02:00:00Z")

decode = msgspec.json.Decoder(Standing).decode
law = settings(deadline=None, max_examples=120)


def standing(family: str, known: list[Known]) -> Standing:
    return kinds.standing(family, KEYS[family], known)


def named(family: str, known: list[Known]) -> tuple[Any, set[tuple[str, str]], dict[tuple[str, str], str]]:
    """The standing without by and void, and those by the names of the facts."""
    reached = standing(family, known)
    names = {each.version: (each.source, each.id) for each in known}
    by = {names[version] for version in reached.by}
    void = {names[each.version]: each.reason for each in reached.void}
    return msgspec.structs.replace(reached, by=(), void=()), by, void


def and_then(known: list[Known], *told: tuple[int, Fact]) -> list[Known]:
    """The history with more facts, under names that nothing in it mentions."""
    more = zip(told, FRESH, strict=False)
    return [*known, *(Known(len(known) + n, at, *name, fact) for n, ((at, fact), name) in enumerate(more))]


def correction(of: Known, says: Fact, stated_at: int) -> Fact:
    names = Correction(source=of.source, id=of.id, stated_at=text(stated_at))  # type: ignore[arg-type]
    return says.model_copy(update={"corrects": names})


def test_the_histories_know_every_kind() -> None:
    assert DATA.keys() | {"policy.adopted.v1", "fact.retracted.v1"} == KINDS.keys()


@pytest.mark.parametrize("family", FAMILIES)
@law
@given(data=st.data())
def test_every_fact_counts_or_is_void_and_nothing_raises(family: str, data: st.DataObject) -> None:
    known = data.draw(histories(family))
    reached = standing(family, known)
    void = [each.version for each in reached.void]
    assert sorted([*reached.by, *void]) == list(range(len(known)))
    assert [*reached.by] == sorted(reached.by)
    assert void == sorted(void)
    assert all(each.reason for each in reached.void)


@pytest.mark.parametrize("family", FAMILIES)
@law
@given(data=st.data())
def test_the_standing_is_the_same_for_every_order_of_arrival(family: str, data: st.DataObject) -> None:
    known = data.draw(histories(family))
    shuffled = [each._replace(version=version) for version, each in enumerate(data.draw(st.permutations(known)))]
    assert named(family, shuffled) == named(family, known)


@pytest.mark.parametrize("family", FAMILIES)
@law
@given(data=st.data())
def test_a_standing_decodes_from_its_own_encoding(family: str, data: st.DataObject) -> None:
    reached = standing(family, data.draw(histories(family)))
    encoded = msgspec.json.encode(reached)
    assert decode(encoded) == reached
    assert msgspec.json.encode(decode(encoded)) == encoded


@pytest.mark.parametrize("family", FAMILIES)
@law
@given(data=st.data())
def test_evidence_has_a_weight_and_an_outcome_between_broken_and_as_desired(family: str, data: st.DataObject) -> None:
    found = evidence(standing(family, data.draw(histories(family))), shipped_policy().trust)
    assert found is None or (0 <= found.outcome_micro <= ONE and found.weight_micro >= 0 and found.because)


# Lapses


@pytest.mark.parametrize("family", TIMED)
@law
@given(data=st.data())
def test_what_the_clock_will_record_counts_when_it_is_recorded_and_is_not_recorded_again(
    family: str, data: st.DataObject
) -> None:
    known = data.draw(histories(family))
    for at, lapse in kinds.lapses(standing(family, known)):
        assert lapse.KIND in RESERVED
        assert lapse.key == KEYS[family]
        after = standing(family, and_then(known, (at, lapse)))
        assert len(known) in after.by
        assert (at, lapse) not in kinds.lapses(after)


@pytest.mark.parametrize("family", TIMED)
@law
@given(data=st.data())
def test_a_lapse_that_turned_out_wrong_counts_for_nothing(family: str, data: st.DataObject) -> None:
    known = data.draw(histories(family, *IN_TIME[family]))
    lapse = data.draw(lapses(family))
    assume(_done_in_time(standing(family, known), lapse.KIND))
    without, by, void = named(family, known)
    again, by_again, void_again = named(family, and_then(known, (data.draw(moments), lapse)))
    assert (again, by_again) == (without, by)
    assert void_again == void | {FRESH[0]: void_again[FRESH[0]]}


def _done_in_time(reached: Standing, lapse: str) -> bool:
    match reached:
        case PromiseStanding():
            return reached.status == "kept" and on_time(reached)
        case IncidentStanding():
            if lapse == "incident.response_lapsed.v1":
                done, by, paused = reached.responded_at, reached.respond_by, reached.paused_before_response
            else:  # reopened, it may have been paused since
                done, by, paused = reached.first_resolved_at, reached.resolve_by, 0 if reached.reopenings else reached.paused
            return done is not None and by is not None and done - paused <= by
        case FeedbackStanding():
            done, by = reached.answered_at, reached.answer_by
            return done is not None and by is not None and done <= by
        case _:
            return False


@law
@given(known=histories("incident", BY_TWO), lapsed=st.integers(2, 6), after=st.integers(0, 6))
def test_what_lapsed_is_never_resolved_in_time(known: list[Known], lapsed: int, after: int) -> None:
    lapse = incident("resolution_lapsed", text(lapsed * HOUR), resolve_by="1970-01-01T02:00:00Z")
    resolved = incident("resolved", text((lapsed + after) * HOUR))
    reached = standing("incident", and_then(known, *((told.at, told.fact) for told in (lapse, resolved))))
    assert isinstance(reached, IncidentStanding)
    found = evidence(reached, shipped_policy().trust)
    if reached.resolution_lapsed:
        assert found is not None
        assert not found.because.startswith("in_time")


@law
@given(
    pauses=st.lists(st.tuples(moments, st.sampled_from(["paused", "resumed"])), max_size=8),
    done=moments.filter(lambda at: at >= 0),
)
def test_an_incident_is_judged_late_just_when_it_would_have_lapsed_before_it_was_resolved(
    pauses: list[tuple[int, str]], done: int
) -> None:
    story = [BY_TWO, *(incident(what, text(at)) for at, what in pauses)]
    due = kinds.lapses(tell(*(told for told in story if told.at <= done)))
    found = evidence(tell(*story, incident("resolved", text(done))), shipped_policy().trust)
    assert found is not None
    assert (found.because == "in_time") == all(done <= at for at, _ in due)


# Amendments


@pytest.mark.parametrize("family", AMENDABLE)
@law
@given(data=st.data())
def test_retracting_a_correction_restores_what_was(family: str, data: st.DataObject) -> None:
    known = data.draw(histories(family))
    says = data.draw(facts(family).filter(lambda fact: not isinstance(fact, FactRetracted)))
    corrected = correction(data.draw(st.sampled_from(known)), says, data.draw(moments))
    back = retraction(FRESH[0], LAST, family)
    without, by, void = named(family, known)
    again, by_again, void_again = named(family, and_then(known, (data.draw(moments), corrected), (LAST, back)))
    assert again == without
    assert by_again - {*FRESH} == by
    assert {name: reason for name, reason in void_again.items() if name not in FRESH} == void


@pytest.mark.parametrize("family", AMENDABLE)
@law
@given(data=st.data())
def test_of_two_corrections_of_one_fact_the_later_stated_stands(family: str, data: st.DataObject) -> None:
    known = data.draw(histories(family))
    corrected = data.draw(st.sampled_from(known))
    assume(not isinstance(corrected.fact, FactRetracted))
    earlier, later = ((data.draw(moments), correction(corrected, corrected.fact, LAST + n)) for n in range(2))
    without, by, void = named(family, and_then(known, earlier, later))
    only_later = named(family, [*known, Known(len(known), later[0], *FRESH[1], later[1])])
    assert (without, by) == only_later[:2]
    assert void == only_later[2] | {FRESH[0]: void[FRESH[0]]}


@pytest.mark.parametrize("family", AMENDABLE)
@law
@given(data=st.data())
def test_a_retracted_fact_might_as_well_not_have_been_told(family: str, data: st.DataObject) -> None:
    known = data.draw(histories(family))
    gone = data.draw(st.sampled_from(known))
    assume(target(gone.fact) is None)
    assume(all(target(each.fact) != (gone.source, gone.id) for each in known))
    told = and_then(known, (LAST, retraction((gone.source, gone.id), LAST, family)))
    kept = [each for each in known if each is not gone]
    assume(kept)
    assert named(family, told)[0] == named(family, kept)[0]


@pytest.mark.parametrize("family", FAMILIES)
@law
@given(data=st.data())
def test_what_had_happened_by_the_end_amounts_to_what_is_known(family: str, data: st.DataObject) -> None:
    known = data.draw(histories(family))
    assert named(family, happened_by(known, LAST))[0] == named(family, known)[0]


@pytest.mark.parametrize("family", FAMILIES)
@law
@given(data=st.data())
def test_what_had_happened_by_a_moment_holds_nothing_later_and_only_what_counts(family: str, data: st.DataObject) -> None:
    known, until = data.draw(histories(family)), data.draw(moments)
    then = happened_by(known, until)
    assert all(each.happened_at <= until for each in then)
    assert all(target(each.fact) is None for each in then)
    assert not {each.version for each in then} & {each.version for each in known if each.happened_at > until}


@law
@given(known=histories("promise"))
def test_no_party_of_amendments_leaves_a_promise_that_was_never_made_standing(known: list[Known]) -> None:
    reached = standing("promise", known)
    makers = [each.version for each in known if each.fact.KIND == "promise.made.v1"]
    assert (reached.status == "awaiting") == (not any(version in reached.by for version in makers))  # type: ignore[union-attr]
