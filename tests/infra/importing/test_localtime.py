"""Local times: zones, clock changes by the map's rule, and texts that are no time."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import instant
from infra.importing.localtime import Fault, TimeFormat, reader

BOSTON = "America/New_York"
US = "%m/%d/%Y %H:%M"


def boston(text: str, **rules: str) -> str:
    return reader(TimeFormat.model_validate({"format": US, "zone": BOSTON} | rules))(text).text


def test_a_local_time_is_placed_in_its_zone() -> None:
    assert boston("7/1/2011 09:30") == "2011-07-01T13:30:00Z"
    assert boston("12/1/2011 09:30") == "2011-12-01T14:30:00Z"


def test_an_hour_that_came_twice_means_what_the_map_says() -> None:
    assert boston("11/6/2011 01:30", ambiguous="earlier") == "2011-11-06T05:30:00Z"
    assert boston("11/6/2011 01:30", ambiguous="later") == "2011-11-06T06:30:00Z"


def test_an_hour_that_never_came_counts_as_much_later_if_the_map_says_so() -> None:
    assert boston("3/13/2011 02:30", nonexistent="forward") == "2011-03-13T07:30:00Z"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("11/6/2011 01:30", "time_came_twice"),
        ("3/13/2011 02:30", "time_never_came"),
        ("2/30/2011 02:30", "no_such_time"),
        ("2011-02-03 02:30", "no_such_time"),
        ("1/1/0001 00:00", None),
        ("", "no_such_time"),
        ("1/1/2011 25:00", "no_such_time"),
        ("1/1/2011 1:00 ", "no_such_time"),
        ("١/1/2011 01:00", "no_such_time"),
    ],
)
def test_without_a_rule_nothing_is_guessed(text: str, rule: str | None) -> None:
    if rule is None:
        assert boston(text) == "0001-01-01T04:56:02Z"
        return
    with pytest.raises(Fault) as refused:
        boston(text)
    assert refused.value.rule == rule
    assert text not in refused.value.message or not text


@pytest.mark.parametrize(
    ("form", "zone", "text", "said"),
    [
        ("iso", None, "2011-07-01T09:30:00+02:00", "2011-07-01T07:30:00Z"),
        ("iso", BOSTON, "2011-07-01 09:30:00.5", "2011-07-01T13:30:00.500000Z"),
        ("iso", BOSTON, "2011-07-01T09:30Z", "2011-07-01T09:30:00Z"),
        ("unix", None, "1300000000", "2011-03-13T07:06:40Z"),
        ("unix", None, "1300000000.25", "2011-03-13T07:06:40.250000Z"),
        ("unix_ms", None, "1300000000007", "2011-03-13T07:06:40.007000Z"),
        ("%d %b %Y %I:%M %p", "UTC", "01 Jul 2011 01:30 PM", "2011-07-01T13:30:00Z"),
        ("%Y%m%d", "UTC", "20110701", "2011-07-01T00:00:00Z"),
        ("%H:%M on %d.%m.%Y", "Europe/Vienna", "09:30 on 1.7.2011", "2011-07-01T07:30:00Z"),
        ("%Y-%m-%dT%H:%M:%S%z", None, "2011-07-01T09:30:00-0400", "2011-07-01T13:30:00Z"),
    ],
)
def test_times_are_read_as_the_map_says_they_are_written(form: str, zone: str | None, text: str, said: str) -> None:
    moment = reader(TimeFormat(format=form, zone=zone))(text)
    assert moment.text == said
    assert instant.parse(said) == moment.at


@pytest.mark.parametrize("text", ["nan", "inf", "1e400", "-1e300", "x"])
def test_a_number_that_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(Fault, match="no time"):
        reader(TimeFormat(format="unix"))(text)


def test_a_text_without_offset_needs_a_zone() -> None:
    with pytest.raises(Fault) as refused:
        reader(TimeFormat(format="iso"))("2011-07-01T09:30:00")
    assert refused.value.rule == "time_without_zone"


@given(
    st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001 - the zone is what is tested
    st.sampled_from([BOSTON, "UTC", "Europe/Vienna", "Australia/Lord_Howe", "Asia/Kolkata"]),
)
def test_it_says_what_the_standard_library_says(local: datetime, zone: str) -> None:
    form = TimeFormat(format="%Y-%m-%d %H:%M:%S", zone=zone, ambiguous="earlier", nonexistent="forward")
    local = local.replace(microsecond=0, fold=0)
    moment = reader(form)(f"{local:%Y-%m-%d %H:%M:%S}")
    assert moment.at == instant.of(local.replace(tzinfo=ZoneInfo(zone)))
    assert moment.text == instant.text(moment.at)
