"""Translation of TLS errors and connection errors into RowErrors; `tests/hostile` has the real ones."""

import ssl

import pytest
import requests
import urllib3.exceptions

from functions.core.model.reasons import Reason
from functions.core.web.errors import body_error_from, error_for_status, parse_retry_after, row_error_from


def wrapped(error: Exception) -> Exception:
    """The error as requests raises it."""
    return requests.exceptions.SSLError(urllib3.exceptions.SSLError(error))


def verification_error(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed: http://me:secret@a.example")
    error.verify_code = code
    return error


def ssl_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, "[SSL] secret")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "tls_reason"),
    [
        (verification_error(2), "unknown issuer"),
        (verification_error(9), "certificate not yet valid"),
        (verification_error(10), "certificate expired"),
        (verification_error(18), "self-signed certificate"),
        (verification_error(19), "self-signed certificate in the chain"),
        (verification_error(20), "unknown issuer, or the server does not send its intermediate certificate"),
        (verification_error(21), "unknown issuer, or the server does not send its intermediate certificate"),
        (verification_error(23), "certificate revoked"),
        (verification_error(62), "certificate is for another host name"),
        (verification_error(64), "certificate is for another IP address"),
        (verification_error(66), "the key of the certificate is too weak"),
        (verification_error(67), "the key of a CA certificate is too weak"),
        (verification_error(68), "the signature of a certificate is too weak"),
        (verification_error(999), "certificate verification failed (code 999)"),
        (ssl.SSLCertVerificationError("no code"), "certificate verification failed (code 0)"),
        (ssl_error("UNSUPPORTED_PROTOCOL"), "no common TLS version, the server's is too old"),
        (ssl_error("TLSV1_ALERT_PROTOCOL_VERSION"), "no common TLS version, the server's is too old"),
        (ssl_error("WRONG_VERSION_NUMBER"), "the server does not use TLS on this port"),
        (ssl_error("HTTP_REQUEST"), "the server does not use TLS on this port"),
        (ssl_error("RECORD_LAYER_FAILURE"), "the server does not use TLS on this port"),
        (ssl_error("SSLV3_ALERT_HANDSHAKE_FAILURE"), "no common cipher or parameters"),
        (ssl_error("TLSV1_UNRECOGNIZED_NAME"), "the server does not know the host name"),
        (ssl_error("TLSV1_ALERT_UNRECOGNIZED_NAME"), "the server does not know the host name"),
        (ssl_error("DH_KEY_TOO_SMALL"), "the key exchange of the server is too weak"),
        (ssl_error("BAD_ECPOINT"), "bad ecpoint"),
        (ssl_error("free text with a secret"), "no details"),
    ],
)
def test_a_tls_error_is_final_and_has_its_reason(error: Exception, tls_reason: str) -> None:
    row_error = row_error_from(wrapped(error))

    assert (row_error.reason, row_error.retryable) == (Reason.TLS, False)
    assert row_error.message == f"TLS handshake failed: {tls_reason}."


def test_an_ssl_error_of_requests_alone_has_no_details() -> None:
    assert row_error_from(requests.exceptions.SSLError("secret")).message == "TLS handshake failed: no details."


def test_a_tls_error_in_a_body_leaves_it_incomplete() -> None:
    assert body_error_from(wrapped(ssl_error("DECRYPTION_FAILED"))).reason is Reason.INCOMPLETE_BODY


@pytest.mark.parametrize(
    ("status", "reason", "retryable"),
    [
        (201, Reason.NOT_AN_IMAGE, False),
        (204, Reason.EMPTY_BODY, False),
        (205, Reason.EMPTY_BODY, False),
        (206, Reason.INCOMPLETE_BODY, False),
        (300, Reason.NOT_AN_IMAGE, False),
        (304, Reason.NOT_AN_IMAGE, False),
        (399, Reason.NOT_AN_IMAGE, False),
        (400, Reason.HTTP_4XX, False),
        (404, Reason.HTTP_4XX, False),
        (408, Reason.HTTP_BUSY, True),
        (425, Reason.HTTP_BUSY, True),
        (429, Reason.HTTP_BUSY, True),
        (499, Reason.HTTP_4XX, False),
        (500, Reason.HTTP_5XX, True),
        (503, Reason.HTTP_BUSY, True),
        (599, Reason.HTTP_5XX, True),
        (600, Reason.NOT_AN_IMAGE, False),
        (999, Reason.NOT_AN_IMAGE, False),
    ],
)
def test_a_status_has_its_reason(status: int, reason: Reason, retryable: bool) -> None:
    error = error_for_status(status, {})

    assert (error.reason, error.status, error.retryable) == (reason, status, retryable)
    assert error.wait is None
    assert f"The server responded with {status}" in error.message


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("", None), ("soon", None), ("0", 0), ("1", 1), ("61", 61), ("3600", 3600), ("9" * 20, 31_536_000)],
)
def test_retry_after_is_at_most_a_year(header: str | None, seconds: float | None) -> None:
    assert parse_retry_after(header) == seconds
    headers = {} if header is None else {"Retry-After": header}
    assert error_for_status(429, headers).wait == seconds
    assert error_for_status(500, headers).wait is None


def test_the_message_says_for_how_long_the_host_asked_to_wait() -> None:
    assert error_for_status(429, {"Retry-After": "3600"}).message == (
        "The server responded with 429 Too Many Requests: busy, or limiting requests. "
        "It asked to wait for 3600 seconds (Retry-After)."
    )
