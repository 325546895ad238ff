"""The input bucket: manifests by their ETag and range, and the files of a run."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from functions.adapters import clients
from functions.adapters.s3.manifests import CHUNK_BYTES, S3Manifests, S3SubmittedManifests
from functions.adapters.s3.run_files import S3RunFiles
from functions.core.model.errors import ManifestGoneError, StorageFault
from functions.core.model.runs import ManifestObject
from tests.second_opinions.conftest import Bucket

MANIFEST = b"".join(b"https://example.com/%d.png\n" % number for number in range(40_000))
PARTS = 1_005
"""One more page than a listing of S3 has keys."""


@pytest.fixture
def s3() -> Iterator[Any]:
    with closing(clients.client("s3")) as s3:
        yield s3


def uploaded(bucket: Bucket, content: bytes = MANIFEST, **more: Any) -> str:
    response = bucket.client.put_object(Bucket=bucket.name, Key="manifests/a b.txt", Body=content, **more)
    return str(response["ETag"].strip('"'))


# Manifests


def test_a_manifest_is_read_whole_and_from_any_offset(bucket: Bucket, s3: Any) -> None:
    etag = uploaded(bucket)

    for start in (0, 1, CHUNK_BYTES, len(MANIFEST) - 1):
        chunks = list(S3Manifests(s3).read(bucket.name, "manifests/a b.txt", etag, start))
        assert b"".join(chunks) == MANIFEST[start:]


def test_a_manifest_that_was_replaced_is_gone(bucket: Bucket, s3: Any) -> None:
    etag = uploaded(bucket)
    uploaded(bucket, b"another\n")

    for start in (0, 3):
        with pytest.raises(ManifestGoneError):
            next(S3Manifests(s3).read(bucket.name, "manifests/a b.txt", etag, start))


def test_a_manifest_that_was_deleted_is_gone(bucket: Bucket, s3: Any) -> None:
    manifests = S3Manifests(s3)

    for start in (0, 3):
        with pytest.raises(ManifestGoneError):
            next(manifests.read(bucket.name, "missing", "0" * 32, start))
    with pytest.raises(ManifestGoneError):
        manifests.describe(ManifestObject(bucket.name, "missing"))


def test_a_range_behind_the_end_is_a_storage_fault(bucket: Bucket, s3: Any) -> None:
    etag = uploaded(bucket)

    with pytest.raises(StorageFault, match="InvalidRange"):
        next(S3Manifests(s3).read(bucket.name, "manifests/a b.txt", etag, len(MANIFEST)))


def test_the_options_in_the_metadata_are_read(bucket: Bucket, s3: Any) -> None:
    options = {"batch-size": "50", "user-agent": "a b;c=d", "allowed-types": "png,gif"}
    uploaded(bucket, Metadata=options)

    assert S3Manifests(s3).describe(ManifestObject(bucket.name, "manifests/a b.txt"))[1] == options


def test_a_submitted_manifest_is_found_with_its_etag_and_size(bucket: Bucket, s3: Any) -> None:
    submitted = S3SubmittedManifests(s3, bucket.name)

    stored = submitted.put("manifests/x.json", b"[]")

    assert submitted.find("manifests/x.json") == stored
    assert submitted.put("manifests/x.json", b"[]") == stored
    assert submitted.find("manifests/y.json") is None


# Files of a run


def test_text_beyond_ascii_and_without_a_utf_8_form_is_written(bucket: Bucket, s3: Any) -> None:
    files = S3RunFiles(s3, bucket.name, "run é")
    files.write("results/part-1.jsonl", [{"url": "https://example.com/é日😀"}, {"url": "\ud800"}])

    assert files.read_lines("results/part-1.jsonl") == [{"url": "https://example.com/é日😀"}, {"url": "\ud800"}]


def test_a_report_has_its_type_and_metadata_and_may_be_large(bucket: Bucket, s3: Any) -> None:
    files = S3RunFiles(s3, bucket.name, "r1")
    files.write_text("report.html", ("x" * 1024 for _ in range(5 * 1024)), "text/html; charset=utf-8", {"rows": "3"})

    head = bucket.head("runs/r1/report.html")
    assert (head["ContentLength"], head["ContentType"]) == (5 * 1024 * 1024, "text/html; charset=utf-8")
    assert head["Metadata"] == {"rows": "3"}


def test_more_parts_than_a_page_of_a_listing_are_read_in_the_order_of_their_names(bucket: Bucket, s3: Any) -> None:
    files = S3RunFiles(s3, bucket.name, "r1")
    names = [f"results/part-{number:07}-1.jsonl" for number in range(PARTS)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: files.write(name, [{"row": 1, "name": name}]), names))
    files.write("retries/part-1.jsonl", [{"row": 1}])

    assert [(name, [line["name"] for line in lines]) for name, lines in files.result_parts()] == [  # type: ignore[typeddict-item]
        (name, [name]) for name in names
    ]


def test_the_names_of_parts_are_sorted_by_their_bytes(bucket: Bucket, s3: Any) -> None:
    files = S3RunFiles(s3, bucket.name, "r1")
    names = ["part-10", "part-2", "part-A", "part-a", "part-é", "part-😀", "part-\uffee"]
    for name in names:
        files.write(f"results/{name}", [])

    expected = sorted((f"results/{name}" for name in names), key=str.encode)
    assert list(files.part_names("results")) == expected


def test_only_failed_and_pending_children_are_uncompleted(bucket: Bucket, s3: Any) -> None:
    files = S3RunFiles(s3, bucket.name, "r1")
    for name in ("FAILED_0.json", "PENDING_0.json", "SUCCEEDED_0.json"):
        files.write_text(f"map/uuid/{name}", [name], "application/json")

    assert [b"".join(chunks) for chunks in files.uncompleted_children()] == [b"FAILED_0.json", b"PENDING_0.json"]
