"""JSON read strictly: what parsers disagree about is refused, and nothing takes long or raises anything else."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.refusal import MalformedJson, Refusal, TooLarge
from domain.strictjson import MAX_BYTES, MAX_DEPTH, pointer, read, split
from tests.mutations import refusal as refused_or_none


def refusal(raw: bytes) -> Refusal:
    with pytest.raises(Refusal) as raised:
        read(raw)
    return raised.value


@pytest.mark.parametrize("value", [None, True, 0, -1.5, "ä🎉", [], {}, {"a": [{"b": "\\u0000"}, 1e300]}])
def test_what_every_parser_reads_alike_is_read(value: object) -> None:
    assert read(json.dumps(value).encode()) == value
    assert read(json.dumps(value, ensure_ascii=False).encode()) == value


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "line 1, column 1"),
        (b"  \n", "line 2, column 1"),
        (b"{", "column 2"),
        (b'{"a": 1,}', "column 9"),
        (b"{'a': 1}", "column 2"),
        (b"[1] 2", "Extra data"),
        (b'"open', "Unterminated string"),
        (b'"a\nb"', "Invalid control character"),
        (b'"\\x"', "escape"),
        (b"01", "Extra data"),
        (b"+1", "Expecting value"),
        (b"nul", "Expecting value"),
        (b"\xef\xbb\xbf{}", "BOM"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (b'"\xff"', "byte 1 is not UTF-8"),
        (b'"\xed\xa0\x80"', "byte 1 is not UTF-8"),
        (b'"\xc0\x80"', "byte 1 is not UTF-8"),
        (b"NaN", "NaN is no JSON number"),
        (b'{"a": Infinity}', "Infinity is no JSON number"),
        (b"[-Infinity]", "-Infinity is no JSON number"),
        (b"1e999", "a number is too large"),
        (b"[-1E+999]", "a number is too large"),
        (b"9" * 5_000, "a number has too many digits"),
        (b"-" + b"9" * 5_000, "a number has too many digits"),
        (b"9" * 5_000 + b".0", "a number is too large"),
    ],
)
def test_what_is_no_json_is_refused_with_what_is_wrong(raw: bytes, message: str) -> None:
    refused = refusal(raw)
    assert isinstance(refused, MalformedJson)
    assert message in refused.message
    assert refused.pointer == ""


def test_a_raw_nul_is_refused() -> None:
    assert isinstance(refusal(b'{"a": "b\0"}'), MalformedJson)
    assert isinstance(refusal(b"\0"), MalformedJson)


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        (b'{"a": 1, "a": 1}', "/a"),
        (b'{"a": 1, "\\u0061": 2}', "/a"),
        (b'{"x": [0, {"b": {}, "c": 1, "b": 1}]}', "/x/1/b"),
        (b'{"x": {"": 1, "": 1}}', "/x"),
        (b'{"x": {"anna@example.org": 1, "anna@example.org": 1}}', "/x"),
        (b'{"anna@example.org": {"b": 1, "b": 1}}', ""),
        (b'{"x": {"b": 1, "b": 1}, "x": 2}', "/x"),
    ],
)
def test_a_key_named_twice_is_refused_with_its_place(raw: bytes, where: str) -> None:
    refused = refusal(raw)
    assert isinstance(refused, MalformedJson)
    assert "twice" in refused.message
    assert refused.pointer == where


@pytest.mark.parametrize(
    ("raw", "message", "where"),
    [
        (b'{"a": ["x", "\\u0000"]}', "NUL", "/a/1"),
        (b'{"a": "x\\ud800y"}', "surrogate", "/a"),
        (b'{"a": "\\udc00\\ud800"}', "surrogate", "/a"),
        (b'{"a": "\\uD83D"}', "surrogate", "/a"),
        (b'{"a": {"b\\u0000": 1}}', "NUL", "/a"),
        (b'{"a": {"b\\udfff": 1}}', "surrogate", "/a"),
        (b'{"a": {"anna@example.org": {"b": "\\u0000"}}}', "NUL", "/a"),
        (b'{"a": {"anna@example.org": {"b\\udfff": 1}}}', "surrogate", "/a"),
        (b'"\\u0000"', "NUL", ""),
    ],
)
def test_text_that_no_store_keeps_is_refused_with_its_place(raw: bytes, message: str, where: str) -> None:
    refused = refusal(raw)
    assert isinstance(refused, MalformedJson)
    assert message in refused.message
    assert refused.pointer == where


def test_a_whole_surrogate_pair_is_a_character() -> None:
    assert read(b'"\\ud83c\\udf89"') == "🎉"


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
def test_ten_thousand_levels_are_refused_before_they_are_read(opening: bytes) -> None:
    refused = refusal(opening * 10_000)
    assert isinstance(refused, MalformedJson)
    assert "nested deeper" in refused.message


def test_so_many_levels_are_read_and_no_more() -> None:
    assert read(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    assert "nested deeper" in refusal(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1)).message


def test_brackets_inside_text_and_side_by_side_are_no_levels() -> None:
    assert read(b'{"a": "' + b"[{" * 5_000 + b'"}')
    assert read(b'{"a": "\\"' + b"[{" * 5_000 + b'\\\\"}')
    assert read(b"[" + b"[]," * 5_000 + b"[]]")


@pytest.mark.parametrize("tail", [b'\\"', b'"', b"\\", b'"\\', b"[]", b'"["]'])
def test_no_text_within_the_limit_takes_long(tail: bytes) -> None:
    raw = b"[" + b"[]," * MAX_DEPTH + b'"' + tail * 200_000
    refusal(raw[:MAX_BYTES])  # a reader that tries twice needs minutes here
    split(raw[: MAX_BYTES - 1] + b"]")


def test_more_bytes_than_a_report_may_have_are_refused() -> None:
    refused = refusal(b'"' + b"x" * 300_000 + b'"')
    assert isinstance(refused, TooLarge)
    assert read(b'"' + b"x" * (MAX_BYTES - 2) + b'"')
    assert isinstance(refusal(b'"' + b"x" * (MAX_BYTES - 1) + b'"'), TooLarge)


def test_a_pointer_is_that_of_rfc_6901() -> None:
    assert pointer() == ""
    assert pointer("data", 0, "", "a/b", "m~n") == "/data/0//a~1b/m~0n"


# Batches


@pytest.mark.parametrize(
    ("raw", "elements"),
    [
        (b"[]", []),
        (b" [ \n] ", []),
        (b"[1]", [b"1"]),
        (b'[{"a": [1, 2]}, "x,]y" ,3]', [b'{"a": [1, 2]}', b'"x,]y"', b"3"]),
        (b'[{"a": 1}, {broken}, {"b": 2}]', [b'{"a": 1}', b"{broken}", b'{"b": 2}']),
        (b'[{"a": 1}, {"open": [, {"b": 2}]', [b'{"a": 1}', b'{"open": [, {"b": 2}']),
        (b"[1,]", [b"1", b""]),
        (b'["open]', [b'"open']),
        (b"{}", None),
        (b"", None),
        (b"[", None),
    ],
)
def test_an_array_is_split_into_the_bytes_of_its_elements(raw: bytes, elements: list[bytes] | None) -> None:
    assert split(raw) == elements


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)


@settings(deadline=None, max_examples=150)
@given(values=st.lists(json_values), spaced=st.booleans())
def test_splitting_an_array_and_reading_its_elements_is_reading_the_array(values: list[object], spaced: bool) -> None:
    raw = json.dumps(values, indent=2 if spaced else None).encode()
    elements = split(raw)
    assert elements is not None
    assert [json.loads(each) for each in elements] == values


# Keys


class Pairs(list[tuple[str, object]]):
    """An object that may name a key twice."""


KEYS = st.text(alphabet='ab":\\ ,{}\t\n', max_size=3)
SPACES = st.sampled_from(["", "", " ", "\n", "\t", "\r"])
documents = st.recursive(
    st.integers() | st.floats(allow_nan=False, allow_infinity=False) | KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(KEYS, inner), max_size=3).map(Pairs),
    max_leaves=6,
)


@st.composite
def spelt(draw: st.DrawFn, document: object) -> str:
    """The document as JSON, each of its strings with or without escapes, with any whitespace."""
    match document:
        case Pairs():
            inner = [draw(spelt(key)) + draw(SPACES) + ":" + draw(SPACES) + draw(spelt(each)) for key, each in document]
            return "{" + ",".join(inner) + draw(SPACES) + "}"
        case list():
            return "[" + (draw(SPACES) + ",").join(draw(spelt(each)) for each in document) + "]"
        case str() if draw(st.booleans()):
            return '"' + "".join(f"\\u{ord(each):04x}" for each in document) + '"'
        case _:
            return json.dumps(document)


def names_twice(document: object) -> bool:
    match document:
        case Pairs():
            return len({key for key, _ in document}) < len(document) or any(names_twice(each) for _, each in document)
        case list():
            return any(names_twice(each) for each in document)
        case _:
            return False


@settings(max_examples=500)
@given(drawn=documents.flatmap(lambda document: st.tuples(st.just(document), spelt(document))))
@example(drawn=(Pairs([("a", 1), ("a", 2), ("b", 3)]), '{"a":1,"a":2,"b" :3}'))
@example(drawn=(Pairs([("a", ":"), ("a", 2)]), '{"a":":","a":2}'))
def test_whatever_the_keys_are_and_however_they_are_spelt_a_key_named_twice_is_refused_and_all_else_is_read(
    drawn: tuple[object, str],
) -> None:
    document, text = drawn
    if names_twice(document):
        assert "twice" in refusal(text.encode()).message
    else:
        assert read(text.encode()) == json.loads(text)


# Anything


@settings(deadline=None, max_examples=500)
@given(raw=st.binary() | st.text(alphabet='[]{}",:\\u0dD8aNfIty1e.-+ \n\x00').map(str.encode))
@example(raw=b'{"a":\xff}')
def test_any_bytes_are_read_or_refused_and_nothing_else(raw: bytes) -> None:
    refused = refused_or_none(lambda: json.dumps(read(raw), allow_nan=False).encode())
    assert refused is None or (refused.message + refused.pointer).encode()
    split(raw)


@settings(deadline=None, max_examples=300)
@given(value=json_values, cut=st.integers(0, 60), put=st.binary(max_size=3))
def test_json_with_a_few_bytes_changed_is_read_or_refused(value: object, cut: int, put: bytes) -> None:
    raw = json.dumps(value).encode()
    refused = refused_or_none(lambda: read(raw[:cut] + put + raw[cut + 1 :]))
    assert refused is None or (refused.message + refused.pointer).encode()
