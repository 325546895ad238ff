"""Mirror one row to an outcome: fetch it, make sure it is what the row and the run ask for, store it."""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from functions.core.download.image_types import ImageType, image_type, pixels
from functions.core.model.errors import RowError
from functions.core.model.keys import default_key
from functions.core.model.options import Options
from functions.core.model.outcomes import Outcome, OutcomeKind
from functions.core.model.ports import ImageStore, ImageUpload
from functions.core.model.reasons import Reason
from functions.core.model.rows import Row
from functions.core.model.urls import redact
from functions.core.web.fetch import Fetcher, FetchRequest, FetchResult, NotModifiedError
from functions.core.web.response import Body


@dataclass(frozen=True, slots=True)
class MirroredRow:
    """An outcome, and the table row that makes it known; None where the table knows enough."""

    outcome: Outcome
    record: Mapping[str, Any] | None = None


class RowMirror:
    """Shared by the threads of a batch."""

    def __init__(self, *, fetcher: Fetcher, store: ImageStore, options: Options, run_id: str) -> None:
        self._fetcher = fetcher
        self._store = store
        self._options = options
        self._run_id = run_id

    def mirror(
        self, row: Row, known: Mapping[str, Any] | None, answered: Callable[[], None] = lambda: None
    ) -> MirroredRow:
        """`known` is the table's row for this URL where it is to be refreshed; `answered` is called when its server has
        sent all. Raises RowError, StorageFault."""
        kinds: list[ImageType] = []
        begun = time.monotonic()
        try:
            fetched = self._fetcher.fetch(self._wanted(row, known, kinds))
        except NotModifiedError:
            return MirroredRow(_outcome(row, OutcomeKind.UNCHANGED))
        answered()
        with fetched.body.file:
            return self._keep(row, known, kinds[-1], fetched, round((time.monotonic() - begun) * 1000))

    def _wanted(self, row: Row, known: Mapping[str, Any] | None, kinds: list[ImageType]) -> FetchRequest:
        options = self._options
        return FetchRequest(
            url=row.url,
            headers=row.headers,
            validators=_validators(row, known),
            timeout=options.timeout,
            max_bytes=options.max_bytes,
            user_agent=options.user_agent,
            want_md5=row.md5 is not None,
            respect_opt_out=options.respect_opt_out,
            check_head=lambda head: kinds.append(self._kind(head)),
        )

    def _kind(self, head: bytes) -> ImageType:
        kind = image_type(head)
        if kind is None:
            raise RowError(Reason.NOT_AN_IMAGE, "What came is no image, whatever its header says.", status=200)
        if kind.name not in self._options.allowed_types:
            raise RowError(
                Reason.NOT_AN_IMAGE, f"What came is {kind.name}, which this run does not accept.", status=200
            )
        return kind

    def _keep(
        self, row: Row, known: Mapping[str, Any] | None, kind: ImageType, fetched: FetchResult, ms: int
    ) -> MirroredRow:
        body = fetched.body
        if not kind.complete(body.file, body.size):
            raise RowError(Reason.INCOMPLETE_BODY, f"The {kind.name} file has no end.", status=200)
        _verify(row, body)
        size = pixels(kind, body.file)
        self._check_size(size)
        key = row.key or default_key(row.url, kind.extension)
        body.file.seek(0)
        self._store.put(
            ImageUpload(
                key=key,
                file=body.file,
                size=body.size,
                sha256=body.sha256,
                content_type=kind.content_type,
                owner=hashlib.sha256(row.url.encode()).hexdigest(),
                storage_class=self._options.storage_class,
                exclusive=row.key is not None and (known or {}).get("object_key") != key,
            )
        )
        width, height = size or (None, None)
        image = {
            "object_key": key,
            "bytes": body.size,
            "content_type": kind.content_type,
            "sha256": body.sha256,
            "width": width,
            "height": height,
            "downloaded_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "ms": ms,
        }
        return MirroredRow(_outcome(row, OutcomeKind.STORED, image), self._record(row, image, fetched))

    def _check_size(self, size: tuple[int, int] | None) -> None:
        width, height = size or (0, 0)
        if width < self._options.min_width or height < self._options.min_height:
            found = f"{width} x {height} pixels" if size else "of unknown size"
            raise RowError(Reason.NOT_AN_IMAGE, f"The image is {found}, smaller than the run wants.", status=200)

    def _record(self, row: Row, image: Mapping[str, Any], fetched: FetchResult) -> Mapping[str, Any]:
        record = {
            "url": row.url,
            **image,
            "etag": fetched.etag,
            "last_modified": fetched.last_modified,
            "final_url": fetched.final_url,
            "run_id": self._run_id,
            "row": row.number,
        }
        return {name: value for name, value in record.items() if value is not None}


def _validators(row: Row, known: Mapping[str, Any] | None) -> Mapping[str, str]:
    """Headers of a conditional request (RFC 9110, section 13); none where the image is wanted under another key."""
    if row.key is not None and known and known.get("object_key") != row.key:
        return {}
    pairs = (("If-None-Match", "etag"), ("If-Modified-Since", "last_modified"))
    return {header: str(known[name]) for header, name in pairs if known and known.get(name)}


def _verify(row: Row, body: Body) -> None:
    """What the row says of the bytes must be true of them before anything is stored."""
    checks = (
        ("size", row.size, body.size),
        ("sha256", row.sha256, body.sha256),
        ("md5", row.md5, body.md5),
    )
    for name, wanted, found in checks:
        if wanted is not None and wanted != found:
            raise RowError(
                Reason.CHECKSUM_MISMATCH, f"The row says {name} {wanted}, what came has {found}.", status=200
            )


def _outcome(row: Row, kind: OutcomeKind, image: Mapping[str, Any] | None = None) -> Outcome:
    return Outcome(row=row.number, url=redact(row.url), kind=kind, user_columns=row.user_columns, image=image)
