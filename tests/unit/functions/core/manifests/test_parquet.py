"""The footer of a Parquet file, written byte by byte in the compact protocol of Thrift."""

import pytest

from functions.core.manifests.parquet import footer as parquet
from functions.core.model.errors import InvalidManifest
from functions.core.model.rows import RowRules

# Headers of fields: the high half of the byte is the difference to the ID of the last field, the low half is the type.
# Types: 1 true, 2 false, 3 byte, 4 i16, 5 i32, 6 i64, 7 double, 8 binary, 9 list, 10 set, 11 map, 12 struct.
# Integers are zigzag: 2n for n, 2n-1 for -n.
BYTE_ARRAY = b"\x15\x0c"  # field 1, type: 6
INT32 = b"\x15\x02"
INT96 = b"\x15\x06"
OPTIONAL = b"\x25\x02"  # field 3, repetition: 1
UTF8 = b"\x25\x00"  # field 6, converted type: 0
ENUM = b"\x25\x08"
STRING = b"\x6c\x1c\x00\x00"  # field 10, logical type: a union whose field 1 is an empty struct
JSON = b"\x6c\xcc\x00\x00"


def named(name: bytes, header: bytes = b"\x18") -> bytes:
    """Field 4. Its header follows on field 3."""
    return header + bytes([len(name)]) + name


def column(name: bytes = b"url", before: bytes = BYTE_ARRAY + OPTIONAL, after: bytes = UTF8) -> bytes:
    return before + named(name) + after + b"\x00"


def group(name: bytes, children: int) -> bytes:
    return b"\x35\x02" + named(name) + b"\x15" + bytes([2 * children]) + b"\x00"


def footer(*columns: bytes, children: int | None = None, rows: bytes = b"\x06") -> bytes:
    """Version 1, the schema, the number of rows, a row group that has them, and the start of another field, which is
    not read."""
    count = len(columns) if children is None else children
    root = named(b"schema", b"\x48") + b"\x15" + bytes([2 * count]) + b"\x00"
    size = len(columns) + 1
    head = bytes([size << 4 | 12]) if size < 15 else bytes([0xFC, size])
    row_group = b"\x19\x1c" + b"\x19\x0c" + b"\x26" + rows + b"\x00"  # without columns
    return b"\x15\x02" + b"\x19" + head + root + b"".join(columns) + b"\x16" + rows + row_group + b"\x19"


@pytest.mark.parametrize(
    "url",
    [
        column(),
        column(after=STRING),
        column(after=UTF8 + b"\x4c\x1c\x00\x00"),  # both
        b"\x05\x02\x0c" + b"\x05\x06\x02" + b"\x08\x08\x03url" + b"\x05\x0c\x00" + b"\x00",  # IDs in full: 1, 3, 4, 6
    ],
)
def test_a_text_column_is_known_by_its_converted_or_its_logical_type(url: bytes) -> None:
    contents = parquet.read_footer(footer(url, column(b"id", before=INT32 + OPTIONAL, after=b"")))

    assert (contents.rows, contents.columns) == (3, ("id",))


@pytest.mark.parametrize(
    "url",
    [
        column(after=b""),
        column(after=ENUM),
        column(after=JSON),
        column(before=INT32 + OPTIONAL),
        column(before=INT96 + OPTIONAL, after=STRING),
        column(before=b"\x35\x02"),
        column(before=BYTE_ARRAY + b"\x25\x04"),  # repeated
    ],
)
def test_a_column_of_another_type_is_not_text(url: bytes) -> None:
    with pytest.raises(InvalidManifest, match="The column url of the Parquet file is not of type STRING"):
        parquet.read_footer(footer(url))


@pytest.mark.parametrize(
    "unknown",
    [
        b"\x31\x12",  # true, false
        b"\x33\x80",  # a byte
        b"\x34\x80\x01",  # an i16 of two bytes
        b"\x36\xff\xff\xff\xff\x0f",  # an i64 of five bytes
        b"\x37" + b"\x19" * 8,  # a double
        b"\x38\x02ab",
        b"\x38\x81\x01" + b"\x00" * 129,  # a text whose length takes two bytes
        b"\x39\x33\x01\x02\x03",  # a list of three bytes
        b"\x39\x31\x01\x02\x01",  # a list of three truth values, a byte each
        b"\x39\x32\x01\x02\x01",
        b"\x39\xf3\x0f" + b"\x01" * 15,  # a list whose length does not fit into its first byte
        b"\x3a\x18\x02ab",  # a set of one text
        b"\x3b\x00",  # an empty map
        b"\x3b\x02\x85\x01a\x02\x01b\x04",  # a map of two texts to an i32 each
        b"\x3c\x15\x02\x00",  # a struct of one field
    ],
)
def test_a_field_that_is_not_needed_is_skipped(unknown: bytes) -> None:
    """Field 7 and the next, whose header follows on field 4."""
    contents = parquet.read_footer(footer(column(b"a", after=unknown), column()))

    assert (contents.rows, contents.columns) == (3, ("a",))


def test_columns_within_a_group_are_not_columns_of_the_manifest() -> None:
    inner = (group(b"box", 2), column(b"url"), group(b"deep", 1), column(b"d"))

    contents = parquet.read_footer(footer(*inner, column(b"URL"), column(b"last"), children=3))

    assert contents.columns == ("box", "last")


@pytest.mark.parametrize(
    ("written", "rows"), [(b"\x00", 0), (b"\x02", 1), (b"\x7e", 63), (b"\x80\x01", 64), (b"\x80\x89\x7a", 1_000_000)]
)
def test_the_number_of_rows_takes_as_many_bytes_as_it_needs(written: bytes, rows: int) -> None:
    assert parquet.read_footer(footer(column(), rows=written)).rows == rows


@pytest.mark.parametrize("others", [12, 13, 14, 60])
def test_a_schema_of_15_elements_or_more_has_its_length_in_bytes_of_its_own(others: int) -> None:
    """The root and the column of the URLs are two more."""
    columns = [column(b"c%d" % number) for number in range(others)]

    contents = parquet.read_footer(footer(column(), *columns))

    assert contents.columns == tuple(f"c{number}" for number in range(others))


@pytest.mark.parametrize("length", [1, 255, 256, parquet.MAX_FOOTER_BYTES])
def test_the_tail_has_the_length_of_the_footer(length: int) -> None:
    assert parquet.footer_length(length.to_bytes(4, "little") + b"PAR1", length + 12) == length


@pytest.mark.parametrize(
    "tail",
    [
        bytes(4) + b"PAR1",
        (9).to_bytes(4, "little") + b"PAR1",  # longer than the file without its two marks
        b"\x01\x00\x00\x00PAR2",
        b"\x01\x00\x00PAR1",
        b"\x01\x00\x00\x00\x00PAR1",
        b"",
    ],
)
def test_a_tail_with_another_length_or_mark_is_not_that_of_a_parquet_file(tail: bytes) -> None:
    with pytest.raises(InvalidManifest, match="it is not a Parquet file, or it is truncated"):
        parquet.footer_length(tail, 20)


@pytest.mark.parametrize(
    ("written", "sentence"), [(b"\x01", "has -1 rows"), (b"\x82\x84\xaf\x5f", "has 100000001 rows")]
)
def test_a_number_of_rows_that_is_not_possible_is_rejected(written: bytes, sentence: str) -> None:
    with pytest.raises(InvalidManifest, match=sentence):
        parquet.read_footer(footer(column(), rows=written))


@pytest.mark.parametrize(
    ("names", "rules", "url_column"),
    [
        (["id", "image_link"], RowRules(), "image_link"),
        (["url", "image_link"], RowRules(), ""),
        (["url", "Photo Link"], RowRules(url_column="photo_link"), "Photo Link"),
    ],
)
def test_the_url_column_has_a_known_name_or_is_named(names: list[str], rules: RowRules, url_column: str) -> None:
    contents = parquet.read_footer(footer(*(column(name.encode()) for name in names)), rules=rules)

    assert contents.rules.url_column == url_column
    assert contents.columns == tuple(name for name in names if name not in (url_column or "url"))


@pytest.mark.parametrize(
    ("names", "rules", "sentence"),
    [
        (
            ["id", "image"],
            RowRules(),
            r"no url column: its columns are id, image. .* its name with the option url_column",
        ),
        (
            ["img_src", "img_url"],
            RowRules(),
            r"img_src, img_url could all be the URL column. Give the option url_column=",
        ),
        (
            ["url"],
            RowRules(url_column="link"),
            r"no column 'link', which the option url_column names: its columns are url",
        ),
    ],
)
def test_a_url_column_that_is_not_found_is_an_error_with_the_columns(
    names: list[str], rules: RowRules, sentence: str
) -> None:
    with pytest.raises(InvalidManifest, match=sentence):
        parquet.read_footer(footer(*(column(name.encode()) for name in names)), rules=rules)
