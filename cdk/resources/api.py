import json

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
from cdk.resources.log_group import Log
from cdk.settings import Settings

STAGE = "v1"

# As functions/api.py has them; a test holds one against the other.
METHODS = (
    ("POST", "runs"),
    ("GET", "runs"),
    ("GET", "runs/{run_id}"),
    ("PATCH", "runs/{run_id}"),
    ("POST", "runs/{run_id}/cancel"),
    ("POST", "runs/{run_id}/retry"),
    ("POST", "manifests"),
    ("GET", "images"),
)
DOCS = (("GET", "openapi.json"), ("GET", "docs"))

# What the gateway refuses by itself, before the function is asked, in the function's own shape.
REFUSALS = (
    (
        ResponseType.REQUEST_TOO_LARGE,
        413,
        "The body is larger than the API takes. POST /manifests gives a link to upload a manifest of up to 5 GB; "
        "the upload starts its run.",
    ),
    (ResponseType.THROTTLED, 429, "More requests came than the API takes. Try again in a second."),
)
TITLES = {413: "Request Entity Too Large", 429: "Too Many Requests"}

# No query strings: they hold the URLs of images, and those may hold secrets.
LOGGED = AccessLogFormat.custom(
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
    """A REST API in front of one function. Whoever calls it signs as an IAM principal that may invoke the method.

    Every method is one of its own, so that a policy can let someone look, and not cancel.
    """

    def __init__(self, scope: Construct, id: str, *, function: Function, settings: Settings) -> None:  # noqa: A002
        super().__init__(scope, id)
        self.access_log = Log(self, "AccessLog", settings=settings)
        self.rest_api = RestApi(
            self,
            "Api",
            rest_api_name="image-mirror",
            description="Starts runs of image-mirror, and tells of them",
            endpoint_configuration=EndpointConfiguration(types=[EndpointType.REGIONAL]),
            default_method_options=MethodOptions(authorization_type=AuthorizationType.IAM),
            # Without it API Gateway writes no access log. It is the account's: it stays when this stack goes.
            cloud_watch_role=settings.api_account_role,
            cloud_watch_role_removal_policy=RemovalPolicy.RETAIN if settings.api_account_role else None,
            deploy_options=StageOptions(
                stage_name=STAGE,
                tracing_enabled=True,
                throttling_rate_limit=settings.api_rate_limit,
                throttling_burst_limit=settings.api_burst_limit,
                access_log_destination=LogGroupLogDestination(self.access_log),
                access_log_format=LOGGED,
                # Of the gateway's own steps; never of what is in a request.
                logging_level=MethodLoggingLevel.ERROR,
                data_trace_enabled=False,
                metrics_enabled=True,
            ),
        )
        self.rest_api.node.try_remove_child("Endpoint")  # an output with a name that nobody could guess
        self._methods((*METHODS, *DOCS) if settings.api_docs else METHODS, function)
        for kind, status, detail in REFUSALS:
            self._refuse(kind, status, detail)

    def _methods(self, methods: tuple[tuple[str, str], ...], function: Function) -> None:
        # One permission for the whole API, not two for each method.
        integration = LambdaIntegration(function.function, scope_permission_to_method=False)
        for method, path in methods:
            self.rest_api.root.resource_for_path(path).add_method(method, integration)

    def _refuse(self, kind: ResponseType, status: int, detail: str) -> None:
        problem = {"type": "about:blank", "title": TITLES[status], "status": status, "detail": detail}
        self.rest_api.add_gateway_response(
            kind.response_type, type=kind, templates={"application/json": json.dumps(problem)}
        )
