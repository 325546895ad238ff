"""Why a row failed: a closed list, the same in results, messages, metrics and reports."""

from enum import StrEnum


class Reason(StrEnum):
    """`retryable` says whether running the row again may help; a single fault may know better (a bad certificate)."""

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
    OPT_OUT = "opt_out"
    STORAGE = "storage"
    BATCH_CRASHED = "batch_crashed"
    OUT_OF_TIME = "out_of_time"

    @property
    def retryable(self) -> bool:
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
