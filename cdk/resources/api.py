"""The REST API."""

import json
from collections.abc import Iterable

from aws_cdk import RemovalPolicy
from aws_cdk.aws_apigateway import (
    AccessLogField,
    AccessLogFormat,
    AuthorizationType,
    EndpointConfiguration,
    EndpointType,
    LambdaIntegration,
    LogGroupLogDestination,
    MethodLoggingLevel,
    MethodOptions,
    ResponseType,
    RestApi,
    StageOptions,
)
from constructs import Construct

from cdk.resources.functions import Function
from cdk.resources.log_group import StackLogGroup
from cdk.settings import Settings

STAGE = "v1"

# The routes of functions/api.py; a test compares the two.
METHODS = (
    ("POST", "runs"),
    ("GET", "runs"),
    ("GET", "runs/{run_id}"),
    ("GET", "runs/{run_id}/report"),
    ("PATCH", "runs/{run_id}"),
    ("POST", "runs/{run_id}/cancel"),
    ("POST", "runs/{run_id}/retry"),
    ("POST", "manifests"),
    ("GET", "images"),
)
DOCS = (("GET", "openapi.json"), ("GET", "docs"))

# Errors that API Gateway returns without invoking the function, as problem documents like those of the function.
GATEWAY_PROBLEMS = (
    (
        ResponseType.REQUEST_TOO_LARGE,
        413,
        "Request Entity Too Large",
        "The request body exceeds 10 MB, the limit of API Gateway. To submit a larger manifest (up to 5 GB), request "
        "an upload link with POST /manifests; the upload starts the run.",
    ),
    (
        ResponseType.THROTTLED,
        429,
        "Too Many Requests",
        "The request rate exceeds the limit of this API. Retry after a second, with exponential backoff.",
    ),
)

# Query strings are not logged: they contain image URLs, which can contain credentials.
ACCESS_LOG_FORMAT = AccessLogFormat.custom(
    json.dumps(
        {
            "request_id": AccessLogField.context_request_id(),
            "time": AccessLogField.context_request_time_epoch(),
            "method": AccessLogField.context_http_method(),
            "path": AccessLogField.context_path(),
            "status": AccessLogField.context_status(),
            "milliseconds": AccessLogField.context_response_latency(),
            "bytes": AccessLogField.context_response_length(),
            "caller": AccessLogField.context_identity_user_arn(),
            "address": AccessLogField.context_identity_source_ip(),
            "error": AccessLogField.context_error_message(),
            "trace": AccessLogField.context_xray_trace_id(),
        }
    )
)


class Api(Construct):
    """A REST API that invokes one function. Requests are signed (SigV4) by an IAM principal that may invoke the method.

    Each route is a method of its own, not a proxy resource, so that a policy can allow reading without cancelling.
    """

    def __init__(self, scope: Construct, id: str, *, function: Function, settings: Settings) -> None:  # noqa: A002
        super().__init__(scope, id)
        self.access_log = StackLogGroup(self, "AccessLog", settings=settings)
        self.rest_api = RestApi(
            self,
            "Api",
            rest_api_name=settings.deployment_name,
            description=f"Starts, lists and controls runs of {settings.deployment_name}",
            endpoint_configuration=EndpointConfiguration(types=[EndpointType.REGIONAL]),
            default_method_options=MethodOptions(authorization_type=AuthorizationType.IAM),
            # API Gateway writes no logs without this role. All APIs of the account use the last one set: it is kept.
            cloud_watch_role=settings.api_account_role,
            cloud_watch_role_removal_policy=RemovalPolicy.RETAIN if settings.api_account_role else None,
            deploy_options=StageOptions(
                stage_name=STAGE,
                tracing_enabled=True,
                throttling_rate_limit=settings.api_rate_limit,
                throttling_burst_limit=settings.api_burst_limit,
                access_log_destination=LogGroupLogDestination(self.access_log),
                access_log_format=ACCESS_LOG_FORMAT,
                # Execution logs without data traces, which would contain the content of requests.
                logging_level=MethodLoggingLevel.ERROR,
                data_trace_enabled=False,
                metrics_enabled=True,
            ),
        )
        self.rest_api.node.try_remove_child("Endpoint")  # its output; the stack has ApiUrl instead
        self._add_methods((*METHODS, *DOCS) if settings.api_docs else METHODS, function)
        for response_type, status, title, detail in GATEWAY_PROBLEMS:
            self._add_gateway_problem(response_type, status, title, detail)

    def _add_methods(self, methods: Iterable[tuple[str, str]], function: Function) -> None:
        # One invoke permission for the whole API instead of two for each method.
        integration = LambdaIntegration(function.function, scope_permission_to_method=False)
        for method, path in methods:
            self.rest_api.root.resource_for_path(path).add_method(method, integration)

    def _add_gateway_problem(self, response_type: ResponseType, status: int, title: str, detail: str) -> None:
        problem = {"type": "about:blank", "title": title, "status": status, "detail": detail}
        self.rest_api.add_gateway_response(
            response_type.response_type, type=response_type, templates={"application/json": json.dumps(problem)}
        )
