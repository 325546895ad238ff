"""The API: each route parses a request, calls one function of `core.api` and returns its result as JSON."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any, TypeAlias

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

from functions.adapters.clients import client
from functions.adapters.dynamodb_images_table import DynamoImagesTable
from functions.adapters.dynamodb_runs_table import DynamoRunsTable
from functions.adapters.s3.manifests import S3SubmittedManifests
from functions.adapters.s3.presigned_links import S3PresignedLinks, signer
from functions.adapters.step_functions_executions import StepFunctionsExecutions
from functions.config import ApiConfig
from functions.core.api.body import decode_body, parse_json
from functions.core.api.control import RunControl
from functions.core.api.problems import MEDIA_TYPE, Problem, ProblemDocument, invalid_fields, not_found
from functions.core.api.queries import RunQueries, find_image
from functions.core.api.requests import (
    MAX_PAGE,
    RUN_ID_PATTERN,
    ChangeRequest,
    RetryRequest,
    RunRequest,
    UploadRequest,
    field_errors,
)
from functions.core.api.responses import Accepted, Image, RunDetails, RunPage, Upload
from functions.core.api.submit import RunSubmission
from functions.core.api.upload import create_upload
from functions.core.model.errors import InfrastructureError
from functions.core.model.limits import MAX_URL_BYTES
from functions.core.model.runs import Status

ApiResponse: TypeAlias = Response[Any]
"""Any, because powertools would validate the body of a response against another type."""

ProxyEvent: TypeAlias = dict[str, Any]
"""A request or response of API Gateway's Lambda proxy integration: JSON, as powertools types it."""

logger = Logger()
app = APIGatewayRestResolver(enable_validation=True, json_body_deserializer=parse_json)
app.configure_openapi(
    title="Image Mirror", version="1", description="Starts, describes and controls runs, and finds the stored images."
)
app.enable_swagger(path="/docs", title="Image Mirror", version="1")

RunIdInPath = Annotated[str, Path(pattern=RUN_ID_PATTERN)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Requests with the same key and body start one run.",
    ),
]


@cache
def config() -> ApiConfig:
    return ApiConfig.read()


def runs_table() -> DynamoRunsTable:
    return DynamoRunsTable(client("dynamodb"), config().runs_table)


def executions() -> StepFunctionsExecutions:
    return StepFunctionsExecutions(client("stepfunctions"), config().state_machine_arn)


def run_submission() -> RunSubmission:
    lists = S3SubmittedManifests(client("s3"), config().input_bucket)
    return RunSubmission(runs=runs_table(), lists=lists, executions=executions(), now=datetime.now(UTC))


def run_queries() -> RunQueries:
    reports = S3PresignedLinks(signer(), config().input_bucket)
    return RunQueries(runs=runs_table(), executions=executions(), reports=reports, now=datetime.now(UTC))


def run_control() -> RunControl:
    return RunControl(runs=runs_table(), executions=executions(), now=datetime.now(UTC))


PROBLEMS = {
    HTTPStatus.BAD_REQUEST: "The body is not a JSON object.",
    HTTPStatus.NOT_FOUND: "The run or the image does not exist.",
    HTTPStatus.CONFLICT: "The run is in a status that does not allow this.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body exceeds 5 MiB.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is not application/json.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "A field is invalid, or the Idempotency-Key was used with a different body.",
    HTTPStatus.TOO_MANY_REQUESTS: "The request rate exceeds the limit of the deployment.",
    HTTPStatus.SERVICE_UNAVAILABLE: "An AWS service is temporarily unavailable.",
}
"""Error responses → their description in the OpenAPI document. (The phrases of HTTPStatus change between versions.)"""

EVERY_ROUTE = (HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
WITH_BODY = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
NOT_FOUND, CONFLICT = HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT


def responses(status: HTTPStatus, model: type[BaseModel], *problems: HTTPStatus) -> dict[int, OpenAPIResponse]:
    """The responses of a route, for the OpenAPI document."""
    documents = {
        problem.value: _response(PROBLEMS[problem], MEDIA_TYPE, ProblemDocument)
        for problem in (*problems, *EVERY_ROUTE)
    }
    return {status.value: _response(status.phrase, "application/json", model), **documents}


def _response(description: str, media_type: str, model: type[BaseModel]) -> OpenAPIResponse:
    return {"description": description, "content": {media_type: {"model": model}}}


@app.post("/runs", summary="Start a run", responses=responses(HTTPStatus.ACCEPTED, Accepted, *WITH_BODY))
def post_run(request: RunRequest, key: IdempotencyKey = None) -> ApiResponse:
    return _accepted(run_submission().submit(request, key))


@app.get("/runs", summary="List runs, newest first", responses=responses(HTTPStatus.OK, RunPage))
def list_runs(
    status: Annotated[Status | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 20,
    token: Annotated[
        str | None,
        Query(alias="next", min_length=1, max_length=500, description="Pagination token: `next` of the previous page."),
    ] = None,
) -> ApiResponse:
    return _json(HTTPStatus.OK, run_queries().page(status, limit, token))


@app.get("/runs/<run_id>", summary="Describe a run", responses=responses(HTTPStatus.OK, RunDetails, NOT_FOUND))
def get_run(run_id: RunIdInPath) -> ApiResponse:
    return _json(HTTPStatus.OK, run_queries().run(run_id))


@app.patch(
    "/runs/<run_id>",
    summary="Change the number of concurrent batches of a run",
    responses=responses(HTTPStatus.OK, RunDetails, NOT_FOUND, CONFLICT, *WITH_BODY),
)
def patch_run(run_id: RunIdInPath, request: ChangeRequest) -> ApiResponse:
    run_control().set_concurrency(run_id, request.max_concurrency)
    return _json(HTTPStatus.OK, run_queries().run(run_id))


@app.post(
    "/runs/<run_id>/cancel",
    summary="Cancel a run; its remaining rows go into the retry manifest",
    responses=responses(HTTPStatus.ACCEPTED, RunDetails, NOT_FOUND, CONFLICT, *WITH_BODY),
)
def cancel_run(run_id: RunIdInPath) -> ApiResponse:
    run_control().cancel(run_id)
    return _json(HTTPStatus.ACCEPTED, run_queries().run(run_id))


@app.post(
    "/runs/<run_id>/retry",
    summary="Start a run of the retry manifest of a run",
    responses=responses(HTTPStatus.ACCEPTED, Accepted, NOT_FOUND, CONFLICT, *WITH_BODY),
)
def retry_run(run_id: RunIdInPath, request: RetryRequest | None = None, key: IdempotencyKey = None) -> ApiResponse:
    return _accepted(run_submission().retry(run_id, request, key))


@app.post(
    "/manifests",
    summary="Create a presigned URL to upload a manifest; the upload starts its run",
    responses=responses(HTTPStatus.CREATED, Upload, *WITH_BODY),
)
def post_manifest(request: UploadRequest) -> ApiResponse:
    bucket = config().input_bucket
    return _json(HTTPStatus.CREATED, create_upload(request, S3PresignedLinks(signer(), bucket), bucket))


@app.get("/images", summary="Find the image of a URL", responses=responses(HTTPStatus.OK, Image, NOT_FOUND))
def get_image(url: Annotated[str, Query(min_length=1, max_length=MAX_URL_BYTES)]) -> ApiResponse:
    settings = config()
    table = DynamoImagesTable(client("dynamodb"), settings.images_table)
    links = S3PresignedLinks(signer(), settings.images_bucket)
    return _json(HTTPStatus.OK, find_image(url, table, links, settings.images_prefix))


@app.get("/openapi.json", include_in_schema=False)
def openapi() -> ApiResponse:
    """API Gateway has a method for this path, and for /docs, if the setting `api_docs` is true."""
    return Response(HTTPStatus.OK.value, "application/json", app.get_openapi_json_schema())


def problem_response(problem: Problem) -> ApiResponse:
    body = problem.document().model_dump_json(exclude_defaults=True)
    return Response(problem.status.value, MEDIA_TYPE, body)


def validation_error(error: RequestValidationError) -> ApiResponse:
    return problem_response(invalid_fields(field_errors(error.errors())))


def not_found_error(_: NotFoundError) -> ApiResponse:
    return problem_response(not_found("There is no such path."))


def service_error(error: InfrastructureError) -> ApiResponse:
    """The message of the service goes to the log only: it names resources of the account."""
    logger.error("AWS service error", error=type(error).__name__, cause=str(error))
    detail = "An AWS service is temporarily unavailable. Retry with the same Idempotency-Key."
    return problem_response(Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail))


def internal_error(_: Exception) -> ApiResponse:
    logger.exception("Internal error")
    request_id = app.current_event.request_context.request_id
    detail = f"Internal error. Search the API log for request ID {request_id}."
    return problem_response(Problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail))


# Callable[[Any], ...]: each handler takes its own kind of exception.
EXCEPTION_HANDLERS: Mapping[type[Exception], Callable[[Any], ApiResponse]] = {
    Problem: problem_response,
    RequestValidationError: validation_error,
    NotFoundError: not_found_error,
    InfrastructureError: service_error,
    Exception: internal_error,
}
for exception, exception_handler in EXCEPTION_HANDLERS.items():
    app.exception_handler(exception)(exception_handler)


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST)
def handler(event: ProxyEvent, context: LambdaContext) -> ProxyEvent:
    """`event` is a request to an API Gateway REST API, in the format of the Lambda proxy integration."""
    try:
        body = None if event["httpMethod"] == "GET" else _decoded_body(event)
    except Problem as problem:
        return _proxy_response(problem_response(problem))
    return app.resolve({**event, "body": body, "isBase64Encoded": False}, context)


def _decoded_body(event: ProxyEvent) -> str | None:
    """Raises Problem(400 | 413 | 415)."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    return decode_body(
        event.get("body"),
        encoded=event.get("isBase64Encoded", False),
        content_type=headers.get("content-type", ""),
    )


def _proxy_response(response: ApiResponse) -> ProxyEvent:
    return {"statusCode": response.status_code, "headers": response.headers, "body": response.body}


def _accepted(accepted: Accepted) -> ApiResponse:
    """With the path of the run in Location, below the stage or the base path of a custom domain."""
    path = app.current_event.path
    base = app.current_event.request_context.path.removesuffix(path)
    return _json(HTTPStatus.ACCEPTED, accepted, {"Location": f"{base}/runs/{accepted.run_id}"})


def _json(status: HTTPStatus, body: BaseModel, headers: Mapping[str, str] | None = None) -> ApiResponse:
    return Response(status.value, "application/json", body.model_dump_json(), headers)
