"""Download the image of a URL, and check it against the options of the run."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from functions.core.download.images.other_content import describe_unsupported
from functions.core.download.images.other_types import HTML, detect_type, is_allowed, is_recognized
from functions.core.download.images.rights import read_head
from functions.core.download.images.types import FileType
from functions.core.download.records import placeholder_error, with_final_url
from functions.core.model.errors import RowError
from functions.core.model.headers import headers_to_send
from functions.core.model.options import Options
from functions.core.model.reasons import Reason
from functions.core.model.rows import Row
from functions.core.model.types import ImageFacts, ImageRecord
from functions.core.web.fetch import Fetcher, FetchRequest, FetchResult
from functions.core.web.response import Body
from functions.core.web.signals import OwnerSignals


@dataclass(frozen=True, slots=True)
class Download:
    """A downloaded image that matches the options. `image` are its facts, `extension` is that of its default key."""

    fetched: FetchResult
    image: ImageFacts
    extension: str

    @property
    def body(self) -> Body:
        return self.fetched.body


class ImageDownloader:
    """Shared by the threads of a batch."""

    def __init__(self, fetcher: Fetcher, options: Options, known_bad: Collection[str] = ()) -> None:
        self._fetcher = fetcher
        self._options = options
        self._known_bad = known_bad

    def download(
        self,
        rows: Sequence[Row],
        existing_record: ImageRecord | None,
        check_url: Callable[[str], None],
        signals: OwnerSignals,
    ) -> Download:
        """The image of the URL of `rows`, for the rows with the headers of the first one. The caller closes the file.

        `existing_record` makes the request conditional in a run that refreshes. Raises RowError, NotModifiedError.
        """
        image_types: list[FileType] = []
        started_at = time.monotonic()
        fetched = self._fetcher.fetch(self._request(rows, existing_record, check_url, signals, image_types))
        ms = round((time.monotonic() - started_at) * 1000)
        try:
            image = self._image(image_types[-1], fetched, ms)
        except BaseException:
            fetched.body.file.close()
            raise
        return Download(fetched, image, image_types[-1].extension)

    def _request(
        self,
        rows: Sequence[Row],
        existing_record: ImageRecord | None,
        check_url: Callable[[str], None],
        signals: OwnerSignals,
        image_types: list[FileType],
    ) -> FetchRequest:
        """The request, whose `check_head` appends the type: once for each attempt that receives the start of a body."""
        options = self._options

        def check_head(head: bytes) -> None:
            image_types.append(self._allowed_type(head, rows[0].url))
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
            verify_tls=self.verifies_tls(rows),
            signals=signals,
            check_head=check_head,
            is_recognized=is_recognized,
            check_url=check_url,
        )

    def verifies_tls(self, rows: Sequence[Row]) -> bool:
        return self._options.verify_tls or not all(map(_has_digest, rows))

    def _allowed_type(self, head: bytes, url: str) -> FileType:
        allowed = self._options.allowed_types
        file_type = detect_type(head, url, allowed)
        if file_type is not None and is_allowed(file_type, allowed):
            return file_type
        if file_type is None:
            message = describe_unsupported(head)
        elif file_type.name == HTML:
            message = f"{describe_unsupported(head)} allowed_types=any,html stores HTML, too."
        else:
            message = f"The image type {file_type.name} is not in allowed_types."
        raise RowError(Reason.NOT_AN_IMAGE, message, status=200)

    def _image(self, image_type: FileType, fetched: FetchResult, ms: int) -> ImageFacts:
        """The facts of an image that is not stored yet. Raises RowError if it does not match the options."""
        body = fetched.body
        if body.sha256 in self._known_bad:
            raise placeholder_error(body.sha256)
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
        if not is_complete:
            facts["truncated"] = True
        return with_final_url(facts, fetched.final_url)

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


def _truncated(image_type: FileType, fetched: FetchResult) -> RowError:
    """If the server has sent all that it announced, its own file is truncated, and another request is of no use."""
    message = f"The {image_type.name.upper()} is truncated."
    if fetched.announced:
        message += " The server has no more of it; accept_truncated=true stores such images."
    return RowError(Reason.INCOMPLETE_BODY, message, status=200, retryable=not fetched.announced)
