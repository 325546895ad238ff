"""Records of images: the outcomes of rows, and the items of the images table."""

from collections.abc import Mapping
from typing import NotRequired, Required, TypedDict

from functions.core.model.types.values import JsonValue, Signals


class ImageFacts(TypedDict):
    """A stored image. `sha256` is hex of its `bytes` bytes, `width` and `height` are in pixels, `ms` is its download
    time in milliseconds. `truncated` is true if its end is missing. `final_url` is redacted, and is missing where the
    image came from the URL of the row."""

    object_key: str | None
    bytes: int | None
    content_type: str | None
    sha256: str | None
    width: int | None
    height: int | None
    downloaded_at: str | None
    ms: int | None
    truncated: NotRequired[bool]
    final_url: NotRequired[str]


class ImageRecord(TypedDict, total=False):
    """An item of the images table. Empty attributes are missing. Further keys of the image have copies of the object.

    `run_id` and `row` stored the object; `etag` and `last_modified` are those of the server. `object_etag` is from the
    answer to the PUT: records of release 0.1.0, and those that another row or run has written, have none.
    """

    url: Required[str]
    object_key: str
    object_etag: str
    bytes: int
    content_type: str
    sha256: str
    width: int
    height: int
    downloaded_at: str
    ms: int
    etag: str
    last_modified: str
    final_url: str
    run_id: str
    row: int
    truncated: bool


class ResultLine(TypedDict, total=False):
    """Outcome of one row: a line of a results part. `row` counts from 1, `url` is redacted.

    A failure has `reason`, `http_status`, `retryable` and `message`; every other row has the fields of ImageFacts, with
    the key that it names.
    `former_key` is the key of the former image of this URL if the new one has another key.
    `signals` are missing where there are none, and in `skipped` and `duplicate` rows.
    `lost` is true for a row of a batch that crashed; `columns` are the user's own.
    """

    row: Required[int]
    url: Required[str]
    outcome: Required[str]
    reason: str
    http_status: int | None
    retryable: bool
    message: str
    lost: bool
    columns: Mapping[str, JsonValue]
    former_key: str
    signals: Signals
    object_key: str | None
    bytes: int | None
    content_type: str | None
    sha256: str | None
    width: int | None
    height: int | None
    downloaded_at: str | None
    ms: int | None
    truncated: bool
    final_url: str


class KeptItem(TypedDict):
    """A line of a retries part: an item of a Parquet manifest, which SummarizeRun cannot read. `row` counts from 1."""

    row: int
    item: object
