"""JSON arrays and JSON lines."""

import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.manifests import json_rows, json_validation
from functions.core.manifests.formats import known_format
from functions.core.model.errors import InvalidManifest, StorageFault

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    # a lone surrogate cannot be encoded as UTF-8: the adapter escapes it
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
    max_leaves=5,
)
Reader = Callable[[Iterable[bytes]], Iterator[Any]]


def read_array(chunks: Iterable[bytes]) -> Iterator[Any]:
    return (item for _, item in json_rows.numbered_array(chunks))


def read_lines(chunks: Iterable[bytes]) -> Iterator[Any]:
    return (item for _, item in json_rows.numbered_lines(chunks))


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize(
    ("data", "items"),
    [
        (b'["http://a/1", "http://a/2"]', ["http://a/1", "http://a/2"]),
        (b' \r\n\t[ {"url": "http://a/1"} , null,1.5 ] \n', [{"url": "http://a/1"}, None, 1.5]),
        (b'\xef\xbb\xbf["x"]', ["x"]),
        (b'["\\ud83d\\ude00 \xc3\xa9"]', ["\U0001f600 \u00e9"]),
        (b"[12,-3,4e2]", [12, -3, 400.0]),
        (b"[[],{}]", [[], {}]),
        (b"[]", []),
        (b" [ ] ", []),
        (b"", []),
        (b" \n", []),
    ],
)
def test_an_array_gives_its_values(data: bytes, items: list[Any]) -> None:
    assert list(read_array([data])) == items


@given(items=st.lists(JSON, max_size=5), indent=st.sampled_from([None, 1]))
def test_an_array_gives_its_values_wherever_the_window_ends(items: list[Any], indent: int | None) -> None:
    data = json.dumps(items, indent=indent, ensure_ascii=False).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_rows, "CHARACTERS", 3)

        assert list(read_array([data])) == items


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b'{"url": "http://a/1"}', r"Start it with '\['"),
        (b'"http://a/1"', r"Start it with '\['"),
        (b'["a" "b"]', "no comma after item 1"),
        (b'["a", "b"', "no comma after item 2 of the manifest, or the array is not closed"),
        (b'["a",', "Item 2 of the manifest is not valid JSON"),
        (b'["a", ]', "Item 2 of the manifest is not valid JSON"),
        (b'["a", b]', "Item 2 of the manifest is not valid JSON"),
        (b'["a"] x', "There is data after the end of the JSON array"),
        (b'["a"]["b"]', "There is data after the end of the JSON array"),
        (b"[" * 100_000, "Item 1 of the manifest is not valid JSON: it is nested too deeply"),
        (b"[1, " + b"9" * 5_000 + b"]", "Item 2 of the manifest is not valid JSON: a number has 5000 digits"),
        (b"[NaN]", "Item 1 of the manifest is not valid JSON: NaN is not a number in JSON"),
        (b"[1, -Infinity]", "Item 2 of the manifest is not valid JSON: -Infinity is not a number in JSON"),
        (b"[1e999]", "Item 1 of the manifest is not valid JSON: 1e999 is not a number in JSON"),
        (b'["http://a/\xe9"]', "byte 11 is 0xe9"),
    ],
)
def test_what_is_not_an_array_is_rejected_with_the_number_of_the_item(data: bytes, sentence: str) -> None:
    with pytest.raises(InvalidManifest, match=sentence):
        list(read_array([data]))


def endless_array() -> Iterator[bytes]:
    yield b"["
    for number in itertools.count():
        yield f'"http://a/{number}",'.encode()


def endless_string() -> Iterator[bytes]:
    yield b'["'
    while True:
        yield b"x" * 10_000


def test_an_array_is_streamed() -> None:
    assert list(itertools.islice(read_array(endless_array()), 2)) == ["http://a/0", "http://a/1"]


def test_an_item_without_an_end_is_rejected() -> None:
    with pytest.raises(InvalidManifest, match="Item 1 of the manifest is larger than 180 KB"):
        list(read_array(endless_string()))


@pytest.mark.parametrize(
    ("data", "items"),
    [
        (b'"http://a/1"\n{"url": "http://a/2"}\n', ["http://a/1", {"url": "http://a/2"}]),
        (b'\xef\xbb\xbf"a"\r\n\r\n  \n"b"', ["a", "b"]),
        ('"a\u2028b\u0085c"\n'.encode(), ["a\u2028b\u0085c"]),
        (b"", []),
    ],
)
def test_lines_give_a_value_each(data: bytes, items: list[Any]) -> None:
    assert list(read_lines([data])) == items


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b'"a"\n\nhttp://a/1\n', "Line 3 of the manifest is not valid JSON"),
        (b'{"url":\n"x"}', "Line 1 of the manifest is not valid JSON"),
        (b'"a"\n' + b"[" * 100_000, "Line 2 of the manifest is not valid JSON: it is nested too deeply"),
        (b"1\n" + b"9" * 5_000, "Line 2 of the manifest is not valid JSON: a number has 5000 digits"),
        (b'{"n": NaN}', "Line 1 of the manifest is not valid JSON: NaN is not a number in JSON"),
    ],
)
def test_a_line_that_is_not_json_is_named(data: bytes, sentence: str) -> None:
    with pytest.raises(InvalidManifest, match=sentence):
        list(read_lines([data]))


@pytest.mark.parametrize(
    ("write", "read"),
    [(known_format("json").write, read_array), (known_format("jsonl").write, read_lines)],
)
@given(items=st.lists(JSON, max_size=4), size=st.integers(1, 9))
def test_what_is_written_is_read_back(write: Callable[..., Iterator[str]], read: Reader, items: Any, size: int) -> None:
    assert list(read(pieces("".join(write(items)).encode(), size))) == items


def test_items_have_their_number() -> None:
    assert list(json_rows.numbered_array([b'["a", "b"]'])) == [(1, "a"), (2, "b")]
    assert list(json_rows.numbered_lines([b'"a"\n\n"b"\n'])) == [(1, "a"), (3, "b")]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b'"a"\nb\n"c"\n{\n', r"Lines 2, 4 of the manifest are not valid JSON\. Each line is a URL in quotes"),
        (b'"a"\nb\n', r"Line 2 of the manifest is not valid JSON: Expecting value"),
        (b"x\n" * 10, "Lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 of the manifest are not valid JSON"),
        (b"x\n" * 11, "Lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 1 more of the manifest are not valid JSON"),
        (b"x\n" * 12, "Lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more of the manifest are not valid JSON"),
        (b'"a"\n"' + b"x" * 190_000 + b'"\n', "Line 2 of the manifest is larger than 180 KB, the limit of a row"),
        (b'{"link": "http://a/1"}\n5\n', "No item of the manifest is a URL or has one"),
    ],
)
def test_errors_in_lines_are_reported_together(data: bytes, sentence: str) -> None:
    with pytest.raises(InvalidManifest, match=sentence):
        json_validation.validate_lines([data])


def test_a_manifest_that_cannot_be_read_is_not_rejected_for_the_errors_before() -> None:
    def chunks() -> Iterator[bytes]:
        yield b'"http://a/1"\nno JSON\n'
        raise StorageFault("S3 GetObject failed")

    with pytest.raises(StorageFault):
        json_validation.validate_lines(chunks())


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b'["a", "' + b"x" * 190_000 + b'"]', "Item 2 of the manifest is larger than 180 KB, the limit of a row"),
        (b'[{"link": "http://a/1"}]', "No item of the manifest is a URL or has one"),
        (b"[1]", "No item of the manifest is a URL or has one"),
        (b'["a",', "Item 2 of the manifest is not valid JSON"),
    ],
)
def test_an_error_in_an_array_is_reported_with_its_item(data: bytes, sentence: str) -> None:
    with pytest.raises(InvalidManifest, match=sentence):
        json_validation.validate_array([data])


@pytest.mark.parametrize("data", [b'["a", "b', b'["a", ', b'["a"', b'["a", {"url": "b"', b'["a", "b\\'])
def test_the_end_of_truncated_data_is_not_an_error(data: bytes) -> None:
    assert json_validation.validate_array([data], lambda: True).rows == 1
    assert json_validation.validate_lines([b'"a"\n"b'], lambda: True).rows == 1


def test_an_item_that_is_not_json_is_an_error_in_truncated_data_too() -> None:
    with pytest.raises(InvalidManifest):
        json_validation.validate_array([b'["a"; "b"'], lambda: True)


def test_items_are_written_one_a_line_and_in_their_own_letters() -> None:
    items = ["http://a/\u00e9", {"url": "http://a/2"}]

    assert "".join(known_format("jsonl").write(items)) == '"http://a/\u00e9"\n{"url": "http://a/2"}\n'
    assert "".join(known_format("json").write(items)) == '[\n"http://a/\u00e9",\n{"url": "http://a/2"}\n]\n'
