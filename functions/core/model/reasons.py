"""Why a row failed: a closed list, the same in results, messages, metrics and reports."""

from collections.abc import Mapping
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

REASON_MEANINGS: Mapping[str, str] = {
    Reason.INVALID_ROW: "The row cannot be used as it is written.",
    Reason.INVALID_URL: "The URL cannot be fetched as it is written.",
    Reason.BLOCKED_ADDRESS: "The host's address is not public, or the port is not the web's.",
    Reason.KEY_CONFLICT: "The wanted key belongs to another URL.",
    Reason.DNS: "The host's name was not found.",
    Reason.CONNECT: "The host could not be reached.",
    Reason.TLS: "No secure connection was to be had.",
    Reason.TIMEOUT: "The host did not finish in time.",
    Reason.INCOMPLETE_BODY: "The image ended too early.",
    Reason.HTTP_4XX: "The server does not have it or does not give it, as with 404 and 403.",
    Reason.HTTP_BUSY: "The server asked to come back later.",
    Reason.HTTP_5XX: "The server failed.",
    Reason.TOO_MANY_REDIRECTS: "The server sent the request around in circles.",
    Reason.TOO_LARGE: "The image is larger than the run allows.",
    Reason.EMPTY_BODY: "The server sent nothing.",
    Reason.NOT_AN_IMAGE: "What came is no image that the run accepts.",
    Reason.CHECKSUM_MISMATCH: "What came is not what the row's checksum or size says.",
    Reason.OPT_OUT: "The owner asks not to be mirrored.",
    Reason.STORAGE: "Our own storage did not take it.",
    Reason.BATCH_CRASHED: "The batch that held the row crashed or was stopped.",
    Reason.OUT_OF_TIME: "The batch had no time left for the row.",
}


def reason_meaning(reason: str) -> str:
    """Empty for a reason of another version."""
    return REASON_MEANINGS.get(reason, "")
