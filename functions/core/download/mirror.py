"""Mirror the rows of a URL: fetch its image, check it against the options and the rows, and store it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from functions.core.download.conditional_put import ConditionalPut
from functions.core.download.copies import ImageCopies, SourceGoneError
from functions.core.download.images.other_content import describe_unsupported
from functions.core.download.images.rights import read_head
from functions.core.download.images.types import ImageType, detect_image_type
from functions.core.download.mirrored_rows import MirroredRows, by_headers, in_order
from functions.core.download.records import found_image, new_record, new_upload, recorded_image, stored_image
from functions.core.model.errors import RowError
from functions.core.model.headers import headers_to_send
from functions.core.model.keys import DEFAULT_PREFIX, default_key
from functions.core.model.options import Options
from functions.core.model.outcomes import Outcome, OutcomeKind
from functions.core.model.ports import ImageObject, ImageStore, ImageTable
from functions.core.model.reasons import Reason
from functions.core.model.rows import Row
from functions.core.model.types import ImageFacts, ImageRecord
from functions.core.model.urls import redact
from functions.core.web.fetch import Fetcher, FetchRequest, FetchResult, NotModifiedError
from functions.core.web.response import Body
from functions.core.web.signals import OwnerSignals


@dataclass(frozen=True, slots=True)
class _Download:
    """A downloaded image that matches the options. `image` are its facts, `extension` is that of its default key."""

    fetched: FetchResult
    image: ImageFacts
    extension: str

    @property
    def body(self) -> Body:
        return self.fetched.body


class RowMirror:
    """Shared by the threads of a batch. `prefix` is that of the default keys."""

    def __init__(
        self,
        *,
        fetcher: Fetcher,
        store: ImageStore,
        table: ImageTable,
        options: Options,
        run_id: str,
        prefix: str = DEFAULT_PREFIX,
    ) -> None:
        self._fetcher = fetcher
        self._conditional_put = ConditionalPut(store=store, table=table, options=options, run_id=run_id)
        self._copies = ImageCopies(store=store, conditional_put=self._conditional_put, options=options, run_id=run_id)
        self._options = options
        self._respected = options.respected_signals()
        self._run_id = run_id
        self._prefix = prefix

    def mirror(
        self,
        rows: Sequence[Row],
        existing_record: ImageRecord | None,
        on_response: Callable[[], None] = lambda: None,
        check_redirect: Callable[[str], None] = lambda url: None,
    ) -> MirroredRows:
        """Mirror the rows of a URL by one download: the first one is stored, the others are duplicates of it.

        `existing_record` is the record of the URL, whose image is downloaded again. `on_response` is called when the
        response is complete, before the image is stored, `check_redirect` with the URL of each redirect, before it is
        followed. Raises RowError if the download fails for all rows, StorageFault, TableFault.
        """
        signals = OwnerSignals(self._respected)
        try:
            mirrored = self._mirror(rows, existing_record, on_response, check_redirect, signals)
        except RowError as error:
            error.signals = signals.found
            raise
        if signals.found:
            mirrored.add_signals(signals.found)
        return mirrored

    def _mirror(
        self,
        rows: Sequence[Row],
        existing_record: ImageRecord | None,
        on_response: Callable[[], None],
        check_redirect: Callable[[str], None],
        signals: OwnerSignals,
    ) -> MirroredRows:
        mirrored = MirroredRows()
        pending = in_order(rows, existing_record)
        while pending:
            try:
                request = partial(self._fetch_request, pending, existing_record, check_redirect, signals)
                download = self._download(request)
            except NotModifiedError:
                reused = existing_record and self.reuse(pending, existing_record, OutcomeKind.UNCHANGED)
                if reused:
                    return MirroredRows(reused.outcomes, mirrored.errors + reused.errors)
                existing_record = None
            except RowError as error:
                if error.reason is Reason.TLS and not self._options.verify_tls and not all(map(_has_digest, pending)):
                    error.message += " verify_tls=false applies only to rows with sha256 or md5."
                failed, pending = by_headers(pending)
                if error.retryable or len(failed) == len(rows):
                    raise
                mirrored.errors += [(row, error) for row in failed]
            else:
                on_response()
                with download.body.file:
                    self._store(pending, existing_record, download, mirrored)
                break
        return mirrored

    def reuse(self, rows: Sequence[Row], record: ImageRecord, kind: OutcomeKind) -> MirroredRows | None:
        """The outcomes of rows whose image the table has: it is not downloaded, but copied to the keys that they name.

        `kind` is the outcome of the first row, unless this run has stored the image. None if the object of the image
        is gone, so that the rows must be downloaded. Raises StorageFault, TableFault.
        """
        reused = MirroredRows()
        image = recorded_image(record)
        for row in rows:
            if record.get("run_id") == self._run_id:
                kind = OutcomeKind.STORED if record.get("row") == row.number else OutcomeKind.DUPLICATE
            try:
                reused.outcomes.append(_outcome(row, kind, self._copies.image_of(row, image)))
            except RowError as error:
                reused.errors.append((row, error))
            except SourceGoneError:
                return None
            kind = OutcomeKind.DUPLICATE
        return reused

    def _download(self, request: Callable[[list[ImageType]], FetchRequest]) -> _Download:
        """The caller closes the file. Raises RowError, NotModifiedError."""
        image_types: list[ImageType] = []
        started_at = time.monotonic()
        fetched = self._fetcher.fetch(request(image_types))
        ms = round((time.monotonic() - started_at) * 1000)
        try:
            image = self._image(image_types[-1], fetched, ms)
        except BaseException:
            fetched.body.file.close()
            raise
        return _Download(fetched, image, image_types[-1].extension)

    def _fetch_request(
        self,
        rows: Sequence[Row],
        existing_record: ImageRecord | None,
        check_redirect: Callable[[str], None],
        signals: OwnerSignals,
        image_types: list[ImageType],
    ) -> FetchRequest:
        """The request, whose `check_head` appends the type: once for each attempt that receives the start of a body."""
        options = self._options

        def check_head(head: bytes) -> None:
            image_types.append(self._allowed_type(head))
            read_head(head, signals)
            signals.check()

        return FetchRequest(
            url=rows[0].url,
            headers=headers_to_send(options.headers, rows[0].headers),
            validators=_validators(existing_record) if options.on_existing == "refresh" else {},
            timeout=options.timeout,
            max_bytes=options.max_bytes,
            user_agent=options.user_agent,
            want_md5=any(row.md5 is not None for row in rows),
            max_redirects=options.max_redirects,
            verify_tls=options.verify_tls or not all(map(_has_digest, rows)),
            signals=signals,
            check_head=check_head,
            check_redirect=check_redirect,
        )

    def _allowed_type(self, head: bytes) -> ImageType:
        image_type = detect_image_type(head)
        if image_type is None:
            raise RowError(Reason.NOT_AN_IMAGE, describe_unsupported(head), status=200)
        if image_type.name not in self._options.allowed_types:
            message = f"The image type {image_type.name} is not in allowed_types."
            raise RowError(Reason.NOT_AN_IMAGE, message, status=200)
        return image_type

    def _image(self, image_type: ImageType, fetched: FetchResult, ms: int) -> ImageFacts:
        """The facts of an image that is not stored yet. Raises RowError if it does not match the options."""
        body = fetched.body
        is_complete = image_type.is_complete(body.file, body.size)
        if not is_complete and not (fetched.announced and self._options.accept_truncated):
            raise _truncated(image_type, fetched)
        size = image_type.dimensions(body.file, body.size)
        self._check_dimensions(size)
        width, height = size or (None, None)
        facts: ImageFacts = {
            "object_key": None,
            "bytes": body.size,
            "content_type": image_type.content_type,
            "sha256": body.sha256,
            "width": width,
            "height": height,
            "downloaded_at": None,
            "ms": ms,
        }
        return facts if is_complete else {**facts, "truncated": True}

    def _store(
        self, rows: Sequence[Row], existing_record: ImageRecord | None, download: _Download, mirrored: MirroredRows
    ) -> None:
        """Store the image for the first row that it matches; the other rows are duplicates of that one."""
        stored: ImageFacts | None = None
        for row in rows:
            try:
                if stored is None:
                    outcome, mirrored.record = self._store_first(row, existing_record, download)
                    stored = outcome.image
                else:
                    body = download.body if stored["sha256"] == download.body.sha256 else None
                    outcome = _outcome(row, OutcomeKind.DUPLICATE, self._copies.image_of(row, stored, body))
                mirrored.outcomes.append(outcome)
            except RowError as error:
                mirrored.errors.append((row, error))
            except SourceGoneError:
                mirrored.errors.append((row, _replaced()))

    def _store_first(
        self, row: Row, existing_record: ImageRecord | None, download: _Download
    ) -> tuple[Outcome, ImageRecord | None]:
        fetched, image = download.fetched, download.image
        key = row.key or default_key(row.url, download.extension, self._prefix)
        upload = new_upload(row, key, fetched.body, image, options=self._options, run_id=self._run_id)

        def record_of(found: ImageObject) -> ImageRecord:
            """Without `object_etag`, since the function that stored the object may not have written its record yet. The
            answer of the server is about the bytes of this download, which may not be those of the object."""
            own = fetched if found.sha256 == upload.sha256 else None
            return new_record(row.url, found_image(key, found), None, found.run_id, found.row, own)

        result = self._conditional_put.put(row.url, upload, existing_record, record_of)
        if result.found is not None:
            return _outcome(row, result.kind, found_image(key, result.found)), None
        stored = stored_image(key, image)
        record = new_record(row.url, stored, result.etag, self._run_id, row.number, fetched)
        former_key = existing_record.get("object_key") if existing_record else None
        return _outcome(row, result.kind, stored, former_key if former_key != key else None), record

    def _check_dimensions(self, size: tuple[int, int] | None) -> None:
        min_width, min_height = self._options.min_width, self._options.min_height
        width, height = size or (0, 0)
        if width < min_width or height < min_height:
            actual = f"{width} x {height} pixels" if size else "of unknown size"
            message = f"The image is {actual}: min_width and min_height require {min_width} x {min_height} pixels."
            raise RowError(Reason.NOT_AN_IMAGE, message, status=200)


def _validators(existing_record: ImageRecord | None) -> Mapping[str, str]:
    """Headers of a conditional request (RFC 9110, section 13)."""
    if existing_record is None:
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


def _replaced() -> RowError:
    return RowError(Reason.STORAGE, "The object of this URL was replaced while it was copied to the key of this row.")


def _outcome(row: Row, kind: OutcomeKind, image: ImageFacts | None = None, former_key: str | None = None) -> Outcome:
    return Outcome(
        row=row.number,
        url=redact(row.url),
        kind=kind,
        user_columns=row.user_columns,
        image=image,
        former_key=former_key,
    )
