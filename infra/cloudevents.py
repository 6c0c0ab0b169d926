"""CloudEvents in binary mode, whichever protocol carries them: attributes beside the data, put together into one document."""

from collections.abc import Mapping

import msgspec

from domain import strictjson
from domain.refusal import Refusal


def structured(attributes: Mapping[str, str], data: bytes) -> bytes:
    """The same event in structured mode: each attribute a field, the body the data.

    A body such as `{}, "id": "2"` is no JSON and would reach beyond the data: as text it stays there, and is refused.
    """
    envelope = msgspec.json.encode(attributes)[:-1] + (b',"data":' if attributes else b'"data":')
    spliced = envelope + (data or b"null") + b"}"
    if _is_read(spliced) and not _is_read(data or b"null"):
        return envelope + msgspec.json.encode(data.decode("utf-8", "backslashreplace")) + b"}"
    return spliced


def _is_read(raw: bytes) -> bool:
    try:
        strictjson.read(raw)
    except Refusal:
        return False
    return True
