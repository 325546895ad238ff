"""The OpenAPI document of the API: names, groups, servers, examples, and the problems of each route."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.models import Server, ServerVariable, Tag
from aws_lambda_powertools.event_handler.openapi.params import Header, Path
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse
from pydantic import BaseModel, Field

from functions.core.api.problems import MEDIA_TYPE, ProblemDocument
from functions.core.api.requests import RUN_ID_PATTERN
from functions.core.model.ports import LINK_SECONDS

RUNS, MANIFESTS, IMAGES = "runs", "manifests", "images"
TAGS: list[Tag | str] = [
    Tag(name=RUNS, description="Start, list, describe, change, cancel and retry runs, and read their reports."),
    Tag(name=MANIFESTS, description="Upload manifests that are too large for a request."),
    Tag(name=IMAGES, description="Find stored images."),
]

SERVERS = [
    Server(
        url="https://{api_id}.execute-api.{region}.amazonaws.com/v1",
        description="The stack output ApiUrl; requests are signed with Signature Version 4.",
        variables={
            "api_id": ServerVariable(default="API_ID", description="First part of the host name of ApiUrl."),
            "region": ServerVariable(default="us-east-1", description="AWS Region of the stack."),
        },
    )
]
"""The server in docs/openapi.json. The document of a deployed API names that API instead."""


RunIdInPath = Annotated[str, Path(pattern=RUN_ID_PATTERN, examples=["api-61d1181dd568d662"])]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Requests with the same key and body start one run.",
        examples=["nightly-2026-11-26"],
    ),
]


class GatewayMessage(BaseModel):
    """An error that API Gateway answers with before the function is invoked."""

    message: str = Field(examples=["Missing Authentication Token"])


PROBLEMS = {
    HTTPStatus.BAD_REQUEST: "The body is not a JSON object.",
    HTTPStatus.NOT_FOUND: "The run, its report or the image does not exist.",
    HTTPStatus.CONFLICT: "The run is in a status that does not allow this.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body exceeds 5 MiB.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is not application/json.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "A field is invalid, or the Idempotency-Key was used with a different body.",
    HTTPStatus.TOO_MANY_REQUESTS: "The request rate exceeds the limit of the deployment.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Internal error. The log of the API has the request ID.",
    HTTPStatus.SERVICE_UNAVAILABLE: "An AWS service is temporarily unavailable.",
}
"""Error responses → their description in the OpenAPI document. (The phrases of HTTPStatus change between versions.)"""

FORBIDDEN = "The request is not signed, or the caller may not invoke the method. API Gateway answers it."

EVERY_ROUTE = (
    *(HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.TOO_MANY_REQUESTS),
    *(HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE),
)
WITH_BODY = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
NOT_FOUND, CONFLICT = HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT


PAGE_TYPE = "text/html"
PAGE: OpenAPIResponse = {
    "description": f"The page. Its links are valid for {LINK_SECONDS // 60} minutes, also in a copy of it.",
    "headers": {
        "Content-Security-Policy": {
            "description": "That of the page: no scripts, and no style sheet but its own.",
            "schema": {"type": "string"},
        }
    },
    "content": {
        PAGE_TYPE: {
            "schema": {"type": "string"},
            "examples": {
                "report": {"summary": "The beginning of a report", "value": '<!doctype html>\n<html lang="en">'}
            },
        }
    },
}


def responses(status: HTTPStatus, model: type[BaseModel], *problems: HTTPStatus) -> dict[int, OpenAPIResponse]:
    """The responses of a route that returns JSON."""
    return {status.value: _response(status.phrase, "application/json", model), **_errors(*problems)}


def page_responses(*problems: HTTPStatus) -> dict[int, OpenAPIResponse]:
    """The responses of a route that returns a web page."""
    return {HTTPStatus.OK.value: PAGE, **_errors(*problems)}


def _errors(*problems: HTTPStatus) -> dict[int, OpenAPIResponse]:
    """With those of every route."""
    documents = {
        problem.value: _response(PROBLEMS[problem], MEDIA_TYPE, ProblemDocument)
        for problem in (*problems, *EVERY_ROUTE)
    }
    return {HTTPStatus.FORBIDDEN.value: _response(FORBIDDEN, "application/json", GatewayMessage), **documents}


def server(base: str) -> Server:
    """The server of a deployed API: the path of its stage, below the host that the document was requested from."""
    return Server(url=base or "/", description="This deployment")


def _response(description: str, media_type: str, model: type[BaseModel]) -> OpenAPIResponse:
    return {"description": description, "content": {media_type: {"model": model}}}
