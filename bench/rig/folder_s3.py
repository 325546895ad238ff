"""The part of the S3 client that the adapters of SummarizeRun use, over a folder. Parameters are named as in boto3."""

import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from botocore.response import StreamingBody


class FolderS3:
    """Each GET takes `latency` seconds. There is one upload at a time."""

    def __init__(self, folder: Path, latency: float) -> None:
        self._folder = folder
        self._latency = latency
        self._upload = io.BytesIO()

    def get_object(self, *, Key: str, Range: str = "", **_: object) -> dict[str, Any]:  # noqa: N803
        time.sleep(self._latency)
        path = self._folder / Key
        start = int(Range.removeprefix("bytes=").partition("-")[0] or 0)
        file = path.open("rb", buffering=0)
        file.seek(start)
        size = path.stat().st_size - start
        return {"Body": StreamingBody(io.BufferedReader(file), size), "ETag": "x", "ContentLength": size}

    def head_object(self, *, Key: str, **_: object) -> dict[str, int]:  # noqa: N803
        return {"ContentLength": (self._folder / Key).stat().st_size}

    def put_object(self, *, Key: str, Body: IO[bytes] | bytes, **_: object) -> None:  # noqa: N803
        path = self._folder / Key
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.writelines([Body] if isinstance(Body, bytes) else Body)

    def create_multipart_upload(self, *, Key: str, **_: object) -> dict[str, str]:  # noqa: N803
        self._upload = (self._folder / Key).open("wb+")  # type: ignore[assignment]
        return {"UploadId": "1"}

    def upload_part(self, *, Body: bytes, **_: object) -> dict[str, str]:  # noqa: N803
        self._upload.write(Body)
        return {"ETag": "x"}

    def upload_part_copy(self, *, CopySource: dict[str, str], CopySourceRange: str, **_: object) -> dict[str, Any]:  # noqa: N803
        """Costs nothing here: S3 copies without this process."""
        return {"CopyPartResult": {"ETag": "x"}}

    def complete_multipart_upload(self, **_: object) -> None:
        self._upload.close()

    def get_paginator(self, _: str) -> "FolderS3":
        return self

    def paginate(self, *, Prefix: str, **_: object) -> Iterator[dict[str, list[dict[str, Any]]]]:  # noqa: N803
        parent = Prefix.rpartition("/")[0]
        folder = self._folder / parent
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        for start in range(0, len(names), 1000):
            page = names[start : start + 1000]
            yield {"Contents": [{"Key": f"{parent}/{name}", "LastModified": None} for name in page]}
