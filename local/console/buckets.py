"""The buckets of a stack, read with the user's credentials: images, results and files of a run."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Self, cast

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from functions.core.download.images.types import IMAGE_TYPES, detect_image_type
from functions.core.model.types import ResultLine, RunSummary
from local.console.problems import StackError, refused
from local.console.stack import ConsoleStack

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

_SHOWN = ("jpeg", "png", "gif", "webp", "avif", "bmp", "ico")
SHOWN_TYPES = frozenset(each.content_type for each in IMAGE_TYPES if each.name in _SHOWN)
"""Types that every browser shows and that contain no scripts. Others are offered as downloads."""

PAGE_IMAGES = 60
MAX_PARTS = 20
"""Maximum number of results parts that are read for one page of the gallery: many of them may have no image."""

HEAD_BYTES = 4096
PIECE_BYTES = 256 * 1024
WITH_IMAGE = ("stored", "unchanged", "skipped")
"""Outcomes of the rows in the gallery. The image of a duplicate is that of another row."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page of the gallery begins: a results part, and the number of its lines on earlier pages."""

    part: str = ""
    lines: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """From the text of `str`; the first page if it is not a position."""
        part, _, lines = text.rpartition(":")
        return cls(part, int(lines)) if lines.isascii() and lines.isdigit() and len(lines) < 10 else cls()

    def __str__(self) -> str:
        return f"{self.part}:{self.lines}"


@dataclass(frozen=True, slots=True)
class GalleryPage:
    images: list[ResultLine]
    next: Position | None


@dataclass(frozen=True, slots=True)
class FileBytes:
    """The content of an object. `content_type` is detected from the bytes; it is empty for what is not shown."""

    size: int
    pieces: Iterator[bytes]
    content_type: str = ""


class Buckets:
    """Raises StackError and BotoCoreError."""

    def __init__(self, stack: ConsoleStack) -> None:
        self._s3: S3Client = stack.s3
        self._input = stack.input_bucket
        self._images = stack.images_bucket

    def image(self, key: str, offset: int | None = None, size: int | None = None) -> FileBytes:
        """An object of the images bucket, or the image of `size` bytes at `offset` in a shard."""
        place = "" if offset is None or not size else f"bytes={offset}-{offset + size - 1}"
        answer = self._get(self._images, key, place)
        head = answer["Body"].read(HEAD_BYTES)
        found = detect_image_type(head)
        shown = found.content_type if found and found.content_type in SHOWN_TYPES else ""
        return FileBytes(answer["ContentLength"], _pieces(answer["Body"], head), shown)

    def file(self, run_id: str, name: str) -> FileBytes:
        """A file of a run."""
        answer = self._get(self._input, f"runs/{run_id}/{name}")
        return FileBytes(answer["ContentLength"], _pieces(answer["Body"]))

    def summary(self, run_id: str) -> RunSummary | None:
        """The summary of a run; None if it has none."""
        try:
            return cast(RunSummary, json.loads(b"".join(self.file(run_id, "summary.json").pieces)))
        except StackError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return None

    def files(self, run_id: str) -> Mapping[str, int]:
        """The files of a run, not those in its folders, with their sizes."""
        prefix = f"runs/{run_id}/"
        with _errors(self._input, prefix):
            found = self._s3.list_objects_v2(Bucket=self._input, Prefix=prefix, Delimiter="/").get("Contents", [])
        return {each["Key"].removeprefix(prefix): each["Size"] for each in found if each["Key"] != prefix}

    def gallery(self, run_id: str, start: Position) -> GalleryPage:
        """The next images of the run, in the order of the results parts."""
        images: list[ResultLine] = []
        for count, part in enumerate(self._parts(run_id, start.part)):
            if count == MAX_PARTS:
                return GalleryPage(images, Position(part, 0))
            skipped = start.lines if part == start.part else 0
            for number, line in enumerate(self._lines(run_id, part)):
                if number < skipped or line["outcome"] not in WITH_IMAGE or not line.get("object_key"):
                    continue
                if len(images) == PAGE_IMAGES:
                    return GalleryPage(images, Position(part, number))
                images.append(line)
        return GalleryPage(images, None)

    def _get(self, bucket: str, key: str, place: str = "") -> "GetObjectOutputTypeDef":
        with _errors(bucket, key):
            if place:
                return self._s3.get_object(Bucket=bucket, Key=key, Range=place)
            return self._s3.get_object(Bucket=bucket, Key=key)

    def _parts(self, run_id: str, first: str) -> Iterator[str]:
        """The names of the results parts from `first` on."""
        prefix = f"runs/{run_id}/results/"
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._input, Prefix=prefix, StartAfter=prefix + first[:-1], PaginationConfig={"PageSize": 100}
        )
        with _errors(self._input, prefix):
            for page in pages:
                names = (each["Key"].removeprefix(prefix) for each in page.get("Contents", []))
                yield from (name for name in names if name >= first)

    def _lines(self, run_id: str, part: str) -> list[ResultLine]:
        content = b"".join(self.file(run_id, f"results/{part}").pieces)
        return [cast(ResultLine, json.loads(line)) for line in content.splitlines()]


@contextmanager
def _errors(bucket: str, key: str) -> Iterator[None]:
    """Raises StackError for a request that fails."""
    try:
        yield
    except ClientError as error:
        raise refused(f"s3://{bucket}/{key}", error) from error


def _pieces(body: "StreamingBody", head: bytes = b"") -> Iterator[bytes]:
    """Raises ConnectionAbortedError if S3 does not send all of it: the server then closes the connection."""
    with body:
        yield head
        try:
            yield from body.iter_chunks(PIECE_BYTES)
        except (BotoCoreError, HTTPError) as error:
            raise ConnectionAbortedError from error
