"""Reasons why a row failed: a closed list, the same in results, messages, metrics and reports."""

from collections.abc import Mapping
from enum import StrEnum


class Reason(StrEnum):
    """Reason of a failed row. A RowError may override `retryable` (an expired certificate is not retryable)."""

    INVALID_ROW = "invalid_row"
    INVALID_URL = "invalid_url"
    BLOCKED_ADDRESS = "blocked_address"
    KEY_CONFLICT = "key_conflict"
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    INCOMPLETE_BODY = "incomplete_body"
    HTTP_4XX = "http_4xx"
    HTTP_BUSY = "http_busy"
    HTTP_5XX = "http_5xx"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    TOO_LARGE = "too_large"
    EMPTY_BODY = "empty_body"
    NOT_AN_IMAGE = "not_an_image"
    CHECKSUM_MISMATCH = "checksum_mismatch"
    PLACEHOLDER = "placeholder"
    OPT_OUT = "opt_out"
    ROBOTS = "robots"
    STORAGE = "storage"
    BATCH_CRASHED = "batch_crashed"
    OUT_OF_TIME = "out_of_time"

    @property
    def retryable(self) -> bool:
        """True if running the row again may succeed."""
        return self in _RETRYABLE


_RETRYABLE = frozenset(
    {
        Reason.DNS,
        Reason.CONNECT,
        Reason.TLS,
        Reason.TIMEOUT,
        Reason.INCOMPLETE_BODY,
        Reason.HTTP_BUSY,
        Reason.HTTP_5XX,
        Reason.STORAGE,
        Reason.BATCH_CRASHED,
        Reason.OUT_OF_TIME,
    }
)

REASON_MEANINGS: Mapping[str, str] = {
    Reason.INVALID_ROW: "The row has no URL, or the value of a column is invalid.",
    Reason.INVALID_URL: "The URL is malformed, too long, or not http or https.",
    Reason.BLOCKED_ADDRESS: "Connection blocked: the address of the host is not public, or the port is not 80 or 443.",
    Reason.KEY_CONFLICT: "The requested key is already used for another URL.",
    Reason.DNS: "DNS lookup of the host failed.",
    Reason.CONNECT: "Cannot connect to the host, or the connection was lost.",
    Reason.TLS: "TLS handshake failed.",
    Reason.TIMEOUT: "The download timed out.",
    Reason.INCOMPLETE_BODY: "The response body or the image is truncated.",
    Reason.HTTP_4XX: "The server rejected the request with HTTP 4xx, such as 403 or 404.",
    Reason.HTTP_BUSY: "The server is overloaded or limits the request rate (HTTP 408, 425, 429 or 503).",
    Reason.HTTP_5XX: "The server failed with HTTP 5xx.",
    Reason.TOO_MANY_REDIRECTS: "The server sent too many redirects.",
    Reason.TOO_LARGE: "The image is larger than max_bytes.",
    Reason.EMPTY_BODY: "The response body is empty.",
    Reason.NOT_AN_IMAGE: "The response body is not an image, or its type or dimensions are not accepted.",
    Reason.CHECKSUM_MISMATCH: "The image does not match the checksum or the size in the row.",
    Reason.PLACEHOLDER: "The image is in the list of the option known_bad.",
    Reason.OPT_OUT: "The site or the image opts out of this use, by a signal that the run respects.",
    Reason.ROBOTS: "robots.txt of the server disallows the URL, or cannot be read for now (then it is retryable).",
    Reason.STORAGE: "The upload to S3 failed.",
    Reason.BATCH_CRASHED: "The batch crashed or was stopped before it finished this row.",
    Reason.OUT_OF_TIME: "The batch ran out of time before this row was attempted.",
}


def reason_meaning(reason: str) -> str:
    """The meaning of a reason, or an empty string for a reason of another version."""
    return REASON_MEANINGS.get(reason, "")
