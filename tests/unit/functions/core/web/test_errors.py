"""Translation of TLS errors and connection errors into RowErrors; `tests/hostile` has the real ones."""

import ssl

import pytest
import requests
import urllib3.exceptions

from functions.core.model.reasons import Reason
from functions.core.web.errors import body_error_from, row_error_from


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
        (verification_error(9), "certificate not yet valid"),
        (verification_error(10), "certificate expired"),
        (verification_error(18), "self-signed certificate"),
        (verification_error(19), "self-signed certificate in the chain"),
        (verification_error(23), "certificate revoked"),
        (verification_error(62), "certificate is for another host name"),
        (verification_error(999), "certificate verification failed (code 999)"),
        (ssl.SSLCertVerificationError("no code"), "certificate verification failed (code 0)"),
        (ssl_error("UNSUPPORTED_PROTOCOL"), "no common TLS version, the server's is too old"),
        (ssl_error("WRONG_VERSION_NUMBER"), "the server does not use TLS on this port"),
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
