"""Checks that a program does not pass, for a reason of its own. They must fail: a release that passes is seen."""

UNVERIFIED = "ministack verifies the signatures of presigned links only, not those in the headers of a request."

DIFFERENCES = {
    ("ministack", "test_a_wrong_secret_key_is_refused"): UNVERIFIED,
    ("ministack", "test_a_header_that_was_changed_after_signing_is_refused"): UNVERIFIED,
    ("ministack", "test_a_request_that_was_signed_an_hour_ago_is_refused"): UNVERIFIED,
    (
        "ministack",
        "test_keys_that_a_response_leaves_unprocessed_are_read_again",
    ): "ministack returns more than 16 MB in a response of BatchGetItem, and leaves no key unprocessed.",
}
"""The reason by program and name of the test."""
