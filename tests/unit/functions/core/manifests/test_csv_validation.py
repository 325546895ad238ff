"""Validation of CSV at its limits."""

import pytest

from functions.core.manifests.contents import inspect_items, is_too_large
from functions.core.manifests.csv_rows import URL_LINES, Dialect
from functions.core.manifests.csv_validation import validate_csv, validate_header
from functions.core.model.errors import InvalidManifest

FIX = "End lines with LF or CRLF."


def message_of(data: bytes) -> str:
    with pytest.raises(InvalidManifest) as raised:
        validate_csv([data], Dialect(","))
    return str(raised.value)


@pytest.mark.parametrize("line", [b"http://a/1\rx\n", b"http://a/1\r\r\n", b"http://a/1\rx", b"\rhttp://a/1\r\n"])
def test_a_carriage_return_within_a_line_is_one_error(line: bytes) -> None:
    assert message_of(b"url\n" + line) == f"Line 2 of the manifest has a carriage return in it. {FIX}"


def test_the_length_of_a_record_does_not_count_for_the_next_one() -> None:
    line = b'"http://a/1"x' + b"," * 600_000 + b"\n"

    assert message_of(b"url\n" + 2 * line).startswith("Lines 2, 3 of the manifest have a quotation mark")


@pytest.mark.parametrize("values", [("", "x"), ("", "", "x"), ("x", "")])
def test_a_column_without_a_name_of_its_own_counts_if_any_item_has_a_value(values: tuple[str, ...]) -> None:
    assert inspect_items({"url": "u", "column_2": value} for value in values).columns == ("column_2",)


def test_the_columns_of_an_item_are_its_own_in_any_order() -> None:
    sizes = [{"url": "u", "size": "x", " size": 200}, {"url": "u", " size": 200, "size": "x"}]

    assert inspect_items(sizes).rules.own_columns == inspect_items(sizes[:1]).rules.own_columns == ()
    assert inspect_items([sizes[0], sizes[1], sizes[1]]).rules.own_columns == ("size",)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_a_line_may_end_in_either_way(end: bytes) -> None:
    assert validate_csv([b"url,id\r\nhttp://a/1,7" + end], Dialect(",")).rows == 1


@pytest.mark.parametrize("spaces", [b"", b" ", b"   ", b" \r"])
def test_spaces_may_follow_the_last_quotation_mark(spaces: bytes) -> None:
    assert validate_csv([b'url,id\n"http://a/1","7"' + spaces + b"\n"], Dialect(",")).rows == 1


def test_a_header_may_have_ten_kibibytes() -> None:
    """With the comma: 3 + 1 + 10,236 bytes."""
    validate_header(["url", "x" * 10_236])
    validate_header(["url", "\u00e9" * 5_118])

    for longer in ("x" * 10_237, "\u00e9" * 5_119):
        with pytest.raises(InvalidManifest, match="longer than 10 KB"):
            validate_header(["url", longer])


def test_a_manifest_has_two_hundred_columns_of_the_user() -> None:
    names = ",".join(f"c{number}" for number in range(201))
    contents = validate_csv([f"url,{names}\n".encode()], Dialect(","))

    assert (len(contents.columns), contents.columns[-1]) == (200, "c199")
    items = [
        {"url": "a", **{f"c{number}": 1 for number in range(150)}},
        {"url": "a", **{f"d{n}": 1 for n in range(51)}},
    ]
    assert inspect_items(items).columns[-1] == "d49"


@pytest.mark.parametrize(("length", "too_large"), [(184_318, False), (184_319, True)])
def test_an_item_may_have_180_kibibytes_with_its_quotation_marks(length: int, too_large: bool) -> None:
    assert is_too_large("x" * length) is too_large
    assert is_too_large("\u00e9" * (length // 2)) is False


@pytest.mark.parametrize(("length", "rows"), [(184_309, 1), (184_310, None)])
def test_a_row_may_have_180_kibibytes_as_json(length: int, rows: int | None) -> None:
    """`{"url": "` and `"}` are 11 bytes."""
    data = b"url\n" + b"x" * length + b"\n"

    if rows:
        assert validate_csv([data], Dialect(",")).rows == rows
    else:
        assert message_of(data).startswith("Line 2 of the manifest is larger than 180 KB")


def test_a_list_of_urls_has_no_columns_and_no_note() -> None:
    contents = validate_csv([b"http://a/1\nhttp://a/2,3\n"], URL_LINES)

    assert (contents.rows, contents.columns, contents.note) == (2, (), "")


def test_an_item_of_a_json_manifest_is_a_url_or_has_one() -> None:
    assert inspect_items([]).rows == 0
    assert inspect_items([5, "http://a/1", {"id": 7}]).rows == 3
    assert inspect_items([{"id": 7}, {"id": 7, "url": "a"}]).columns == ("id",)
    with pytest.raises(InvalidManifest, match="No item of the manifest is a URL or has one"):
        inspect_items([{"id": 7}, None])
