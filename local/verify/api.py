"""A client of the REST API. Requests are signed with the credentials of the caller."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from local.verify.lines import CheckFailedError, NotCheckedError
from local.verify.stack import DeployedStack

SERVICE = "execute-api"
TIMEOUT_SECONDS = 40
"""API Gateway answers within 29 seconds."""

NOT_AUTHORIZED = "is not authorized to perform"
"""Part of the message of IAM; other answers with 403 have another reason."""


class Api:
    """Any: the body of a response depends on the path."""

    def __init__(self, stack: DeployedStack) -> None:
        self._stack = stack

    def call(
        self, method: str, path: str, body: object = None, query: Mapping[str, str] | None = None
    ) -> Mapping[str, Any]:
        """The response, which must be successful. Raises CheckFailedError, NotCheckedError, RequestException."""
        encoded = "&".join(f"{name}={quote(value, safe='')}" for name, value in (query or {}).items())
        url = f"{self._stack.api_url}{path}" + (f"?{encoded}" if encoded else "")
        content = None if body is None else json.dumps(body)
        headers = self._signed_headers(method, url, content)
        response = self.session().request(method, url, data=content, headers=headers, timeout=TIMEOUT_SECONDS)
        if not response.ok:
            raise response_error(f"{method} {path}", response)
        found: Mapping[str, Any] = response.json()
        return found

    def session(self) -> requests.Session:
        """For presigned links too. One for each request, because a session is not thread-safe."""
        session = requests.Session()
        session.trust_env = not self._stack.is_local
        return session

    def fetch(self, link: str, byte_range: str | None = None) -> bytes:
        """The content at a presigned link, or a part of it. Raises CheckFailedError, RequestException."""
        response = self.session().get(link, headers={"Range": byte_range}, timeout=TIMEOUT_SECONDS)
        if not response.ok:
            raise CheckFailedError(f"A link that the API returned answers with {response.status_code}.")
        return response.content

    def _signed_headers(self, method: str, url: str, content: str | None) -> dict[str, str]:
        headers = {} if content is None else {"Content-Type": "application/json"}
        request = AWSRequest(method, url, headers=headers, data=content)
        credentials = self._stack.session.get_credentials()
        if credentials is not None:  # the stack was found with credentials
            SigV4Auth(credentials.get_frozen_credentials(), SERVICE, self._stack.region).add_auth(request)
        return dict(request.headers.items())


def response_error(name: str, response: requests.Response) -> CheckFailedError | NotCheckedError:
    """`name` is that of the request."""
    try:
        body = response.json()
    except ValueError:
        body = {}
    message = next((body[field] for field in ("detail", "message", "Message") if field in body), response.reason)
    if response.status_code == HTTPStatus.FORBIDDEN and NOT_AUTHORIZED in str(message):
        return NotCheckedError(f"AccessDenied: {message}")
    return CheckFailedError(f"{name} answers with {response.status_code}: {message}")
