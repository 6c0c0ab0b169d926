"""An entry as Kafka keeps it: the stored bytes unchanged, with its position and the one published before it in front.

    {"position":42,"previous":37,"kind":"promise.kept.v1", …}

The key of a record is the party. `previous` is the position before it in the same partition, null in front of the first: from
that one number any reader notices a gap, a double or a reordering at once.
"""

from collections.abc import Callable
from typing import Final, cast

import msgspec

from consumers.ports import BrokenRecord
from domain.entry import Entry


class Published(Entry, frozen=True, gc=False):
    """An entry, with its place on the record."""

    position: int
    previous: int | None


decode: Final = cast("Callable[[bytes | None], Published]", msgspec.json.Decoder(Published).decode)
"""The entry in a record's value, for those who read many; raises what msgspec raises."""
Unreadable = (msgspec.DecodeError, UnicodeDecodeError, TypeError)
"""What it raises where there is none; the last of them for a record without a value."""


def published(position: int, previous: int | None, state: bytes) -> bytes:
    """The value of the record that publishes an entry."""
    before = "null" if previous is None else previous
    return b'{"position":%d,"previous":%s,' % (position, str(before).encode()) + state[1:]


def read(value: bytes | None) -> Published:
    """The entry in a record. Raises BrokenRecord where it is none."""
    try:
        return decode(value)
    except Unreadable:
        raise BrokenRecord("a record on the topic of entries is no entry") from None


def stored(value: bytes) -> bytes:
    """The bytes of the entry as the record keeps and hashes them. Raises BrokenRecord."""
    end = value.find(b",", value.find(b",") + 1)
    if end < 0:
        raise BrokenRecord("a record on the topic of entries is no entry")
    return b"{" + value[end + 1 :]
