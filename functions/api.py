"""The API: each route parses a request, calls one function of `core.api` and returns its result as JSON."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any, TypeAlias

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

from functions.adapters.clients import client
from functions.adapters.dynamodb_images_table import DynamoImagesTable
from functions.adapters.dynamodb_runs_table import DynamoRunsTable
from functions.adapters.s3.manifests import S3SubmittedManifests
from functions.adapters.s3.presigned_links import S3PresignedLinks, signer
from functions.adapters.s3.run_folders import S3RunFolders
from functions.adapters.step_functions_executions import StepFunctionsExecutions
from functions.api_document import (
    CONFLICT,
    IMAGES,
    MANIFESTS,
    NOT_FOUND,
    PAGE_TYPE,
    RUNS,
    SERVERS,
    TAGS,
    WITH_BODY,
    IdempotencyKey,
    RunIdInPath,
    page_responses,
    responses,
    server,
)
from functions.api_errors import EXCEPTION_HANDLERS, ApiResponse, problem_response
from functions.config import ApiConfig
from functions.core.api.body import decode_body, parse_json
from functions.core.api.control import RunControl
from functions.core.api.problems import Problem
from functions.core.api.queries import RunQueries, find_image
from functions.core.api.requests import (
    MAX_PAGE,
    ChangeRequest,
    RetryRequest,
    RunRequest,
    UploadRequest,
)
from functions.core.api.responses import Accepted, Image, RunDetails, RunPage, Upload
from functions.core.api.run_files import RunFileLinks, RunReports
from functions.core.api.submit import RunSubmission
from functions.core.api.upload import create_upload
from functions.core.model.limits import MAX_URL_BYTES
from functions.core.model.runs import Status

ProxyEvent: TypeAlias = dict[str, Any]
"""A request or response of API Gateway's Lambda proxy integration: JSON, as powertools types it."""

PAGE_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""Headers of a page with presigned links: everyone can use them, and they expire."""

logger = Logger()


class Resolver(APIGatewayRestResolver):
    def _get_base_path(self) -> str:
        """The server of the Swagger page. powertools supports stages only, not base paths."""
        return _base_path()


app = Resolver(enable_validation=True, json_body_deserializer=parse_json)
app.configure_openapi(
    title="Image Mirror",
    version="1",
    description="Starts, describes and controls runs, and finds the stored images.",
    tags=TAGS,
    servers=SERVERS,
)
app.enable_swagger(path="/docs", title="Image Mirror", version="1")


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


def run_folders() -> S3RunFolders:
    return S3RunFolders(client("s3"), config().input_bucket)


def run_queries() -> RunQueries:
    files = RunFileLinks(run_folders(), S3PresignedLinks(signer(), config().input_bucket))
    return RunQueries(runs=runs_table(), executions=executions(), files=files, now=datetime.now(UTC))


def run_reports() -> RunReports:
    settings = config()
    return RunReports(
        runs=runs_table(),
        folders=run_folders(),
        files=S3PresignedLinks(signer(), settings.input_bucket),
        images=S3PresignedLinks(signer(), settings.images_bucket),
        images_prefix=settings.images_prefix,
        now=datetime.now(UTC),
    )


def run_control() -> RunControl:
    return RunControl(runs=runs_table(), executions=executions(), now=datetime.now(UTC))


@app.post(
    "/runs",
    operation_id="createRun",
    tags=[RUNS],
    summary="Start a run",
    responses=responses(HTTPStatus.ACCEPTED, Accepted, *WITH_BODY),
)
def post_run(request: RunRequest, key: IdempotencyKey = None) -> ApiResponse:
    return _accepted(run_submission().submit(request, key))


@app.get(
    "/runs",
    operation_id="listRuns",
    tags=[RUNS],
    summary="List runs, newest first",
    responses=responses(HTTPStatus.OK, RunPage),
)
def list_runs(
    status: Annotated[Status | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 20,
    token: Annotated[
        str | None,
        Query(alias="next", min_length=1, max_length=500, description="Pagination token: `next` of the previous page."),
    ] = None,
) -> ApiResponse:
    return _json(HTTPStatus.OK, run_queries().page(status, limit, token))


@app.get(
    "/runs/<run_id>",
    operation_id="getRun",
    tags=[RUNS],
    summary="Describe a run",
    responses=responses(HTTPStatus.OK, RunDetails, NOT_FOUND),
)
def get_run(run_id: RunIdInPath) -> ApiResponse:
    return _json(HTTPStatus.OK, run_queries().run(run_id))


@app.get(
    "/runs/<run_id>/report",
    operation_id="getRunReport",
    tags=[RUNS],
    summary="The report of a run as a web page, with presigned links to its files",
    responses=page_responses(NOT_FOUND),
)
def get_run_report(run_id: RunIdInPath) -> ApiResponse:
    page = run_reports().page(run_id)
    headers = {**PAGE_HEADERS, "Content-Security-Policy": page.policy}
    return Response(HTTPStatus.OK.value, f"{PAGE_TYPE}; charset=utf-8", page.html, headers)


@app.patch(
    "/runs/<run_id>",
    operation_id="updateRun",
    tags=[RUNS],
    summary="Change the number of concurrent batches of a run",
    responses=responses(HTTPStatus.OK, RunDetails, NOT_FOUND, CONFLICT, *WITH_BODY),
)
def patch_run(run_id: RunIdInPath, request: ChangeRequest) -> ApiResponse:
    run_control().set_concurrency(run_id, request.max_concurrency)
    return _json(HTTPStatus.OK, run_queries().run(run_id))


@app.post(
    "/runs/<run_id>/cancel",
    operation_id="cancelRun",
    tags=[RUNS],
    summary="Cancel a run; its remaining rows go into the retry manifest",
    responses=responses(HTTPStatus.ACCEPTED, RunDetails, NOT_FOUND, CONFLICT, *WITH_BODY),
)
def cancel_run(run_id: RunIdInPath) -> ApiResponse:
    run_control().cancel(run_id)
    return _json(HTTPStatus.ACCEPTED, run_queries().run(run_id))


@app.post(
    "/runs/<run_id>/retry",
    operation_id="retryRun",
    tags=[RUNS],
    summary="Start a run of the retry manifest of a run",
    responses=responses(HTTPStatus.ACCEPTED, Accepted, NOT_FOUND, CONFLICT, *WITH_BODY),
)
def retry_run(run_id: RunIdInPath, request: RetryRequest | None = None, key: IdempotencyKey = None) -> ApiResponse:
    return _accepted(run_submission().retry(run_id, request, key))


@app.post(
    "/manifests",
    operation_id="createManifestUpload",
    tags=[MANIFESTS],
    summary="Create a presigned URL to upload a manifest; the upload starts its run",
    responses=responses(HTTPStatus.CREATED, Upload, *WITH_BODY),
)
def post_manifest(request: UploadRequest) -> ApiResponse:
    bucket = config().input_bucket
    return _json(HTTPStatus.CREATED, create_upload(request, S3PresignedLinks(signer(), bucket), bucket))


@app.get(
    "/images",
    operation_id="findImage",
    tags=[IMAGES],
    summary="Find the image of a URL",
    responses=responses(HTTPStatus.OK, Image, NOT_FOUND),
)
def get_image(
    url: Annotated[str, Query(min_length=1, max_length=MAX_URL_BYTES, examples=["https://example.com/a.jpg"])],
) -> ApiResponse:
    settings = config()
    table = DynamoImagesTable(client("dynamodb"), settings.images_table)
    links = S3PresignedLinks(signer(), settings.images_bucket)
    return _json(HTTPStatus.OK, find_image(url, table, links, settings.images_prefix))


@app.get("/openapi.json", include_in_schema=False)
def openapi() -> ApiResponse:
    """API Gateway has a method for this path, and for /docs, if the setting `api_docs` is true."""
    document = app.get_openapi_json_schema(servers=[server(_base_path())])
    return Response(HTTPStatus.OK.value, "application/json", document)


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
    return _json(HTTPStatus.ACCEPTED, accepted, {"Location": f"{_base_path()}/runs/{accepted.run_id}"})


def _base_path() -> str:
    """The path of the stage, or of the API below a custom domain or the local AWS."""
    return app.current_event.request_context.path.removesuffix(app.current_event.path)


def _json(status: HTTPStatus, body: BaseModel, headers: Mapping[str, str] | None = None) -> ApiResponse:
    return Response(status.value, "application/json", body.model_dump_json(), headers)
