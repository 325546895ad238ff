"""Reports that are written from text and from other files of the run."""

import random
from typing import Any

import pytest
from botocore.stub import Stubber
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.adapters.s3 import joined_file
from functions.adapters.s3.run_files import S3RunFiles
from functions.core.model.errors import StorageFault
from functions.core.model.ports import StoredPiece

MEGABYTE = 1024 * 1024
s3_stub = pytest.mark.parametrize("stubbed", ["s3"], indirect=True)


def stored(s3: Any, name: str) -> bytes:
    return bytes(s3.get_object(Bucket="input", Key=f"runs/r1/{name}")["Body"].read())


def content(seed: int, size: int) -> str:
    """Text in which no part is like another one."""
    return random.Random(seed).randbytes(size // 2 + 1).hex()[:size]


def join(s3: Any, pieces: list[tuple[bool, int]]) -> tuple[bytes, str]:
    """Joins pieces, of which some are files. Returns what is stored, and what should be."""
    files, texts = S3RunFiles(s3, "input", "r1"), [content(seed, size) for seed, (_, size) in enumerate(pieces)]
    joined: list[str | StoredPiece] = []
    for number, (text, (is_file, _)) in enumerate(zip(texts, pieces, strict=True)):
        if is_file:
            files.write_text(f"piece-{number}", [text], "text/plain")
        joined.append(StoredPiece(f"piece-{number}") if is_file else text)
    files.join("report.csv", joined, "text/csv", {"rounds": "2"})
    return stored(s3, "report.csv"), "".join(texts)


SMALL, PART = (True, 700), (True, 6 * MEGABYTE)


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [(False, 9)],
        [(False, 9), SMALL, (False, 2), SMALL],
        [PART],
        [(False, 9), PART, SMALL],
        [PART, PART, (False, 3)],
        [SMALL, (True, 10 * MEGABYTE + 7), PART],
        [(False, 17 * MEGABYTE), SMALL],
        [PART, *[SMALL] * 3],
    ],
)
def test_the_pieces_are_joined_in_their_order(s3: Any, pieces: list[tuple[bool, int]]) -> None:
    found, expected = join(s3, pieces)

    assert found == expected.encode()
    head = s3.head_object(Bucket="input", Key="runs/r1/report.csv")
    assert (head["ContentType"], head["Metadata"]) == ("text/csv", {"rounds": "2"})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(pieces=st.lists(st.tuples(st.booleans(), st.integers(0, 13 * MEGABYTE)), max_size=4))
def test_pieces_of_any_size_are_joined(s3: Any, pieces: list[tuple[bool, int]]) -> None:
    """moto refuses parts of less than 5 MB, as S3 does."""
    found, expected = join(s3, pieces)

    assert found == expected.encode()


def test_a_large_piece_is_copied_in_several_parts(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joined_file, "MAX_COPIED_BYTES", 6 * MEGABYTE)

    found, expected = join(s3, [(False, 5), (True, 20 * MEGABYTE), SMALL])

    assert found == expected.encode()


def test_an_upload_that_fails_is_aborted(s3: Any) -> None:
    files = S3RunFiles(s3, "input", "r1")
    text = content(1, 17 * MEGABYTE)

    with pytest.raises(StorageFault, match=r"runs/r1/report\.csv"):
        files.join("report.csv", [text, StoredPiece("missing")], "text/csv")

    assert "Uploads" not in s3.list_multipart_uploads(Bucket="input")
    assert "Contents" not in s3.list_objects_v2(Bucket="input")


@s3_stub
def test_a_failed_write_is_a_fault_with_its_code(stubbed: Stubber) -> None:
    stubbed.add_client_error("put_object", "AccessDenied")

    with pytest.raises(StorageFault, match="AccessDenied"):
        S3RunFiles(stubbed.client, "input", "r1").join("report.csv", ["x"], "text/csv")


@pytest.mark.parametrize("count", [0, 1, 5000])
def test_lines_are_streamed_as_they_were_written(s3: Any, count: int) -> None:
    files = S3RunFiles(s3, "input", "r1")
    lines = [{"row": row, "text": "\u2028\u0085\r" * (row % 50)} for row in range(count)]
    files.write("part.jsonl", lines)

    assert list(files.stream_lines("part.jsonl")) == lines
