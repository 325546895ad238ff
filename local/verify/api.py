"""A client of the REST API. Requests are signed with the credentials of the caller."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import requests

from local.api_client import TIMEOUT_SECONDS, ApiClient, error_message
from local.verify.lines import CheckFailedError, NotCheckedError
from local.verify.stack import DeployedStack

NOT_AUTHORIZED = "is not authorized to perform"
"""Part of the message of IAM; other answers with 403 have another reason."""


class Api:
    """Any: the body of a response depends on the path."""

    def __init__(self, stack: DeployedStack) -> None:
        self._client = ApiClient(stack.api_url, stack.region, stack.session, is_local=stack.is_local)
        self.session = self._client.http

    def call(
        self, method: str, path: str, body: object = None, query: Mapping[str, str] | None = None
    ) -> Mapping[str, Any]:
        """The response, which must be successful. Raises CheckFailedError, NotCheckedError, RequestException."""
        found: Mapping[str, Any] = self._send(method, path, body, query).json()
        return found

    def page(self, path: str) -> str:
        """The HTML of a web page. Raises CheckFailedError, NotCheckedError, RequestException."""
        return self._send("GET", path).text

    def fetch(self, link: str, byte_range: str | None = None) -> bytes:
        """The content at a presigned link, or a part of it. Raises CheckFailedError, RequestException."""
        response = self.session().get(link, headers={"Range": byte_range}, timeout=TIMEOUT_SECONDS)
        if not response.ok:
            raise CheckFailedError(f"A link that the API returned answers with {response.status_code}.")
        return response.content

    def _send(
        self, method: str, path: str, body: object = None, query: Mapping[str, str] | None = None
    ) -> requests.Response:
        response = self._client.send(method, path, body, query)
        if not response.ok:
            raise response_error(f"{method} {path}", response)
        return response


def response_error(name: str, response: requests.Response) -> CheckFailedError | NotCheckedError:
    """`name` is that of the request."""
    message = error_message(response)
    if response.status_code == HTTPStatus.FORBIDDEN and NOT_AUTHORIZED in message:
        return NotCheckedError(f"AccessDenied: {message}")
    return CheckFailedError(f"{name} answers with {response.status_code}: {message}")
