"""The local API behind a check of signatures, as API Gateway makes it with IAM authorization."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, Self

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from werkzeug.wrappers import Request, Response

from local.aws.cloud import Cloud
from local.aws.http.server import Server

_SCOPE = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d+)/([^/]+)/execute-api/aws4_request, SignedHeaders=([^,]+), "
)
REFUSED = b'{"message": "The request signature we calculated does not match the signature you provided."}'


class SigningApi:
    """Forwards requests that are signed with the credentials of the cloud; answers all others with 403.

    `accepted` and `refused` count the requests by method and path."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._session = requests.Session()
        self._session.trust_env = False
        self.accepted: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self._server = Server()
        self.url = f"{self._server.endpoint}/v1"
        self._server.start(self._serve)

    def _serve(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        name = f"{request.method} {request.path.removeprefix('/v1')}"
        content = request.get_data()
        if not self._is_signed(request, content):
            self.refused[name] += 1
            return Response(REFUSED, 403, content_type="application/json")(environ, start_response)
        self.accepted[name] += 1
        path = environ["REQUEST_URI"].removeprefix("/v1")
        headers = {key: value for key, value in request.headers if key in ("Content-Type", "Idempotency-Key")}
        answer = self._session.request(
            request.method, self._cloud.api_url + path, data=content, headers=headers, timeout=60
        )
        return Response(answer.content, answer.status_code, content_type=answer.headers["Content-Type"])(
            environ, start_response
        )

    def _is_signed(self, request: Request, content: bytes) -> bool:
        """Signs the request again with the secret of the cloud, and compares."""
        given = request.headers.get("Authorization", "")
        scope = _SCOPE.match(given)
        if scope is None or scope[1] != self._cloud.credentials.access_key or "host" not in scope[4].split(";"):
            return False
        signed = {name: request.headers[name] for name in scope[4].split(";")}
        again = AWSRequest(
            request.method, self._server.endpoint + request.environ["REQUEST_URI"], headers=signed, data=content or None
        )
        again.context["timestamp"] = request.headers["X-Amz-Date"]
        auth = SigV4Auth(Credentials(scope[1], self._cloud.credentials.secret_key), "execute-api", scope[3])
        text = auth.string_to_sign(again, auth.canonical_request(again))
        return given.endswith(f"Signature={auth.signature(text, again)}")

    def close(self) -> None:
        self._server.stop()
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
