"""The settings of the template that moto's CloudFormation ignores, so that they can be read back.

Each is set in moto's own objects: a request for each of them would take a third of a second of every deployment.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from moto.apigateway.models import apigateway_backends
from moto.awslambda.models import LambdaFunction, lambda_backends
from moto.core.responses import ActionResult
from moto.dynamodb.models import dynamodb_backends
from moto.kms.models import kms_backends
from moto.s3.models import PublicAccessBlock, s3_backends
from moto.s3.responses import S3Response
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from local.aws.backend.alarms import put_alarm
from local.aws.backend.application import ACCOUNT, PARTITION, REGION
from local.aws.backend.functions import stored_versions
from local.aws.backend.queries import put_query_definition

Properties = Mapping[str, Any]
"""The properties of a resource, with references resolved. Any: they depend on its type."""

LIFECYCLE_RULE = frozenset(
    {
        *("Id", "Status", "Prefix", "Transitions", "AbortIncompleteMultipartUpload", "ExpirationInDays"),
        *("ExpiredObjectDeleteMarker", "NoncurrentVersionExpiration"),
    }
)
"""The fields of a rule of LifecycleConfiguration that are known here."""


class UnknownSettingError(Exception):
    """A setting that cannot be kept here; the message says which."""


def keep_settings(resource_type: str, physical_id: str, properties: Properties) -> None:
    """Set what CloudFormation would have set. Raises UnknownSettingError."""
    keep = _KEEPERS.get(resource_type)
    if keep is not None:
        keep(physical_id, properties)


def _bucket(name: str, properties: Properties) -> None:
    bucket: Any = s3_backends[ACCOUNT][PARTITION].get_bucket(name)
    if "LifecycleConfiguration" in properties:
        bucket.set_lifecycle([_lifecycle_rule(rule) for rule in properties["LifecycleConfiguration"]["Rules"]])
    if "VersioningConfiguration" in properties:
        bucket.versioning_status = properties["VersioningConfiguration"]["Status"]
    if "PublicAccessBlockConfiguration" in properties:
        block = properties["PublicAccessBlockConfiguration"]
        names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
        bucket.public_access_block = PublicAccessBlock(*(block.get(name, False) for name in names))


def _lifecycle_rule(rule: Properties) -> dict[str, Any]:
    """A rule in the form of the S3 API."""
    unknown = sorted(set(rule) - LIFECYCLE_RULE)
    if unknown:
        raise UnknownSettingError(f"the local AWS does not support {', '.join(unknown)} of a lifecycle rule")
    transitions = [
        {"Days": str(transition["TransitionInDays"]), "StorageClass": transition["StorageClass"]}
        for transition in rule.get("Transitions", [])
    ]
    upload = rule.get("AbortIncompleteMultipartUpload", {})
    noncurrent = rule.get("NoncurrentVersionExpiration", {})
    unknown_of_versions = sorted(set(noncurrent) - {"NoncurrentDays"})
    if unknown_of_versions:
        raise UnknownSettingError(
            f"the local AWS does not support {', '.join(unknown_of_versions)} of a lifecycle rule"
        )
    expiration = {
        **({"Days": str(rule["ExpirationInDays"])} if "ExpirationInDays" in rule else {}),
        **({"ExpiredObjectDeleteMarker": "true"} if rule.get("ExpiredObjectDeleteMarker") else {}),
    }
    return {
        **({"ID": rule["Id"]} if "Id" in rule else {}),
        "Status": rule["Status"],
        "Filter": {"Prefix": rule.get("Prefix", "")},
        **({"Transition": transitions} if transitions else {}),
        **({"AbortIncompleteMultipartUpload": {name: str(days) for name, days in upload.items()}} if upload else {}),
        **({"Expiration": expiration} if expiration else {}),
        **(
            {"NoncurrentVersionExpiration": {"NoncurrentDays": str(noncurrent["NoncurrentDays"])}} if noncurrent else {}
        ),
    }


def _bucket_policy(_: str, properties: Properties) -> None:
    policy = json.dumps(properties.get("PolicyDocument", {})).encode()
    s3_backends[ACCOUNT][PARTITION].put_bucket_policy(properties["Bucket"], policy)


def _table(name: str, properties: Properties) -> None:
    if "TimeToLiveSpecification" in properties:
        dynamodb_backends[ACCOUNT][REGION].update_time_to_live(name, dict(properties["TimeToLiveSpecification"]))


def _key(key_id: str, properties: Properties) -> None:
    """moto keeps the policy as an object, and then fails to read it."""
    key: Any = kms_backends[ACCOUNT][REGION].keys[key_id]
    key.policy = json.dumps(properties["KeyPolicy"])


def _topic_policy(_: str, properties: Properties) -> None:
    for arn in properties["Topics"]:
        sns_backends[ACCOUNT][REGION].topics[arn].policy = json.dumps(properties["PolicyDocument"])


def _queue_policy(_: str, properties: Properties) -> None:
    for url in properties["Queues"]:
        queue: Any = sqs_backends[ACCOUNT][REGION].get_queue(url.rsplit("/", 1)[-1])
        queue.policy = json.dumps(properties["PolicyDocument"])


def _function(name: str, properties: Properties) -> None:
    for function in stored_versions(name):
        function.architectures = properties.get("Architectures", ["x86_64"])
        function.tracing_config = properties.get("TracingConfig", {"Mode": "PassThrough"})
        function.ephemeral_storage = properties.get("EphemeralStorage", {}).get("Size", 512)
        function.reserved_concurrency = properties.get("ReservedConcurrentExecutions")
        logging = {"LogFormat": "Text", "LogGroup": function.logs_group_name}
        function.logging_config = {**logging, **properties.get("LoggingConfig", {})}


def _function_version(_: str, properties: Properties) -> None:
    unknown = sorted(set(properties) - {"FunctionName", "Description"})
    if unknown:
        raise UnknownSettingError(f"the local AWS does not support {', '.join(unknown)} of a version")


def _event_invoke_config(_: str, properties: Properties) -> None:
    fields = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")
    config = {name: properties[name] for name in fields if name in properties}
    lambda_backends[ACCOUNT][REGION].put_function_event_invoke_config(properties["FunctionName"], config)


def _stage(_: str, properties: Properties) -> None:
    backend: Any = apigateway_backends[ACCOUNT][REGION]
    deployment = properties["DeploymentId"]  # moto's object, which has no physical ID
    stage = backend.create_stage(
        properties["RestApiId"],
        properties["StageName"],
        getattr(deployment, "id", deployment),
        tracing_enabled=properties.get("TracingEnabled"),
    )
    if "AccessLogSetting" in properties:
        stage.access_log_settings = _lower_names(properties["AccessLogSetting"])
    for setting in properties.get("MethodSettings", []):
        path = f"{setting['ResourcePath'].lstrip('/').replace('/', '~1') or '*'}/{setting['HttpMethod']}"
        values = {name: value for name, value in setting.items() if name not in ("ResourcePath", "HttpMethod")}
        stage.method_settings[path] = {**stage._get_default_method_settings(), **_lower_names(values)}


def _gateway_response(_: str, properties: Properties) -> None:
    backend: Any = apigateway_backends[ACCOUNT][REGION]
    backend.put_gateway_response(
        properties["RestApiId"],
        properties["ResponseType"],
        properties.get("StatusCode"),
        properties.get("ResponseParameters"),
        properties.get("ResponseTemplates"),
    )


def _gateway_account(_: str, properties: Properties) -> None:
    backend: Any = apigateway_backends[ACCOUNT][REGION]
    backend.account.cloudwatch_role_arn = properties["CloudWatchRoleArn"]


def _rest_api(api_id: str, properties: Properties) -> None:
    if "EndpointConfiguration" in properties:
        api: Any = apigateway_backends[ACCOUNT][REGION].get_rest_api(api_id)
        api.endpoint_configuration = _lower_names(properties["EndpointConfiguration"])


def _lower_names(fields: Properties) -> dict[str, Any]:
    """`ThrottlingRateLimit` of CloudFormation is `throttlingRateLimit` in the API."""
    return {name[0].lower() + name[1:]: value for name, value in fields.items()}


_KEEPERS: Mapping[str, Callable[[str, Properties], object]] = {
    "AWS::ApiGateway::Account": _gateway_account,
    "AWS::ApiGateway::GatewayResponse": _gateway_response,
    "AWS::ApiGateway::RestApi": _rest_api,
    "AWS::ApiGateway::Stage": _stage,
    "AWS::CloudWatch::Alarm": lambda _, properties: put_alarm(properties),
    "AWS::DynamoDB::Table": _table,
    "AWS::KMS::Key": _key,
    "AWS::Lambda::EventInvokeConfig": _event_invoke_config,
    "AWS::Lambda::Function": _function,
    "AWS::Lambda::Version": _function_version,
    "AWS::Logs::QueryDefinition": lambda _, properties: put_query_definition(properties),
    "AWS::S3::Bucket": _bucket,
    "AWS::S3::BucketPolicy": _bucket_policy,
    "AWS::SNS::TopicPolicy": _topic_policy,
    "AWS::SQS::QueuePolicy": _queue_policy,
}
"""By resource type. They take the physical ID and the properties of a resource."""

KEPT_TYPES = frozenset(_KEEPERS)


def _with_logging_config(configuration: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """moto has no LoggingConfig of a function."""

    def with_logging_config(function: Any, *args: Any, **options: Any) -> dict[str, Any]:
        logging = getattr(function, "logging_config", None)
        return {**configuration(function, *args, **options), **({"LoggingConfig": logging} if logging else {})}

    return with_logging_config


def _with_event_bridge(notification: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """moto leaves EventBridgeConfiguration out of GetBucketNotificationConfiguration."""

    def with_event_bridge(response: Any) -> Any:
        found = response.backend.get_bucket_notification_configuration(response.bucket_name)
        if found is None or found.event_bridge is None or found.topic or found.queue or found.cloud_function:
            return notification(response)
        response.data["Action"] = "GetBucketNotificationConfiguration"
        return response.serialized(ActionResult({"EventBridgeConfiguration": {}}))

    return with_event_bridge


_get_configuration: Any = LambdaFunction.get_configuration
_get_notification: Any = S3Response.get_bucket_notification
setattr(LambdaFunction, "get_configuration", _with_logging_config(_get_configuration))  # noqa: B010
setattr(S3Response, "get_bucket_notification", _with_event_bridge(_get_notification))  # noqa: B010
