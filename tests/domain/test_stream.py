"""Streams: their ids."""

from uuid import NAMESPACE_URL, uuid5

from hypothesis import given
from hypothesis import strategies as st

from domain.stream import stream_id

parts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)


@given(parts, parts, parts, parts)
def test_a_streams_id_is_the_uuid5_of_its_parts(ledger: str, family: str, party: str, key: str) -> None:
    assert stream_id(ledger, family, party, key) == uuid5(NAMESPACE_URL, f"troth:{ledger}\0{family}\0{party}\0{key}").hex
