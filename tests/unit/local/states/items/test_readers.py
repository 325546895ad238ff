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
from local.states.language.resources import INPUT_TYPES, S3_LIST
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


FAILURES = [
    ("an object is not an array", b'{"a": 1}', {"InputType": "JSON"}, "Attempting to map over non-iterable node."),
    ("a number is not an array", b"-1", {"InputType": "JSON"}, "Attempting to map over non-iterable node."),
    (
        "two headers with the same name",
        b"1,2\n",
        {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["a", "a"]},
        "CSV headers cannot contain duplicates.",
    ),
    ("a negative MaxItems", b"[]", {"InputType": "JSON", "MaxItemsPath": "$.n"}, "field MaxItems must be positive"),
]


@pytest.mark.parametrize(("content", "config", "cause"), [f[1:] for f in FAILURES], ids=[f[0] for f in FAILURES])
def test_the_reader_fails_with_the_cause_of_the_service(content: bytes, config: dict[str, Any], cause: str) -> None:
    bucket = Bucket()
    bucket.objects["k"] = content
    item_reader = {**reader("k"), "ReaderConfig": config}
    with pytest.raises(StatesError) as caught:
        list(readers.read_items(item_reader, bucket, Sources({"n": -1}, {})))
    assert caught.value.output() == {"Error": "States.ItemReaderFailed", "Cause": cause}


def listed(bucket: Bucket, prefix: str | None, **config: Any) -> list[Any]:
    parameters = {"Bucket": "in", **({} if prefix is None else {"Prefix": prefix})}
    item_reader = {"Resource": S3_LIST, "Parameters": parameters, "ReaderConfig": config}
    return list(readers.read_items(item_reader, bucket, Sources({}, {})))


def test_a_list_of_objects_gives_an_entry_for_each_in_the_order_of_the_keys() -> None:
    bucket = Bucket()
    bucket.objects.update({"a/2": b"xyz", "a/1": b"x", "b": b""})
    assert listed(bucket, "a/") == [
        {"Etag": '"1"', "Key": "a/1", "LastModified": 1_769_860_800, "Size": 1, "StorageClass": "STANDARD"},
        {"Etag": '"3"', "Key": "a/2", "LastModified": 1_769_860_800, "Size": 3, "StorageClass": "STANDARD"},
    ]
    assert [entry["Key"] for entry in listed(bucket, None, Transformation="NONE")] == ["a/1", "a/2", "b"]


def test_a_list_is_read_to_its_last_page() -> None:
    bucket = Bucket()
    bucket.objects.update({f"{number:04}": b"" for number in range(5)})
    assert [entry["Key"] for entry in listed(bucket, "", MaxItems=4)] == ["0000", "0001", "0002", "0003"]
    assert len(listed(bucket, "")) == 5


def test_load_and_flatten_gives_the_items_of_all_objects() -> None:
    bucket = Bucket()
    bucket.objects.update({"a/1": b"1\n2\n", "a/2": b"3\n", "a/3.gz": gzip.compress(b"4\n", mtime=0), "b": b"5\n"})
    assert listed(bucket, "a/", Transformation="LOAD_AND_FLATTEN", InputType="JSONL") == [1, 2, 3, 4]
    assert listed(bucket, "a/", Transformation="LOAD_AND_FLATTEN", InputType="JSONL", MaxItems=3) == [1, 2, 3]


def test_load_and_flatten_names_the_object_that_it_cannot_read() -> None:
    bucket = Bucket()
    bucket.objects.update({"a": b"[1]", "b": b"[1"})
    with pytest.raises(StatesError, match=r"^States\.ItemReaderFailed: s3://in/b: "):
        listed(bucket, "", Transformation="LOAD_AND_FLATTEN", InputType="JSON")


def test_a_version_of_an_object_is_read() -> None:
    bucket = Bucket()
    bucket.objects.update({"k": b"[2]", "k?versionId=v1": b"[1]"})
    item_reader = reader("k", "JSON")
    parameters = {**item_reader["Parameters"], "VersionId.$": "$.v"}
    assert list(readers.read_items({**item_reader, "Parameters": parameters}, bucket, Sources({"v": "v1"}, {}))) == [1]


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
