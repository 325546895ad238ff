"""The options of a run: from the API's body, the manifest object's metadata, or the stack's settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Literal, Self

from annotated_types import Interval, MaxLen, MinLen, Predicate

IMAGE_TYPES = ("jpeg", "png", "gif", "webp", "avif", "heic", "tiff", "bmp", "ico")
"""Accepted unless a run says otherwise; `svg` only when it is named: it can carry scripts."""

MEBIBYTE = 1024 * 1024

MAX_CONCURRENT_UPLOADS = 16
"""Rows that may be on their way into S3 beside those that servers are asked for: 500 images a second at 30 ms a PUT."""


def _is_printable(text: str) -> bool:
    """A header takes no line ends, and servers expect ASCII."""
    return text.isascii() and text.isprintable()


def _option(default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """One typed place for every knob. Bounds are checked where options come in (`option_check`), not here."""

    concurrency: Annotated[int, Interval(ge=1, le=256)] = _option(24, "requests at a time in one batch, at most")
    per_host: Annotated[int, Interval(ge=1, le=256)] = _option(8, "requests at a time to one host in one batch")
    max_concurrency: Annotated[int, Interval(ge=1, le=10_000)] = _option(40, "batches at a time in the run")
    batch_size: Annotated[int, Interval(ge=1, le=1000)] = _option(500, "rows in a batch")
    base_url: Annotated[str, MaxLen(2048)] = _option("", "what relative URLs are relative to")
    on_existing: Literal["skip", "refresh", "overwrite"] = _option("skip", "what to do with a URL that the table knows")
    max_bytes: Annotated[int, Interval(ge=1, le=5 * 1024 * MEBIBYTE)] = _option(
        25 * MEBIBYTE, "largest image, in bytes, as sent and as decoded"
    )
    timeout: Annotated[float, Interval(ge=0.1, le=60)] = _option(30.0, "seconds for one image, all in all")
    rounds: Annotated[int, Interval(ge=1, le=10)] = _option(4, "tries that a batch has for its deferred rows")
    allowed_types: Annotated[tuple[str, ...], MinLen(1)] = _option(IMAGE_TYPES, "image types that are stored")
    min_width: Annotated[int, Interval(ge=0, le=100_000)] = _option(0, "narrower images are refused")
    min_height: Annotated[int, Interval(ge=0, le=100_000)] = _option(0, "lower images are refused")
    respect_opt_out: bool = _option(True, "honour X-Robots-Tag: noai, noimageai, noimageindex")
    storage_class: Literal["STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING", "GLACIER_IR"] = _option(
        "STANDARD", "S3 storage class of the images"
    )
    tolerated_failure_percentage: Annotated[float, Interval(ge=0, le=100)] = _option(
        50.0, "a run with more failed rows than this ends as failed"
    )
    user_agent: Annotated[str, MaxLen(256), Predicate(_is_printable)] = _option(
        "", "sent instead of our own name and contact"
    )

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic alone

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Self:
        """From the state machine's input, where PrepareRun has put what it had checked."""
        known = {f.name for f in fields(cls)}
        values = {name: value for name, value in payload.items() if name in known}
        if "allowed_types" in values:
            values["allowed_types"] = tuple(values["allowed_types"])
        return cls(**values)
