"""CloudEvents whose attributes come beside their data, by HTTP or by Kafka: put together, each is a report as any other."""

import json
from collections.abc import Iterable

from domain import strictjson
from domain.refusal import Refusal


def structured(attributes: Iterable[tuple[str, str | None]], data: bytes) -> bytes:
    """A message in binary mode in structured form: its attributes by name, and its body as the data.

    An attribute that came twice is named twice, and bytes of it that are no UTF-8 (as surrogate escapes) stay what they are:
    both are refused when the report is read, today and whenever it is tried again.
    """
    named = b"".join(_json(name) + b":" + _json(value) + b"," for name, value in attributes if name != "data")
    envelope, body = b"{" + named + b'"data":', data or b"null"
    spliced = envelope + body + b"}"
    if not _is_read(body) and _is_read(spliced):
        # A body such as `{}, "id": "2"` is no JSON and would reach beyond the data: as text it stays there, and is refused.
        return envelope + _json(data.decode("utf-8", "backslashreplace")) + b"}"
    return spliced


def _json(value: str | None) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogateescape")


def _is_read(raw: bytes) -> bool:
    try:
        strictjson.read(raw)
    except Refusal:
        return False
    return True
