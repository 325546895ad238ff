"""The items of an object in S3."""

import gzip
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.states.base.errors import StatesError
from local.states.items import json_items, readers
from local.states.language.paths import Sources
from local.states.language.resources import INPUT_TYPES
from tests.unit.local.states.harness import Bucket
from tests.unit.local.states.run.test_distributed_map import reader


def read(content: bytes, key: str, input_type: str, data: Any = None, **config: Any) -> list[Any]:
    bucket = Bucket()
    bucket.objects[key] = content
    return list(readers.read_items(reader(key, input_type, **config), bucket, Sources(data, {})))


ITEMS = [
    ("list.csv", "CSV", b"a\n1\n", [{"a": "1"}]),
    ("bom.csv", "CSV", b"\xef\xbb\xbfa\n1\n", [{"a": "1"}]),
    ("list.csv.gz", "CSV", gzip.compress(b"a\n1\n", mtime=0), [{"a": "1"}]),
    ("list.json", "JSON", b'[1, {"a": [2]}, "]"]', [1, {"a": [2]}, "]"]),
    ("bom.json", "JSON", b"\xef\xbb\xbf[1]", [1]),
    ("empty.json", "JSON", b" [ ] \n", []),
    ("list.JSON.GZ", "JSON", gzip.compress(b"[1]", mtime=0), [1]),
    ("list.jsonl", "JSONL", b'1\n\n{"a": 2}\r\n"x"', [1, {"a": 2}, "x"]),
    ("empty.jsonl", "JSONL", b"", []),
]


@pytest.mark.parametrize(("key", "kind", "content", "items"), ITEMS, ids=[row[0] for row in ITEMS])
def test_the_object_holds_these_items(key: str, kind: str, content: bytes, items: list[Any]) -> None:
    assert read(content, key, kind) == items


ERRORS = [
    ("object.json", "JSON", b'{"a": 1}', "not an array"),
    ("cut.json", "JSON", b"[1, 2", "comma or the end"),
    ("open.json", "JSON", b'["a', "Unterminated"),
    ("more.json", "JSON", b"[1] 2", "text after the array"),
    ("comma.json", "JSON", b"[1,]", "Expecting value"),
    ("nan.json", "JSON", b"[NaN]", "NaN is not JSON"),
    ("nothing.json", "JSON", b"", "not an array"),
    ("deep.jsonl", "JSONL", b"[" * 100_000, "line 1 is not JSON"),
    ("digits.jsonl", "JSONL", b"1\n" + b"1" * 5_000, "line 2 is not JSON"),
    ("latin.csv", "CSV", b"a\n\xe4\n", "utf-8"),
    ("plain.csv.gz", "CSV", b"a\n1\n", "gzip"),
    ("list.csv.zst", "CSV", b"", "ZSTD is not implemented"),
    ("list.parquet", "PARQUET", b"no", "arquet"),
]


@pytest.mark.parametrize(("key", "kind", "content", "words"), ERRORS, ids=[row[0] for row in ERRORS])
def test_an_error_is_an_item_reader_failure_and_names_the_object(
    key: str, kind: str, content: bytes, words: str
) -> None:
    with pytest.raises(StatesError, match=rf"^States\.ItemReaderFailed: s3://in/{key}: .*{words}"):
        read(content, key, kind)


def test_a_parquet_file_gives_its_rows() -> None:
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    file = io.BytesIO()
    parquet.write_table(pa.table({"url": ["x", "y"], "n": [1, 2]}), file)
    assert read(file.getvalue(), "list.parquet", "PARQUET") == [{"url": "x", "n": 1}, {"url": "y", "n": 2}]


@pytest.mark.parametrize("config", [{"MaxItems": 2}, {"MaxItemsPath": "$.n"}])
def test_max_items_ends_the_reading(config: dict[str, Any]) -> None:
    assert read(b"1\n2\n3\nnot JSON", "list.jsonl", "JSONL", {"n": 2}, **config) == [1, 2]


def test_there_is_a_reader_for_every_input_type() -> None:
    assert tuple(readers.READERS) == INPUT_TYPES


def test_max_items_0_is_no_limit() -> None:
    assert read(b"1\n2\n", "list.jsonl", "JSONL", MaxItems=0) == [1, 2]


def test_bucket_and_key_come_from_the_input() -> None:
    bucket = Bucket()
    bucket.objects["k"] = b"[1]"
    item_reader = {**reader("", "JSON"), "Parameters": {"Bucket.$": "$.b", "Key.$": "$.k"}}
    assert list(readers.read_items(item_reader, bucket, Sources({"b": "in", "k": "k"}, {}))) == [1]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


class SlowStream(io.StringIO):
    """Returns at most three characters at a time."""

    def read(self, size: int | None = -1) -> str:
        return super().read(3)


@given(st.lists(values, max_size=10), st.sampled_from([None, 1]))
def test_an_array_read_piece_by_piece_is_the_array(array: list[Any], indent: int | None) -> None:
    assert list(json_items.array_items(SlowStream(json.dumps(array, indent=indent)))) == array
