"""Mirror one row: fetch its image, check it against the row and the options, and store it."""

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import cast

from functions.core.download.conditional_put import ConditionalPut
from functions.core.download.images.other_content import describe_unsupported
from functions.core.download.images.types import ImageType, detect_image_type
from functions.core.model.errors import RowError
from functions.core.model.keys import DEFAULT_PREFIX, default_key
from functions.core.model.options import Options
from functions.core.model.outcomes import Outcome, OutcomeKind
from functions.core.model.ports import ImageObject, ImageStore, ImageTable, ImageUpload
from functions.core.model.reasons import Reason
from functions.core.model.rows import Row
from functions.core.model.runs import timestamp
from functions.core.model.types import ImageFacts, ImageRecord
from functions.core.model.urls import redact
from functions.core.web.fetch import Fetcher, FetchRequest, FetchResult, NotModifiedError
from functions.core.web.response import Body
from functions.core.web.robots.check import RobotsCheck, RunRobots


@dataclass(frozen=True, slots=True)
class MirroredRow:
    """An outcome, and the record to write into the images table before it counts, or None if the table has it."""

    outcome: Outcome
    record: ImageRecord | None = None


class RowMirror:
    """Shared by the threads of a batch. `prefix` is that of the default keys, `robots` is None if the run
    ignores robots.txt."""

    def __init__(
        self,
        *,
        fetcher: Fetcher,
        store: ImageStore,
        table: ImageTable,
        options: Options,
        run_id: str,
        prefix: str = DEFAULT_PREFIX,
        robots: RunRobots | None = None,
    ) -> None:
        self._fetcher = fetcher
        self._conditional_put = ConditionalPut(store=store, table=table, options=options, run_id=run_id)
        self._options = options
        self._run_id = run_id
        self._prefix = prefix
        self._robots = robots

    def prepare(self, rows: Iterable[Row]) -> None:
        """Before the rows of a round are mirrored."""
        if self._robots is not None:
            self._robots.look_up(row.url for row in rows)

    def mirror(
        self, row: Row, existing_record: ImageRecord | None, on_response: Callable[[], None] = lambda: None
    ) -> MirroredRow:
        """Mirror a row. `existing_record` is the record of its URL, whose image is downloaded again.
        `on_response` is called when the response is complete, before the image is stored.

        Raises RowError, StorageFault, TableFault.
        """
        if self._robots is None:
            return self._mirror(row, existing_record, on_response, None)
        robots = self._robots.check(verify_tls=self._verifies_tls(row))
        try:
            mirrored = self._mirror(row, existing_record, on_response, robots)
        except RowError as error:
            error.robots = robots.found
            raise
        if robots.found is None:
            return mirrored
        return replace(mirrored, outcome=replace(mirrored.outcome, robots=robots.found))

    def _mirror(
        self,
        row: Row,
        existing_record: ImageRecord | None,
        on_response: Callable[[], None],
        robots: RobotsCheck | None,
    ) -> MirroredRow:
        image_types: list[ImageType] = []
        started_at = time.monotonic()
        try:
            fetched = self._fetcher.fetch(self._fetch_request(row, existing_record, image_types, robots))
        except NotModifiedError:
            return MirroredRow(_outcome(row, OutcomeKind.UNCHANGED))
        except RowError as error:
            if error.reason is Reason.TLS and not self._options.verify_tls and not _has_digest(row):
                error.message += " verify_tls=false applies only to rows with sha256 or md5."
            raise
        on_response()
        with fetched.body.file:
            ms = round((time.monotonic() - started_at) * 1000)
            upload = self._upload(row, image_types[-1], fetched)
            return self._store(row, existing_record, upload, fetched, ms)

    def _fetch_request(
        self,
        row: Row,
        existing_record: ImageRecord | None,
        image_types: list[ImageType],
        robots: RobotsCheck | None,
    ) -> FetchRequest:
        """The request, whose `check_head` appends the type: once for each attempt that receives the start of a body."""
        options = self._options
        return FetchRequest(
            url=row.url,
            headers=row.headers,
            validators=_validators(row, existing_record) if options.on_existing == "refresh" else {},
            timeout=options.timeout,
            max_bytes=options.max_bytes,
            user_agent=options.user_agent,
            want_md5=row.md5 is not None,
            max_redirects=options.max_redirects,
            verify_tls=self._verifies_tls(row),
            respect_opt_out=options.respect_opt_out,
            check_head=lambda head: image_types.append(self._allowed_type(head)),
            check_url=robots or _any_url,
        )

    def _verifies_tls(self, row: Row) -> bool:
        return self._options.verify_tls or not _has_digest(row)

    def _allowed_type(self, head: bytes) -> ImageType:
        image_type = detect_image_type(head)
        if image_type is None:
            raise RowError(Reason.NOT_AN_IMAGE, describe_unsupported(head), status=200)
        if image_type.name not in self._options.allowed_types:
            message = f"The image type {image_type.name} is not in allowed_types."
            raise RowError(Reason.NOT_AN_IMAGE, message, status=200)
        return image_type

    def _upload(self, row: Row, image_type: ImageType, fetched: FetchResult) -> ImageUpload:
        """Raises RowError for an image that does not match the row or the options."""
        body = fetched.body
        is_complete = image_type.is_complete(body.file, body.size)
        if not is_complete and not (fetched.announced and self._options.accept_truncated):
            raise _truncated(image_type, fetched)
        _verify(row, body)
        size = image_type.dimensions(body.file, body.size)
        self._check_dimensions(size)
        key = row.key or default_key(row.url, image_type.extension, self._prefix)
        width, height = size or (None, None)
        body.file.seek(0)
        return ImageUpload(
            key=key,
            file=body.file,
            size=body.size,
            sha256=body.sha256,
            content_type=image_type.content_type,
            url_sha256=hashlib.sha256(row.url.encode()).hexdigest(),
            run_id=self._run_id,
            row=row.number,
            width=width,
            height=height,
            truncated=not is_complete,
            storage_class=self._options.storage_class,
        )

    def _store(
        self, row: Row, existing_record: ImageRecord | None, upload: ImageUpload, fetched: FetchResult, ms: int
    ) -> MirroredRow:
        def record_of(found: ImageObject) -> ImageRecord:
            """Without `object_etag`, since the function that stored the object may not have written its record yet. The
            answer of the server is about the bytes of this download, which may not be those of the object."""
            own = fetched if found.sha256 == upload.sha256 else None
            return _record(row.url, _found_image(upload.key, found), None, found.run_id, found.row, own)

        stored = self._conditional_put.put(row.url, upload, existing_record, record_of)
        if stored.found is not None:
            return MirroredRow(_outcome(row, stored.kind, _found_image(upload.key, stored.found)))
        image = _uploaded_image(upload, ms)
        record = _record(row.url, image, stored.etag, self._run_id, row.number, fetched)
        former_key = existing_record.get("object_key") if existing_record else None
        return MirroredRow(_outcome(row, stored.kind, image, former_key if former_key != upload.key else None), record)

    def _check_dimensions(self, size: tuple[int, int] | None) -> None:
        min_width, min_height = self._options.min_width, self._options.min_height
        width, height = size or (0, 0)
        if width < min_width or height < min_height:
            actual = f"{width} x {height} pixels" if size else "of unknown size"
            message = f"The image is {actual}: min_width and min_height require {min_width} x {min_height} pixels."
            raise RowError(Reason.NOT_AN_IMAGE, message, status=200)


def _any_url(url: str) -> None:
    """The check of a run that ignores robots.txt."""


def _uploaded_image(upload: ImageUpload, ms: int) -> ImageFacts:
    facts: ImageFacts = {
        "object_key": upload.key,
        "bytes": upload.size,
        "content_type": upload.content_type,
        "sha256": upload.sha256,
        "width": upload.width,
        "height": upload.height,
        "downloaded_at": timestamp(datetime.now(UTC)),
        "ms": ms,
    }
    return {**facts, "truncated": True} if upload.truncated else facts


def _found_image(key: str, found: ImageObject) -> ImageFacts:
    """Its download time is not known."""
    facts: ImageFacts = {
        "object_key": key,
        "bytes": found.size,
        "content_type": found.content_type,
        "sha256": found.sha256,
        "width": found.width,
        "height": found.height,
        "downloaded_at": timestamp(found.stored_at),
        "ms": None,
    }
    return {**facts, "truncated": True} if found.truncated else facts


def _record(
    url: str, image: ImageFacts, object_etag: str | None, run_id: str, row: int, fetched: FetchResult | None
) -> ImageRecord:
    """`run_id` and `row` stored the image; `fetched` is the answer of the server if it has the bytes of the image."""
    record = {
        "url": url,
        **image,
        "object_etag": object_etag,
        "etag": fetched and fetched.etag,
        "last_modified": fetched and fetched.last_modified,
        "final_url": fetched and fetched.final_url,
        "run_id": run_id,
        "row": row,
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


def _has_digest(row: Row) -> bool:
    """A row whose content can be verified without the certificate of the server."""
    return row.sha256 is not None or row.md5 is not None


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


def _outcome(row: Row, kind: OutcomeKind, image: ImageFacts | None = None, former_key: str | None = None) -> Outcome:
    return Outcome(
        row=row.number,
        url=redact(row.url),
        kind=kind,
        user_columns=row.user_columns,
        image=image,
        former_key=former_key,
    )
