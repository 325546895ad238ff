"""Mirror one row: fetch its image, check it against the row and the options, and store it."""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from functions.core.download.images.types import ImageType, describe_unsupported, detect_image_type
from functions.core.model.errors import RowError
from functions.core.model.keys import default_key
from functions.core.model.options import Options
from functions.core.model.outcomes import Outcome, OutcomeKind
from functions.core.model.ports import ImageStore, ImageUpload
from functions.core.model.reasons import Reason
from functions.core.model.rows import Row
from functions.core.model.runs import timestamp
from functions.core.model.types import ImageFacts, ImageRecord
from functions.core.model.urls import redact
from functions.core.web.fetch import Fetcher, FetchRequest, FetchResult, NotModifiedError
from functions.core.web.response import Body


@dataclass(frozen=True, slots=True)
class MirroredRow:
    """An outcome, and the record to write into the images table, or None if the table is up to date."""

    outcome: Outcome
    record: ImageRecord | None = None


class RowMirror:
    """Shared by the threads of a batch."""

    def __init__(self, *, fetcher: Fetcher, store: ImageStore, options: Options, run_id: str) -> None:
        self._fetcher = fetcher
        self._store = store
        self._options = options
        self._run_id = run_id

    def mirror(
        self, row: Row, existing_record: ImageRecord | None, on_response: Callable[[], None] = lambda: None
    ) -> MirroredRow:
        """Mirror a row. `existing_record` is the record of its URL if the image is to be refreshed.
        `on_response` is called when the response is complete, before the image is stored.

        Raises RowError, StorageFault.
        """
        image_types: list[ImageType] = []
        started_at = time.monotonic()
        try:
            fetched = self._fetcher.fetch(self._fetch_request(row, existing_record, image_types))
        except NotModifiedError:
            return MirroredRow(_outcome(row, OutcomeKind.UNCHANGED))
        on_response()
        with fetched.body.file:
            ms = round((time.monotonic() - started_at) * 1000)
            image = self._store_image(row, existing_record, image_types[-1], fetched, ms)
        return MirroredRow(_outcome(row, OutcomeKind.STORED, image), self._record(row, image, fetched))

    def _fetch_request(
        self, row: Row, existing_record: ImageRecord | None, image_types: list[ImageType]
    ) -> FetchRequest:
        """The request, whose `check_head` appends the type: once for each attempt that receives the start of a body."""
        options = self._options
        return FetchRequest(
            url=row.url,
            headers=row.headers,
            validators=_validators(row, existing_record),
            timeout=options.timeout,
            max_bytes=options.max_bytes,
            user_agent=options.user_agent,
            want_md5=row.md5 is not None,
            max_redirects=options.max_redirects,
            respect_opt_out=options.respect_opt_out,
            check_head=lambda head: image_types.append(self._allowed_type(head)),
        )

    def _allowed_type(self, head: bytes) -> ImageType:
        image_type = detect_image_type(head)
        if image_type is None:
            raise RowError(Reason.NOT_AN_IMAGE, describe_unsupported(head), status=200)
        if image_type.name not in self._options.allowed_types:
            message = f"The image type {image_type.name} is not in allowed_types."
            raise RowError(Reason.NOT_AN_IMAGE, message, status=200)
        return image_type

    def _store_image(
        self, row: Row, existing_record: ImageRecord | None, image_type: ImageType, fetched: FetchResult, ms: int
    ) -> ImageFacts:
        body = fetched.body
        is_complete = image_type.is_complete(body.file, body.size)
        if not is_complete and not (fetched.announced and self._options.accept_truncated):
            raise _truncated(image_type, fetched)
        _verify(row, body)
        size = image_type.dimensions(body.file, body.size)
        self._check_dimensions(size)
        key = row.key or default_key(row.url, image_type.extension)
        self._put(row, existing_record, image_type, body, key)
        width, height = size or (None, None)
        facts: ImageFacts = {
            "object_key": key,
            "bytes": body.size,
            "content_type": image_type.content_type,
            "sha256": body.sha256,
            "width": width,
            "height": height,
            "downloaded_at": timestamp(datetime.now(UTC)),
            "ms": ms,
        }
        return facts if is_complete else {**facts, "truncated": True}

    def _put(self, row: Row, existing_record: ImageRecord | None, image_type: ImageType, body: Body, key: str) -> None:
        existing_key = existing_record.get("object_key") if existing_record else None
        body.file.seek(0)
        self._store.put(
            ImageUpload(
                key=key,
                file=body.file,
                size=body.size,
                sha256=body.sha256,
                content_type=image_type.content_type,
                url_sha256=hashlib.sha256(row.url.encode()).hexdigest(),
                storage_class=self._options.storage_class,
                create_only=row.key is not None and existing_key != key,
            )
        )

    def _check_dimensions(self, size: tuple[int, int] | None) -> None:
        min_width, min_height = self._options.min_width, self._options.min_height
        width, height = size or (0, 0)
        if width < min_width or height < min_height:
            actual = f"{width} x {height} pixels" if size else "of unknown size"
            message = f"The image is {actual}: min_width and min_height require {min_width} x {min_height} pixels."
            raise RowError(Reason.NOT_AN_IMAGE, message, status=200)

    def _record(self, row: Row, image: ImageFacts, fetched: FetchResult) -> ImageRecord:
        record = {
            "url": row.url,
            **image,
            "etag": fetched.etag,
            "last_modified": fetched.last_modified,
            "final_url": fetched.final_url,
            "run_id": self._run_id,
            "row": row.number,
        }
        return cast(ImageRecord, {name: value for name, value in record.items() if value is not None})


def _validators(row: Row, existing_record: ImageRecord | None) -> Mapping[str, str]:
    """Headers of a conditional request (RFC 9110, section 13); none if the row names another key than the record."""
    if existing_record is None or (row.key is not None and existing_record.get("object_key") != row.key):
        return {}
    headers = {
        "If-None-Match": existing_record.get("etag"),
        "If-Modified-Since": existing_record.get("last_modified"),
    }
    return {name: value for name, value in headers.items() if value}


def _truncated(image_type: ImageType, fetched: FetchResult) -> RowError:
    """If the server has sent all that it announced, its own file is truncated, and another request is of no use."""
    message = f"The {image_type.name.upper()} is truncated."
    if fetched.announced:
        message += " The server has no more of it; accept_truncated=true stores such images."
    return RowError(Reason.INCOMPLETE_BODY, message, status=200, retryable=not fetched.announced)


def _verify(row: Row, body: Body) -> None:
    """Check the body against the size and the digests of the row, before anything is stored."""
    checks = (
        ("size", row.size, body.size),
        ("sha256", row.sha256, body.sha256),
        ("md5", row.md5, body.md5),
    )
    for name, expected, actual in checks:
        if expected is not None and expected != actual:
            message = f"{name} mismatch: expected {expected}, got {actual}."
            raise RowError(Reason.CHECKSUM_MISMATCH, message, status=200)


def _outcome(row: Row, kind: OutcomeKind, image: ImageFacts | None = None) -> Outcome:
    return Outcome(row=row.number, url=redact(row.url), kind=kind, user_columns=row.user_columns, image=image)
