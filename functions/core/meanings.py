"""What outcomes and reasons mean to a person, and what can be done about them."""

from collections.abc import Mapping

from functions.core.outcomes import Ending
from functions.core.reasons import Reason

ENDINGS: Mapping[str, str] = {
    Ending.STORED: "downloaded, checked and put into the bucket",
    Ending.UNCHANGED: "asked again, and as they were",
    Ending.SKIPPED: "known from an earlier run",
    Ending.DUPLICATE: "a URL that stands in the manifest twice",
    Ending.FAILED: "each with its reason below",
}

REASONS: Mapping[str, str] = {
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


def meaning_of(reason: str) -> str:
    """Empty for a reason of another version."""
    return REASONS.get(reason, "")
