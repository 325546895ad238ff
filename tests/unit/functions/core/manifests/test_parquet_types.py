"""The check of Parquet files of every type: it reads the footer only, and names what a run could not read."""

import base64
import contextlib
import io
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from pyarrow.parquet import encryption

from functions.core.manifests.contents import MAX_NESTING
from functions.core.manifests.parquet import footer
from functions.core.manifests.validation import ValidatedManifest, validate_manifest
from functions.core.model.errors import InvalidManifest
from functions.core.model.runs import ManifestObject
from tests.support.arrow import columns, file_of
from tests.support.fakes import FakeManifests

COLUMNS = columns()
URLS = ["http://a.example/1", "http://a.example/2"]
TEXTS = {"string", "large_string", "string_view", "text not in UTF-8", "dictionary"}
NUMBERS = {"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool8"}
SIZES = (
    TEXTS | NUMBERS | {"float", "double", "null", *(name for name in COLUMNS if "decimal" in name or "durat" in name)}
)
OPTIONS = [{}, {"store_schema": False}, {"use_deprecated_int96_timestamps": True}]


def check(data: bytes) -> ValidatedManifest:
    manifests = FakeManifests(chunk_bytes=1000)
    manifests.add("manifests/a.parquet", data)
    return validate_manifest(manifests, ManifestObject("input", "manifests/a.parquet", "e1", len(data)))


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_of_the_user_may_be_of_any_type(name: str) -> None:
    for options in OPTIONS:
        found = check(file_of({"own": COLUMNS[name][0], "url": URLS}, **options))

        assert (found.contents.rows, found.contents.columns) == (2, ("own",)), options


@pytest.mark.parametrize("name", COLUMNS)
def test_the_column_of_the_urls_has_to_be_of_strings(name: str) -> None:
    data = file_of({"url": COLUMNS[name][0]})
    if name in TEXTS:
        assert check(data).contents.rows == 2
        return

    with pytest.raises(InvalidManifest) as caught:
        check(data)

    kind = str(caught.value).partition("not of type STRING (UTF8), but ")[2].partition(". Write the URLs as a")[0]
    element = parquet.ParquetFile(io.BytesIO(data)).schema.column(0)
    assert kind.startswith("group") if element.path != "url" else kind.startswith(element.physical_type)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("timestamp us UTC", r"INT64 \(TIMESTAMP\)"),
        ("date32", r"INT32 \(DATE\)"),
        ("time ns", r"INT64 \(TIME\)"),
        ("decimal128", r"FIXED_LEN_BYTE_ARRAY \(DECIMAL\)"),
        ("uint64", r"INT64 \(INTEGER\)"),
        ("half", r"FIXED_LEN_BYTE_ARRAY \(FLOAT16\)"),
        ("binary", "BYTE_ARRAY"),
        ("json", r"BYTE_ARRAY \(JSON\)"),
        ("uuid", r"FIXED_LEN_BYTE_ARRAY \(UUID\)"),
        ("null", r"INT32 \(UNKNOWN\)"),
        ("struct", "group"),
        ("map", r"group \(MAP\)"),
        ("list", r"group \(LIST\)"),
    ],
)
def test_the_type_is_named(name: str, kind: str) -> None:
    column = next(column for column_name, (column, _) in COLUMNS.items() if column_name.startswith(name))

    with pytest.raises(InvalidManifest, match=f"The column url of the Parquet file is not of type .*, but {kind}"):
        check(file_of({"url": column}))


@pytest.mark.parametrize("reserved", ["key", "sha256", "md5", "size", "headers"])
def test_the_other_columns_that_a_run_reads_are_checked_too(reserved: str) -> None:
    structs = {name for name in COLUMNS if name.startswith(("struct", "repeated names"))}
    allowed = {"size": SIZES, "headers": structs}.get(reserved, TEXTS) | {"null"}
    message = f"The column {reserved} of the Parquet file is of type .*, or give it another name"
    for name, (column, _) in COLUMNS.items():
        data = file_of({"url": URLS, reserved: column})
        with contextlib.nullcontext() if name in allowed else pytest.raises(InvalidManifest, match=message):
            assert check(data).contents.rows == 2, name


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "zstd", "lz4", "brotli"])
def test_a_codec_is_read_by_step_functions_or_named(codec: str) -> None:
    data = file_of({"url": URLS * 100, "own": [1] * 200}, compression=codec, row_group_size=50)
    if codec in ("lz4", "brotli"):
        with pytest.raises(
            InvalidManifest, match=rf"compressed with {codec.upper()}.*, which Step .* Write it with Snappy"
        ):
            check(data)
    else:
        assert check(data).contents.rows == 200


class Kms(encryption.KmsClient):  # type: ignore[misc]
    """Keys that are not protected."""

    def wrap_key(self, key: bytes, _: str) -> bytes:
        return base64.b64encode(key)

    def unwrap_key(self, wrapped: bytes, _: str) -> bytes:
        return base64.b64decode(wrapped)


@pytest.mark.parametrize("plaintext_footer", [True, False])
def test_an_encrypted_file_is_rejected(plaintext_footer: bool) -> None:
    configuration = encryption.EncryptionConfiguration(
        footer_key="k", column_keys={"c": ["url"]}, plaintext_footer=plaintext_footer
    )
    properties = encryption.CryptoFactory(lambda _: Kms()).file_encryption_properties(
        encryption.KmsConnectionConfig(), configuration
    )

    with pytest.raises(InvalidManifest, match=r"encrypted.* Write it without encryption"):
        check(file_of({"url": URLS, "own": [1, 2]}, encryption_properties=properties))


DATA = file_of({"url": URLS * 50, "own": [1.5] * 100}, row_group_size=30)


def test_a_truncated_file_is_rejected() -> None:
    for length in (*range(4, 40), *range(40, len(DATA) - 1, 37), len(DATA) - 1):
        with pytest.raises(InvalidManifest, match=r"is not a Parquet file, or it is truncated\. Write it again"):
            check(DATA[:length])


@pytest.mark.parametrize("options", [{}, {"row_group_size": 1}])
def test_a_file_without_rows_is_empty(options: dict[str, Any]) -> None:
    assert check(file_of({"url": pa.array([], pa.string())}, **options)).contents.rows == 0
    assert check(without_row_groups()).contents.rows == 0


def without_row_groups() -> bytes:
    file = io.BytesIO()
    parquet.ParquetWriter(file, pa.schema([("url", pa.string())])).close()
    return file.getvalue()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["url", "a", "a"], "Two columns of the manifest are named 'a'. Give each column its own name"),
        (
            ["Image URL", "image_url"],
            "Both 'Image URL' and 'image_url' could be the URL column. Name one of them 'url'",
        ),
        (["url", "url"], "Two columns of the manifest are named 'url'"),
        (["link", "x" * 300], "no url column: its columns are link, x{100}. Name the column"),
    ],
)
def test_names_that_are_not_clear_are_rejected(names: list[str], message: str) -> None:
    with pytest.raises(InvalidManifest, match=message):
        check(file_of((name, URLS) for name in names))


def nested(levels: int) -> Any:
    """A column with this many levels in the schema: its own, and those of structs."""
    type_ = pa.string()
    for _ in range(levels - 1):
        type_ = pa.struct([("a", type_)])
    return pa.nulls(2, type_)


def test_a_column_is_nested_a_hundred_levels_deep_and_no_deeper() -> None:
    assert check(file_of({"url": URLS, "own": nested(MAX_NESTING)})).contents.rows == 2

    with pytest.raises(
        InvalidManifest, match=r"The column own .* is nested 101 levels deep; 100 are supported\. Remove"
    ):
        check(file_of({"url": URLS, "own": nested(MAX_NESTING + 1)}))


def test_a_footer_and_row_groups_have_the_limits_of_step_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    length = int.from_bytes(DATA[-8:-4], "little")
    monkeypatch.setattr(footer, "MAX_FOOTER_BYTES", length - 1)
    with pytest.raises(InvalidManifest, match=rf"The footer .* has {length:,} bytes, of which Step Functions reads"):
        check(DATA)
    monkeypatch.setattr(footer, "MAX_FOOTER_BYTES", length)
    sizes = [
        sum(group.column(n).total_compressed_size for n in range(2))
        for group in map(parquet.read_metadata(io.BytesIO(DATA)).row_group, range(4))
    ]
    monkeypatch.setattr(footer, "MAX_ROW_GROUP_BYTES", max(sizes))
    assert check(DATA).contents.rows == 100
    monkeypatch.setattr(footer, "MAX_ROW_GROUP_BYTES", max(sizes) - 1)
    with pytest.raises(InvalidManifest, match=rf"A row group .* has {max(sizes):,} bytes.* Write it with smaller"):
        check(DATA)


def test_row_groups_that_do_not_fit_into_the_beginning_of_a_footer_are_not_checked() -> None:
    content = DATA[-8 - int.from_bytes(DATA[-8:-4], "little") : -8]

    assert footer.read_footer(content[:200], truncated=True).rows == 100
    with pytest.raises(InvalidManifest, match="corrupt"):
        footer.read_footer(content[:200])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(DATA) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_any_change_of_a_file_is_a_run_or_rejected(changes: list[tuple[int, int]]) -> None:
    data = bytearray(DATA)
    for at, byte in changes:
        data[at] = byte
    with contextlib.suppress(InvalidManifest):
        check(bytes(data))
