"""Requests to the handler of the API, as events of API Gateway."""

from typing import Any

from functions import api


class Context:
    function_name = "api"
    function_version = "$LATEST"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:f"
    aws_request_id = "request"


def send(
    method: str,
    path: str,
    body: str | None = None,
    *,
    encoded: bool = False,
    query: dict[str, str] | None = None,
    request_id: str = "r",
    base: str = "/v1",
    **headers: str,
) -> dict[str, Any]:
    """`base` is the path of the API below its host."""
    headers = {"content-type": "application/json", **headers}
    event = {
        "httpMethod": method,
        "path": path,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": query,
        "multiValueQueryStringParameters": query and {name: [value] for name, value in query.items()},
        "body": body,
        "isBase64Encoded": encoded,
        "requestContext": {"requestId": request_id, "stage": "v1", "path": f"{base}{path}"},
    }
    response: dict[str, Any] = api.handler(event, Context())  # type: ignore[arg-type]
    return response
