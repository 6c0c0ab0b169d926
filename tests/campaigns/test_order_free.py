"""The short form of the campaign in `order_free.py`."""

from tests.campaigns.order_free import digests_of, told


def test_the_same_reports_come_to_the_same_digests_in_every_order() -> None:
    reports = told(1_500)
    assert digests_of(reports, 0) == digests_of(reports, 1)
