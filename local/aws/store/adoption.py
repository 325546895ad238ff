"""Adopts the files of an OUT folder of release 0.1.0, where `images.jsonl` has what is known of each image."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path

from local.aws.store.errors import S3Error
from local.aws.store.objects import ObjectStore

THREADS = 4
ROWS_AT_A_TIME = 1000

Row = Mapping[str, object]


def adopt_images(store: ObjectStore, bucket: str, out: Path) -> int:
    """Makes the file of each row of `images.jsonl` an object, and returns their number.

    A file that is missing or has not the row's SHA-256 is left as it is: its URL is downloaded again.
    """
    count = 0
    with ThreadPoolExecutor(THREADS, "adopt") as threads:
        rows = read_rows(out / "images.jsonl")
        while some := list(islice(rows, ROWS_AT_A_TIME)):
            count += sum(threads.map(lambda row: _adopt(store, bucket, out, row), some))
    return count


def _adopt(store: ObjectStore, bucket: str, out: Path, row: Row) -> bool:
    with suppress(OSError, ValueError, S3Error):
        store.adopt(bucket, str(row["object_key"]), out / str(row["object_key"]), headers_of(row), str(row["sha256"]))
        return True
    return False


def headers_of(row: Row) -> dict[str, str]:
    """The headers that release 0.1.0 sent with the PUT of the image."""
    content_type = str(row.get("content_type") or "binary/octet-stream")
    headers = {
        "content-type": content_type,
        "x-amz-meta-url-sha256": hashlib.sha256(str(row["url"]).encode()).hexdigest(),
    }
    return headers | ({"content-disposition": "attachment"} if content_type == "image/svg+xml" else {})


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of `images.jsonl`; none if the file is missing."""
    with suppress(FileNotFoundError), path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            with suppress(ValueError):  # a damaged line costs one download
                row = json.loads(line)
                if isinstance(row, dict) and all(
                    isinstance(row.get(name), str) for name in ("url", "object_key", "sha256")
                ):
                    yield row
