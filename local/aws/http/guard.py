"""The check of every request before a service sees it: web pages and other machines' names are refused.

A browser sends requests of any web page to loopback. Two headers that a page cannot set tell them apart: `Origin` names
the page's site, and `Host` is the name by which the page reached this server (DNS rebinding gives its own name the
address 127.0.0.1). Programs are recognised by the access key ID of their signature, which is random for each cloud.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from werkzeug.wrappers import Response

from local.aws.http.gateway import PREFIX
from local.aws.http.service_errors import Fault, Signature, protocol_of, signature_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MOTO_API = "moto-api"
"""moto's control API, without authentication: it resets and seeds the whole cloud."""

CORS_HEADERS = "access-control-"
"""The start of the names of all headers of cross-origin resource sharing."""

FOREIGN_PAGES = ("cross-site", "same-site")
"""Values of Sec-Fetch-Site. Other ports of this machine are the same site, and another origin."""

READ_METHODS = ("GET", "HEAD")

Secrets = Callable[[str], str | None]
"""The secret access key of an access key ID; None for an unknown one."""

log = logging.getLogger(__name__)


class Guard:
    """Passes the permitted requests to `app`, and answers its exceptions with an error of the service.

    `endpoint` is the URL of the server. A request to the REST API may have no signature: `api_signatures`
    decides.
    """

    def __init__(self, app: WSGIApplication, endpoint: str, secrets: Secrets) -> None:
        self._app = app
        self._endpoint = endpoint
        self._secrets = secrets
        self._hosts = _loopback_hosts(urlsplit(endpoint).port)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        signature = signature_of(environ)
        refusal = self._web_refusal(environ) or self._key_refusal(environ, signature)
        if refusal is not None:
            return refusal(environ, start_response)
        try:
            return self._app(environ, _without_cors(start_response))
        except NotImplementedError as error:
            log.info("%s %s is not implemented: %s", environ["REQUEST_METHOD"], environ["PATH_INFO"], error)
            response = protocol_of(environ, signature).error(Fault.NOT_IMPLEMENTED, str(error))
        except Exception:
            log.exception("%s %s failed", environ["REQUEST_METHOD"], environ["PATH_INFO"])
            response = protocol_of(environ, signature).error(Fault.INTERNAL)
        return response(environ, start_response)

    def _web_refusal(self, environ: WSGIEnvironment) -> Response | None:
        host = environ.get("HTTP_HOST", "").lower()
        if not self._hosts.fullmatch(host):
            return _refused(f"The Host header is not a name of this server. Use {self._endpoint}")
        origin = environ.get("HTTP_ORIGIN")
        if (origin is not None and origin.lower() != f"http://{host}") or _is_by_foreign_page(environ):
            return _refused("The local AWS answers no requests of other web pages.")
        if environ["REQUEST_METHOD"] == "OPTIONS":
            return _refused("The local AWS has no cross-origin resource sharing (CORS).")
        if environ["PATH_INFO"].lstrip("/").startswith(MOTO_API):
            return _text(HTTPStatus.NOT_FOUND, "The control API of moto is switched off.")
        return None

    def _key_refusal(self, environ: WSGIEnvironment, signature: Signature | None) -> Response | None:
        if signature is None:
            if environ["PATH_INFO"].startswith(f"{PREFIX}/"):
                return None
            return protocol_of(environ, None).error(Fault.UNSIGNED)
        if self._secrets(signature.access_key) is None:
            return protocol_of(environ, signature).error(Fault.UNKNOWN_KEY)
        return None


def _loopback_hosts(port: int | None) -> re.Pattern[str]:
    suffix = f":{port}" if port != 80 else "(:80)?"
    return re.compile(rf"(127\.0\.0\.1|\[::1\]|([a-z0-9_-]+\.)*localhost){suffix}")


def _is_by_foreign_page(environ: WSGIEnvironment) -> bool:
    """True for a subresource, such as an image, of a page of another origin: such a request has no Origin header.

    Links to this server and presigned URLs may be used in any page.
    """
    if environ.get("HTTP_SEC_FETCH_SITE") not in FOREIGN_PAGES:
        return False
    is_link = environ.get("HTTP_SEC_FETCH_MODE") == "navigate" or "X-Amz-Signature=" in environ.get("QUERY_STRING", "")
    return not (is_link and environ["REQUEST_METHOD"] in READ_METHODS)


def _without_cors(start_response: StartResponse) -> StartResponse:
    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Callable[[bytes], object]:
        kept = [header for header in headers if not header[0].lower().startswith(CORS_HEADERS)]
        return start_response(status, kept, exc_info)

    return start


def _refused(message: str) -> Response:
    return _text(HTTPStatus.FORBIDDEN, message)


def _text(status: HTTPStatus, message: str) -> Response:
    return Response(f"{message}\n", status, content_type="text/plain; charset=utf-8")
