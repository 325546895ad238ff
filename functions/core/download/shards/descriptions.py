"""The JSON file beside each image of a shard: for people, for training, and to recover a batch."""

from collections.abc import Mapping
from typing import Any, cast

from functions.core.model.rows import Row
from functions.core.model.types import ImageFacts, ImageRecord, Signals
from functions.core.model.urls import redact
from functions.core.web.fetch import FetchResult

_RECORDED = ("bytes", "content_type", "sha256", "width", "height", "downloaded_at", "ms", "etag", "last_modified")


def describe(row: Row, image: ImageFacts, fetched: FetchResult, signals: Signals) -> dict[str, object]:
    """Each description has the same names, because readers infer the types of a data set from its first samples."""
    url = redact(row.url)
    return {
        "row": row.number,
        "url": url,
        "final_url": redact(fetched.final_url) if fetched.final_url else url,
        "sha256": image["sha256"],
        "bytes": image["bytes"],
        "content_type": image["content_type"],
        "width": image["width"],
        "height": image["height"],
        "truncated": image.get("truncated", False),
        "downloaded_at": image["downloaded_at"],
        "ms": image["ms"],
        "etag": fetched.etag or "",
        "last_modified": fetched.last_modified or "",
        "signals": signals,
        "columns": row.user_columns,
    }


def recorded(
    description: Mapping[str, Any], *, url: str, key: str, offset: int, run_id: str
) -> ImageRecord:  # Any: JSON that `describe` has made
    """The record of an image in the shard `key`. Its final URL is redacted, as in the description."""
    record: dict[str, object] = {name: description[name] for name in _RECORDED if description[name] not in (None, "")}
    if description["final_url"] != description["url"]:
        record["final_url"] = description["final_url"]
    if description["truncated"]:
        record["truncated"] = True
    record |= {"url": url, "object_key": key, "offset": offset, "run_id": run_id, "row": description["row"]}
    return cast(ImageRecord, record)
