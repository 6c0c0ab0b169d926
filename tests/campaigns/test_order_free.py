"""The short form of the campaign in `order_free.py`."""

from tests.campaigns.order_free import digests_of, told


def test_the_same_reports_come_to_the_same_digests_in_every_order() -> None:
    reports = told(1_500)
    assert digests_of(reports, 0) == digests_of(reports, 1)


def test_other_reports_come_to_other_digests() -> None:
    reports = told(300)
    whole, one_less = digests_of(reports, 0), digests_of(reports[:-1], 0)
    assert "timeline" in {name for name in whole if whole[name] != one_less[name]}
