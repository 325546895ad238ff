"""The list of the option `known_bad`."""

import hashlib
import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.model.errors import InvalidManifest
from functions.core.model.runs import KNOWN_BAD_FILE
from functions.core.prepare import known_bad
from functions.core.prepare.known_bad import copy_list, key_of_list, read_digests
from tests.support.fakes import FakeManifests, FakeRunFiles

A, B = (hashlib.sha256(text).hexdigest() for text in (b"a", b"b"))


def digests(content: str | bytes, chunk_bytes: int = 7) -> frozenset[str]:
    data = content if isinstance(content, bytes) else content.encode()
    chunks: Iterator[bytes] = (data[start : start + chunk_bytes] for start in range(0, len(data), chunk_bytes))
    return read_digests(chunks, "The list")


@pytest.mark.parametrize(
    "content",
    [
        f"{A}\n{B}\n",
        f"{A}\r\n{B}",
        f"\ufeff{A.upper()}\n\n  \n# comment\n#{'x' * 500}\n{B}\n{B}\n",
        f"{A}  cat.png\n{B} *dog, brown.png\n",
        f"sha256\n{A}\n{B}\n",
        f'host,sha256,rows\na.example,{A},12\n"b,c",{B},3\n',
        f"# made by hand\n\nHost;SHA256\na;{A}\n# b\nb; {B} \n",
        f"sha256\thost\n{A}\ta\n{B}\tb\n",
        f'"host"|"sha256"\n"a"|"{A}"\n"b"|"{B}"\n',
    ],
)
def test_a_list_is_lines_of_digests_or_a_table_with_a_column_of_them(content: str) -> None:
    assert digests(content) == {A, B}
    assert digests(content, chunk_bytes=10_000) == {A, B}


@pytest.mark.parametrize("content", ["", "\n\n", "# none yet\n", "sha256\n", "\ufeff"])
def test_a_list_may_be_empty(content: str) -> None:
    assert digests(content) == frozenset()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (f"{A}\n{B[:63]}\n", f"The list, line 2: '{B[:63]}' is not a SHA-256 digest of 64 hexadecimal digits. Correct"),
        (f"{A}0\n", "The list, line 1: "),
        (f"# x\n\n{A}\nplaceholder.png\n", "The list, line 4: 'placeholder.png' is not a SHA-256 digest"),
        (f"md5,name\n{'0' * 32},a\n", "The list, line 1: 'md5,name' is not a SHA-256 digest"),
        (f"host,sha256\na,{A}\nb\n", "The list, line 3: '' is not a SHA-256 digest"),
        (f"sha256:{A}\n", "The list, line 1: "),
        (f"{A[:-1]}\u0661\n", "The list, line 1: "),
        (b"\xff\xd8\xff\xe0" * 20, "The list is not text in UTF-8 with a SHA-256 digest in each line: "),
        (A.encode("utf-16"), "The list is not text in UTF-8 with a SHA-256 digest in each line: "),
        (f'sha256,a\n{A},"b\rc\n', "The list"),
        ("x" * 200, "The list, line 1: '" + "x" * 80 + "' is not"),
    ],
)
def test_a_list_that_has_something_else_is_rejected(content: str | bytes, problem: str) -> None:
    with pytest.raises(InvalidManifest) as raised:
        digests(content)

    assert str(raised.value).startswith(problem)


@given(st.one_of(st.binary(), st.text(st.sampled_from(f"{A[:3]}sha256,;\t|\"'\n\r# "))))
def test_any_content_is_read_or_rejected(content: str | bytes) -> None:
    try:
        found = digests(content)
    except InvalidManifest:
        return
    assert all(len(each) == 64 for each in found)


def test_a_list_that_is_too_long_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_bad, "MAX_DIGESTS", 1)

    assert digests(f"{A}\n{A}\n") == {A}
    with pytest.raises(InvalidManifest, match=r"^The list has more than 1 digests. Shorten the list.$"):
        digests(f"{A}\n{B}\n")


def test_a_list_that_is_too_large_is_rejected_before_it_is_read_whole() -> None:
    chunks = iter([b"#" * 1024**2] * 100)

    with pytest.raises(InvalidManifest, match=r"^The list is larger than 64 MB. Shorten the list.$"):
        read_digests(chunks, "The list")
    assert len(list(chunks)) >= 35


@pytest.mark.parametrize(
    ("option", "key"),
    [
        ("lists/a.txt", "lists/a.txt"),
        (" s3://input/lists/b/c.csv ", "lists/b/c.csv"),
        ("s3://input/runs/demo-1/suspects.csv", "runs/demo-1/suspects.csv"),
        ("runs/demo-1/suspects.csv", "runs/demo-1/suspects.csv"),
    ],
)
def test_a_list_is_an_object_of_the_input_bucket(option: str, key: str) -> None:
    assert key_of_list(option, "input") == key


@pytest.mark.parametrize(
    "option",
    [
        "a.txt",
        "s3://other/lists/a.txt",
        "s3://input",
        "runs/a/b/suspects.csv",
        "runs/a/summary.json",
        "/lists/a",
        "https://a.example/lists/a",
    ],
)
def test_another_place_is_rejected(option: str) -> None:
    with pytest.raises(InvalidManifest, match=r"must be an object of the input bucket: s3://input/lists/NAME, or the"):
        key_of_list(option, "input")


def test_the_batches_have_the_digests_in_a_file_of_the_run() -> None:
    manifests, files = FakeManifests(), FakeRunFiles()
    manifests.add("lists/a.txt", f"{B}\n{A.upper()}\n{A}\n".encode())

    copy_list("lists/a.txt", "input", manifests, files)

    assert files.files[KNOWN_BAD_FILE] == [{"sha256": sorted([A, B])}]
    assert json.dumps(files.files)


def test_a_list_that_does_not_exist_is_rejected() -> None:
    with pytest.raises(
        InvalidManifest, match=r"^The list of known_bad, s3://input/lists/a.txt, does not exist. Upload"
    ):
        copy_list("lists/a.txt", "input", FakeManifests(), FakeRunFiles())
