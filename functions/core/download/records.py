"""What is stored about an image: its facts, the metadata of its object, and its record in the images table."""

import hashlib
from datetime import UTC, datetime
from typing import cast

from functions.core.download.images.other_types import extension_of
from functions.core.model.errors import RowError
from functions.core.model.keys.templates import OpenKey
from functions.core.model.options import Options
from functions.core.model.ports import ImageObject, ImageUpload
from functions.core.model.reasons import Reason
from functions.core.model.rows import Row
from functions.core.model.runs import timestamp
from functions.core.model.types import ImageFacts, ImageRecord
from functions.core.model.urls import redact
from functions.core.web.fetch import FetchResult
from functions.core.web.response import Body


def named_key(row: Row, image: ImageFacts) -> str | None:
    """The key that the row, or the template of the run, names for an image. None if neither does."""
    if not isinstance(row.key, OpenKey):
        return row.key
    return row.key.of(image["sha256"] or "", extension_of(image["content_type"], row.url))


def placeholder_error(sha256: str) -> RowError:
    """For an image in the list of the option `known_bad`."""
    return RowError(
        Reason.PLACEHOLDER,
        f"The image is in the list of known_bad: its SHA-256 is {sha256}. If it is the image that you want, remove the "
        "digest from the list and run the row again.",
    )


def stored_image(key: str | None, image: ImageFacts) -> ImageFacts:
    """The facts of an image that was just stored. `key` is None until its shard is."""
    return {**image, "object_key": key, "downloaded_at": timestamp(datetime.now(UTC))}


def found_image(key: str, found: ImageObject) -> ImageFacts:
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


def recorded_image(record: ImageRecord) -> ImageFacts:
    facts: ImageFacts = {
        "object_key": record.get("object_key"),
        "bytes": record.get("bytes"),
        "content_type": record.get("content_type"),
        "sha256": record.get("sha256"),
        "width": record.get("width"),
        "height": record.get("height"),
        "downloaded_at": record.get("downloaded_at"),
        "ms": record.get("ms"),
    }
    if record.get("truncated"):
        facts["truncated"] = True
    if "offset" in record:
        facts["offset"] = record["offset"]
    return with_final_url(facts, record.get("final_url"))


def with_final_url(facts: ImageFacts, final_url: str | None) -> ImageFacts:
    """The facts with the URL to which redirects have led, or None if there were none."""
    return {**facts, "final_url": redact(final_url)} if final_url else facts


def new_upload(
    row: Row, key: str, body: Body, image: ImageFacts, *, options: Options, run_id: str, is_copy: bool = False
) -> ImageUpload:
    """Raises RowError(CHECKSUM_MISMATCH) for an image that does not match the row."""
    verify_row(row, body)
    body.file.seek(0)
    return ImageUpload(
        key=key,
        file=body.file,
        size=body.size,
        sha256=body.sha256,
        content_type=image["content_type"] or "",
        url_sha256=hashlib.sha256(row.url.encode()).hexdigest(),
        run_id=run_id,
        row=row.number,
        width=image["width"],
        height=image["height"],
        truncated=image.get("truncated", False),
        is_copy=is_copy,
        storage_class=options.storage_class,
    )


def verify_row(row: Row, body: Body) -> None:
    """Check the body against the size and the digests of the row, before anything is stored.

    Raises RowError(CHECKSUM_MISMATCH).
    """
    checks = (
        ("size", row.size, body.size),
        ("sha256", row.sha256, body.sha256),
        ("md5", row.md5, body.md5),
    )
    for name, expected, actual in checks:
        if expected is not None and expected != actual:
            message = f"{name} mismatch: expected {expected}, got {actual}."
            raise RowError(Reason.CHECKSUM_MISMATCH, message, status=200)


def new_record(
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
