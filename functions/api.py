"""The API: each route parses, calls one function of `core.api`, answers."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

from functions.adapters.clients import client
from functions.adapters.dynamodb_images_table import DynamoImagesTable
from functions.adapters.dynamodb_runs_table import DynamoRunsTable
from functions.adapters.s3_manifests import S3SubmittedManifests
from functions.adapters.s3_presigned_links import S3PresignedLinks, signer
from functions.adapters.step_functions_executions import StepFunctionsExecutions
from functions.config import ApiConfig
from functions.core.api.body import decode_body, parse_json
from functions.core.api.control import RunControl
from functions.core.api.problems import MEDIA_TYPE, Problem, ProblemDocument, invalid_fields, not_found
from functions.core.api.queries import RunQueries, find_image
from functions.core.api.requests import (
    ChangeRequest,
    RetryRequest,
    RunId,
    RunRequest,
    UploadRequest,
    field_errors,
)
from functions.core.api.responses import Accepted, Image, RunDetails, RunPage, Upload
from functions.core.api.submit import RunSubmission
from functions.core.api.upload import upload
from functions.core.model.errors import InfrastructureError
from functions.core.model.limits import MAX_URL_BYTES
from functions.core.model.runs import Status

logger = Logger()
app = APIGatewayRestResolver(enable_validation=True, json_body_deserializer=parse_json)
app.configure_openapi(title="Image Mirror", version="1", description="Runs that mirror images, and the images.")
app.enable_swagger(path="/docs", title="Image Mirror", version="1")

RunIdInPath = Annotated[str, Path(pattern=RunId)]
Key = Annotated[
    str | None, Header(alias="Idempotency-Key", min_length=1, max_length=255, description="the same key starts one run")
]


@cache
def config() -> ApiConfig:
    return ApiConfig.read()


def runs() -> DynamoRunsTable:
    return DynamoRunsTable(client("dynamodb"), config().runs_table)


def executions() -> StepFunctionsExecutions:
    return StepFunctionsExecutions(client("stepfunctions"), config().state_machine_arn)


def submitter() -> RunSubmission:
    lists = S3SubmittedManifests(client("s3"), config().input_bucket)
    return RunSubmission(runs=runs(), lists=lists, executions=executions(), now=datetime.now(UTC))


def onlooker() -> RunQueries:
    reports = S3PresignedLinks(signer(), config().input_bucket)
    return RunQueries(runs=runs(), executions=executions(), reports=reports, now=datetime.now(UTC))


def changer() -> RunControl:
    return RunControl(runs=runs(), executions=executions(), now=datetime.now(UTC))


def answers(status: HTTPStatus, model: type[BaseModel], *problems: HTTPStatus) -> dict[int, Any]:
    """What a route may answer, for its schema."""
    every = (*problems, *ANYWHERE)
    documents = {each.value: _documented(each.phrase, MEDIA_TYPE, ProblemDocument) for each in every}
    return {status.value: _documented(status.phrase, "application/json", model), **documents}


def _documented(description: str, media_type: str, model: type[BaseModel]) -> dict[str, Any]:
    return {"description": description, "content": {media_type: {"model": model}}}


ANYWHERE = (HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
BODY_REFUSED = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
NOT_FOUND, CONFLICT = HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT


@app.post("/runs", summary="Start a run", responses=answers(HTTPStatus.ACCEPTED, Accepted, *BODY_REFUSED))
def post_run(request: RunRequest, key: Key = None) -> Response[Any]:
    return _accepted(submitter().submit(request, key))


@app.get("/runs", summary="List runs, the newest first", responses=answers(HTTPStatus.OK, RunPage))
def list_runs(
    status: Annotated[Status | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    token: Annotated[
        str | None, Query(alias="next", min_length=1, max_length=500, description="of the page before")
    ] = None,
) -> Response[Any]:
    return _answer(HTTPStatus.OK, onlooker().page(status, limit, token))


@app.get("/runs/<run_id>", summary="Look at a run", responses=answers(HTTPStatus.OK, RunDetails, NOT_FOUND))
def get_run(run_id: RunIdInPath) -> Response[Any]:
    return _answer(HTTPStatus.OK, onlooker().run(run_id))


@app.patch(
    "/runs/<run_id>",
    summary="Change how many batches run at once",
    responses=answers(HTTPStatus.OK, RunDetails, NOT_FOUND, CONFLICT, *BODY_REFUSED),
)
def patch_run(run_id: RunIdInPath, request: ChangeRequest) -> Response[Any]:
    changer().set_concurrency(run_id, request.max_concurrency)
    return _answer(HTTPStatus.OK, onlooker().run(run_id))


@app.post(
    "/runs/<run_id>/cancel",
    summary="Stop a run; what it has not done goes into its retry manifest",
    responses=answers(HTTPStatus.ACCEPTED, RunDetails, NOT_FOUND, CONFLICT, *BODY_REFUSED),
)
def cancel_run(run_id: RunIdInPath) -> Response[Any]:
    changer().cancel(run_id)
    return _answer(HTTPStatus.ACCEPTED, onlooker().run(run_id))


@app.post(
    "/runs/<run_id>/retry",
    summary="Start a run of what is left over of another",
    responses=answers(HTTPStatus.ACCEPTED, Accepted, NOT_FOUND, CONFLICT, *BODY_REFUSED),
)
def retry_run(run_id: RunIdInPath, request: RetryRequest | None = None, key: Key = None) -> Response[Any]:
    return _accepted(submitter().retry(run_id, request, key))


@app.post(
    "/manifests",
    summary="Get a link to upload a manifest, which starts its run",
    responses=answers(HTTPStatus.CREATED, Upload, *BODY_REFUSED),
)
def post_manifest(request: UploadRequest) -> Response[Any]:
    bucket = config().input_bucket
    return _answer(HTTPStatus.CREATED, upload(request, S3PresignedLinks(signer(), bucket), bucket))


@app.get("/images", summary="Find the image of a URL", responses=answers(HTTPStatus.OK, Image, NOT_FOUND))
def get_image(url: Annotated[str, Query(min_length=1, max_length=MAX_URL_BYTES)]) -> Response[Any]:
    table = DynamoImagesTable(client("dynamodb"), config().images_table)
    return _answer(HTTPStatus.OK, find_image(url, table, S3PresignedLinks(signer(), config().images_bucket)))


@app.get("/openapi.json", include_in_schema=False)
def openapi() -> Response[Any]:
    """Reached where the setting `api_docs` gives the API a method for it, as is /docs."""
    return Response(HTTPStatus.OK.value, "application/json", app.get_openapi_json_schema())


def refused(problem: Problem) -> Response[Any]:
    body = problem.document().model_dump_json(exclude_defaults=True)
    return Response(problem.status.value, MEDIA_TYPE, body)


def unfit(error: RequestValidationError) -> Response[Any]:
    return refused(invalid_fields(field_errors(error.errors())))


def unknown(_: NotFoundError) -> Response[Any]:
    return refused(not_found("There is no such path."))


def broken(fault: InfrastructureError) -> Response[Any]:
    """AWS refused us; its words stay in the log."""
    logger.error("The request could not be served", error=type(fault).__name__, cause=str(fault))
    detail = "A service that is needed for this refused; it may not, a little later."
    return refused(Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail))


def stumbled(error: Exception) -> Response[Any]:
    logger.exception("The request made the API stumble")
    return refused(
        Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "The API stumbled over this request; its log knows where.")
    )


REFUSALS: Mapping[type[Exception], Callable[[Any], Response[Any]]] = {
    Problem: refused,
    RequestValidationError: unfit,
    NotFoundError: unknown,
    InfrastructureError: broken,
    Exception: stumbled,
}
for kind, answer in REFUSALS.items():
    app.exception_handler(kind)(answer)


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """`event`: a request, as API Gateway's REST API hands it to a Lambda proxy."""
    try:
        text = None if event["httpMethod"] == "GET" else _text(event)
    except Problem as problem:
        return _without_route(refused(problem))
    return app.resolve({**event, "body": text, "isBase64Encoded": False}, context)


def _text(event: Mapping[str, Any]) -> str | None:
    """Raises Problem."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    return decode_body(
        event.get("body"),
        encoded=event.get("isBase64Encoded", False),
        content_type=headers.get("content-type", ""),
    )


def _without_route(response: Response[Any]) -> dict[str, Any]:
    return {"statusCode": response.status_code, "headers": response.headers, "body": response.body}


def _accepted(accepted: Accepted) -> Response[Any]:
    """The run's address, below whatever stage or domain the request came by."""
    path = app.current_event.path
    base = app.current_event.request_context.path.removesuffix(path)
    return _answer(HTTPStatus.ACCEPTED, accepted, {"Location": f"{base}/runs/{accepted.run_id}"})


def _answer(status: HTTPStatus, body: BaseModel, headers: Mapping[str, str] | None = None) -> Response[Any]:
    return Response(status.value, "application/json", body.model_dump_json(), headers)
