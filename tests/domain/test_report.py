"""Reports: what is read, and what is refused, and where."""

import pytest

from domain import strictjson
from domain.instant import DAY, SECOND, text
from domain.kinds import KINDS, RESERVED
from domain.refusal import InTheFuture, MalformedData, MalformedEnvelope, Refusal, ReservedType, UnknownType
from domain.report import AHEAD_AT_MOST, Envelope, read, refuse_future
from tests.mutations import ABSENT, changed, golden
from tests.telling import on


def refusal(message: object) -> Refusal:
    with pytest.raises(Refusal) as raised:
        read(message)
    return raised.value


# The envelope


@pytest.mark.parametrize("message", [None, True, 1, 1.5, "report", [], [golden()]])
def test_what_is_no_object_is_no_report(message: object) -> None:
    refused = refusal(message)
    assert (type(refused), refused.pointer) == (MalformedEnvelope, "")


@pytest.mark.parametrize("attribute", ["specversion", "id", "source", "type", "subject", "time", "data"])
def test_a_missing_attribute_is_refused_with_its_place_and_never_invented(attribute: str) -> None:
    refused = refusal(changed(ABSENT, attribute))
    assert (type(refused), refused.pointer) == (MalformedEnvelope, f"/{attribute}")


@pytest.mark.parametrize("attribute", ["datacontenttype", "dataschema"])
def test_some_attributes_may_be_missing(attribute: str) -> None:
    assert read(changed(ABSENT, attribute)) == read(golden())


@pytest.mark.parametrize("attribute", ["traceparent", "data_base64", "Id"])
def test_an_unknown_attribute_is_refused_with_its_place(attribute: str) -> None:
    refused = refusal(changed("x", attribute))
    assert (type(refused), refused.pointer) == (MalformedEnvelope, f"/{attribute}")


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("specversion", "0.3"),
        ("specversion", 1.0),
        ("id", ""),
        ("id", 17),
        ("id", None),
        ("id", "x" * 201),
        ("id", "two\nlines"),
        ("id", "bell\x07"),
        ("id", "next\x85line"),
        ("id", "\ud800"),
        ("source", ""),
        ("subject", ["a"]),
        ("type", {}),
        ("data", []),
        ("data", "{}"),
        ("data", None),
        ("datacontenttype", "text/plain"),
        ("datacontenttype", "application/jsonp"),
        ("dataschema", 1),
    ],
)
def test_an_attribute_of_the_wrong_form_is_refused_with_its_place(attribute: str, value: object) -> None:
    refused = refusal(changed(value, attribute))
    assert (type(refused), refused.pointer) == (MalformedEnvelope, f"/{attribute}")


def test_ids_are_opaque_and_kept_as_they_are() -> None:
    odd = " Ω/~%00 🎉 'x\" "
    assert read(changed(odd, "id")).id == odd
    assert read(changed("x" * 200, "id")).id == "x" * 200


# Time


@pytest.mark.parametrize("time", ["2026-01-31T09:30:00", "2026-01-31 09:30:00.5"])
def test_a_time_without_a_zone_is_refused(time: str) -> None:
    refused = refusal(changed(time, "time"))
    assert (type(refused), refused.pointer) == (MalformedEnvelope, "/time")
    assert "zone" in refused.message


@pytest.mark.parametrize(
    "time",
    [
        0,
        1_769_851_800,
        1.5,
        None,
        "",
        "today",
        "2026-01-31",
        "2026-1-31T09:30:00Z",
        "2026-01-31T09:30Z",
        "20260131T093000Z",
        "2026-02-30T09:30:00Z",
        "2026-01-31T24:30:00Z",
        "2026-01-31T09:30:60Z",
        "2026-01-31T09:30:00+25:00",
        "2026-01-31T09:30:00+0100",
        "２０２６-01-31T09:30:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "2026-01-31T09:30:00Z\n",
    ],
)
@pytest.mark.parametrize("path", [("time",), ("data", "due_at")], ids=["time", "due_at"])
def test_what_is_no_instant_is_refused_with_its_place(time: object, path: tuple[str, ...]) -> None:
    if time is None and path == ("data", "due_at"):
        assert read(changed(None, *path))
        return
    refused = refusal(changed(time, *path))
    assert type(refused) is (MalformedEnvelope if path == ("time",) else MalformedData)
    assert refused.pointer == "/" + "/".join(path)


@pytest.mark.parametrize("time", ["2026-01-31T10:30:00+01:00", "2026-01-31t09:30:00z", "2026-01-31 09:30:00.0000009Z"])
def test_one_moment_written_in_several_ways_is_one_instant(time: str) -> None:
    assert read(changed(time, "time")).happened_at == on("2026-01-31T09:30:00Z")


def test_a_time_in_the_future_is_refused_but_for_what_a_clock_may_be_ahead() -> None:
    report = read(golden("promise.kept.v1"))
    now = report.happened_at
    refuse_future(report, now - AHEAD_AT_MOST)
    with pytest.raises(InTheFuture) as raised:
        refuse_future(report, now - AHEAD_AT_MOST - 1)
    assert raised.value.pointer == "/time"


@pytest.mark.parametrize(
    ("kind", "path"),
    [("promise.made.v1", ("data", "corrects", "stated_at")), ("fact.retracted.v1", ("data", "stated_at"))],
)
def test_an_amendment_stated_in_the_future_is_refused(kind: str, path: tuple[str, ...]) -> None:
    now = on("2026-03-01")
    refuse_future(read(changed(text(now + 300 * SECOND), *path, kind=kind)), now)
    with pytest.raises(InTheFuture) as raised:
        refuse_future(read(changed(text(now + DAY), *path, kind=kind)), now)
    assert raised.value.pointer == "/" + "/".join(path)


def test_a_due_time_may_well_lie_in_the_future() -> None:
    refuse_future(read(changed("2999-01-01T00:00:00Z", "data", "due_at")), on("2026-03-01"))


# Types


@pytest.mark.parametrize("kind", ["promise.kept", "promise.kept.v2", "PROMISE.KEPT.V1", "domain.promise.PromiseKept"])
def test_a_type_that_is_no_released_kind_is_refused(kind: str) -> None:
    refused = refusal(changed(kind, "type"))
    assert (type(refused), refused.pointer) == (UnknownType, "/type")


@pytest.mark.parametrize("kind", sorted(RESERVED))
def test_what_only_the_clock_reports_is_refused(kind: str) -> None:
    refused = refusal(golden(kind) | {"source": "crm"})
    assert (type(refused), refused.pointer) == (ReservedType, "/type")


@pytest.mark.parametrize("source", ["troth:", "troth:clock", "troth:policy"])
def test_the_ledgers_own_sources_are_refused(source: str) -> None:
    refused = refusal(changed(source, "source"))
    assert (type(refused), refused.pointer) == (ReservedType, "/source")


def test_what_the_ledger_itself_recorded_is_not_taken_back() -> None:
    refused = refusal(changed("troth:clock", "data", "retracts", "source", kind="fact.retracted.v1"))
    assert (type(refused), refused.pointer) == (ReservedType, "/data/retracts/source")


def test_policies_and_nothing_else_are_reported_about_the_ledger() -> None:
    for message in (changed("customer-1", "subject", kind="policy.adopted.v1"), changed("@ledger", "subject")):
        refused = refusal(message)
        assert (type(refused), refused.pointer) == (MalformedEnvelope, "/subject")


# Data


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("promise.made.v1", ("promise_id",), ABSENT),
        ("promise.made.v1", ("promisor",), "somebody"),
        ("promise.made.v1", ("weight_micro",), 0),
        ("promise.made.v1", ("weight_micro",), 1.0),
        ("promise.made.v1", ("weight_micro",), True),
        ("promise.made.v1", ("weight_micro",), "1"),
        ("promise.made.v1", ("weight_micro",), 10**4_000),
        ("promise.made.v1", ("weight_micro",), float("inf")),
        ("promise.made.v1", ("terms",), ""),
        ("promise.made.v1", ("terms",), "x" * 10_001),
        ("promise.made.v1", ("terms",), "NUL \0"),
        ("promise.made.v1", ("terms",), "half \ud800"),
        ("promise.made.v1", ("corrects", "id"), 1),
        ("promise.made.v1", ("corrects", "stated_at"), ABSENT),
        ("promise.made.v1", ("corrects", "why"), "x"),
        ("promise.made.v1", ("more",), 1),
        ("promise.renegotiated.v1", ("consent",), 1),
        ("promise.renegotiated.v1", ("consent",), "yes"),
        ("incident.opened.v1", ("severity",), "catastrophic"),
        ("interaction.recorded.v1", ("qualities", "kindness"), 3),
        ("interaction.recorded.v1", ("effort",), 8),
        ("fact.retracted.v1", ("retracts",), None),
        ("fact.retracted.v1", ("of_family",), "policy"),
        ("policy.adopted.v1", ("policy", "grades", 0, "lower_bound_micro"), -1),
    ],
)
def test_data_that_does_not_say_what_the_kind_says_is_refused_with_its_place(
    kind: str, path: tuple[str | int, ...], value: object
) -> None:
    refused = refusal(changed(value, "data", *path, kind=kind))
    assert (type(refused), refused.pointer) == (MalformedData, strictjson.pointer("data", *path))


@pytest.mark.parametrize("key", ["anna@example.org", "Anna Berg", "", "x" * 42, "a/b", "name\n", "Zoë"])
@pytest.mark.parametrize(
    ("kind", "above"),
    [
        ("promise.made.v1", ()),
        ("promise.made.v1", ("data",)),
        ("promise.made.v1", ("data", "corrects")),
        ("interaction.recorded.v1", ("data", "qualities")),
        ("policy.adopted.v1", ("data", "policy", "grades", 0)),
    ],
)
def test_a_key_that_is_no_fields_name_is_not_repeated(kind: str, above: tuple[str | int, ...], key: str) -> None:
    refused = refusal(changed(1, *above, key, kind=kind))
    assert refused.pointer == strictjson.pointer(*above)
    assert refused.message == "a key in this object is not known"


def test_nor_is_one_that_the_schema_lets_in() -> None:
    refused = refusal(changed("", "data", "policy", "reasons", "anna@example.org", kind="policy.adopted.v1"))
    assert refused.pointer == "/data/policy/reasons"
    assert refused.message == "String should have at least 1 character, under a key of this object"


def test_every_name_that_a_kind_knows_is_repeated() -> None:
    schemas = [model.model_json_schema() for model in (Envelope, *KINDS.values())]
    parts = [part for schema in schemas for part in (schema, *schema.get("$defs", {}).values())]
    known = {name for part in parts for name in part.get("properties", {})}
    assert "dataschema" in known
    assert {strictjson.place(name) for name in known} == {f"/{name}" for name in known}


def test_a_score_off_its_scale_is_refused_where_the_fact_is() -> None:
    refused = refusal(changed(99, "data", "score", kind="feedback.received.v1"))
    assert (type(refused), refused.pointer) == (MalformedData, "/data")


def test_a_refusal_says_how_many_more_faults_there_are() -> None:
    assert "(more faults: 2)" in refusal({**golden(), "id": 1, "source": 1, "subject": 1}).message
