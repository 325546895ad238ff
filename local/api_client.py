"""Requests to the REST API of a stack, signed with the credentials of the caller."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import responses
from urllib.parse import quote

import boto3
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

SERVICE = "execute-api"
TIMEOUT_SECONDS = 40
"""API Gateway answers within 29 seconds."""


@dataclass(frozen=True)
class ApiClient:
    """`is_local` is true for the local AWS, to which no proxy of the environment leads."""

    url: str
    region: str
    session: boto3.Session = field(repr=False)
    is_local: bool

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """The response, whatever its status. Raises RequestException, BotoCoreError."""
        encoded = "&".join(f"{name}={quote(value, safe='')}" for name, value in (query or {}).items())
        url = f"{self.url}{path}" + (f"?{encoded}" if encoded else "")
        content = None if body is None else json.dumps(body)
        sent = {**({} if content is None else {"Content-Type": "application/json"}), **(headers or {})}
        signed = self._signed_headers(method, url, content, sent)
        with self.http() as http:
            return http.request(method, url, data=content, headers=signed, timeout=TIMEOUT_SECONDS)

    def http(self) -> requests.Session:
        """For presigned links too. One for each request, because a session is not thread-safe."""
        session = requests.Session()
        session.trust_env = not self.is_local
        return session

    def _signed_headers(self, method: str, url: str, content: str | None, headers: Mapping[str, str]) -> dict[str, str]:
        request = AWSRequest(method, url, headers=dict(headers), data=content)
        credentials = self.session.get_credentials()
        if credentials is not None:  # the stack was found with credentials
            SigV4Auth(credentials.get_frozen_credentials(), SERVICE, self.region).add_auth(request)
        return dict(request.headers.items())


def error_message(response: requests.Response) -> str:
    """What the API, or API Gateway, says about a request that has failed.

    Only the first paragraph: those after it quote the request, with its session token.
    """
    try:
        body = response.json()
    except ValueError:
        body = None
    found = body if isinstance(body, dict) else {}
    names = (name for name in ("detail", "message", "Message") if name in found)
    text = next((str(found[name]) for name in names), response.reason or responses.get(response.status_code, ""))
    return text.strip().partition("\n")[0]
