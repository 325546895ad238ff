"""Reads the properties of deployed resources back from their services, in the form of the template."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from local.aws.cloud import Cloud
from local.aws.stack import Resource

Properties = dict[str, Any]
"""Any: the properties depend on the type of the resource."""


def _fields(source: Mapping[str, Any], *names: str) -> Properties:
    return {name: source[name] for name in names if name in source}


def _capitals(source: Mapping[str, Any]) -> Properties:
    """`stageName` of the API is `StageName` in the template."""
    return {name[0].upper() + name[1:]: value for name, value in source.items()}


def _all_capitals(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _all_capitals(inner) for name, inner in _capitals(value).items()}
    return [_all_capitals(inner) for inner in value] if isinstance(value, list) else value


def _bucket(cloud: Cloud, resource: Resource) -> Properties:
    s3, name = cloud.client("s3"), {"Bucket": resource.physical_id}
    (encryption,) = s3.get_bucket_encryption(**name)["ServerSideEncryptionConfiguration"]["Rules"]
    default = encryption["ApplyServerSideEncryptionByDefault"]
    notification = s3.get_bucket_notification_configuration(**name)
    versioning = s3.get_bucket_versioning(**name)
    return {
        "BucketName": resource.physical_id,
        "BucketEncryption": {"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": default}]},
        "LifecycleConfiguration": {
            "Rules": [_rule(rule) for rule in s3.get_bucket_lifecycle_configuration(**name)["Rules"]]
        },
        "VersioningConfiguration": _fields(versioning, "Status"),
        "PublicAccessBlockConfiguration": s3.get_public_access_block(**name)["PublicAccessBlockConfiguration"],
        "NotificationConfiguration": {
            "EventBridgeConfiguration": {"EventBridgeEnabled": "EventBridgeConfiguration" in notification}
        },
    }


def _rule(rule: Mapping[str, Any]) -> Properties:
    transitions = [
        {"StorageClass": each["StorageClass"], "TransitionInDays": each["Days"]} for each in rule.get("Transitions", [])
    ]
    return {
        "Id": rule["ID"],
        **_fields(rule, "Status", "AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration"),
        **_fields(rule.get("Expiration", {}), "ExpiredObjectDeleteMarker"),
        **({"ExpirationInDays": rule["Expiration"]["Days"]} if "Days" in rule.get("Expiration", {}) else {}),
        **({"Transitions": transitions} if transitions else {}),
        **({"Prefix": rule["Filter"]["Prefix"]} if rule.get("Filter", {}).get("Prefix") else {}),
    }


def _bucket_policy(cloud: Cloud, resource: Resource) -> Properties:
    bucket = resource.properties["Bucket"]
    policy = cloud.client("s3").get_bucket_policy(Bucket=bucket)["Policy"]
    return {"Bucket": bucket, "PolicyDocument": json.loads(policy)}


def _table(cloud: Cloud, resource: Resource) -> Properties:
    dynamodb, name = cloud.client("dynamodb"), {"TableName": resource.physical_id}
    table = dynamodb.describe_table(**name)["Table"]
    recovery = dynamodb.describe_continuous_backups(**name)["ContinuousBackupsDescription"]
    enabled = recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    live = dynamodb.describe_time_to_live(**name)["TimeToLiveDescription"]
    indexes = table.get("GlobalSecondaryIndexes", [])
    return {
        **_fields(table, "TableName", "AttributeDefinitions", "KeySchema"),
        "BillingMode": table["BillingModeSummary"]["BillingMode"],
        "GlobalSecondaryIndexes": [_fields(index, "IndexName", "KeySchema", "Projection") for index in indexes],
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": enabled},
        "TimeToLiveSpecification": {
            "AttributeName": live.get("AttributeName"),
            "Enabled": live["TimeToLiveStatus"] == "ENABLED",
        },
    }


def _key(cloud: Cloud, resource: Resource) -> Properties:
    kms, key = cloud.client("kms"), {"KeyId": resource.physical_id}
    return {
        "Description": kms.describe_key(**key)["KeyMetadata"]["Description"],
        "EnableKeyRotation": kms.get_key_rotation_status(**key)["KeyRotationEnabled"],
        "KeyPolicy": json.loads(kms.get_key_policy(**key, PolicyName="default")["Policy"]),
    }


def _topic(cloud: Cloud, resource: Resource) -> Properties:
    attributes = cloud.client("sns").get_topic_attributes(TopicArn=resource.physical_id)["Attributes"]
    return {"TopicName": resource.physical_id.rpartition(":")[2], **_fields(attributes, "KmsMasterKeyId")}


def _topic_policy(cloud: Cloud, resource: Resource) -> Properties:
    (arn,) = resource.properties["Topics"]
    attributes = cloud.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
    return {"Topics": [arn], "PolicyDocument": json.loads(attributes["Policy"])}


def _queue_attributes(cloud: Cloud, url: str) -> dict[str, str]:
    response: Any = cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    return dict(response["Attributes"])


def _queue(cloud: Cloud, resource: Resource) -> Properties:
    attributes = _queue_attributes(cloud, resource.physical_id)
    return {
        "QueueName": attributes["QueueArn"].rpartition(":")[2],
        "MessageRetentionPeriod": int(attributes["MessageRetentionPeriod"]),
        "SqsManagedSseEnabled": attributes["SqsManagedSseEnabled"] == "true",
    }


def _queue_policy(cloud: Cloud, resource: Resource) -> Properties:
    (url,) = resource.properties["Queues"]
    return {"Queues": [url], "PolicyDocument": json.loads(_queue_attributes(cloud, url)["Policy"])}


def _log_group(cloud: Cloud, resource: Resource) -> Properties:
    (group,) = cloud.client("logs").describe_log_groups(logGroupNamePrefix=resource.physical_id)["logGroups"]
    return {"LogGroupName": group["logGroupName"], "RetentionInDays": group["retentionInDays"]}


def _query(cloud: Cloud, resource: Resource) -> Properties:
    name = resource.properties["Name"]
    found = cloud.client("logs").describe_query_definitions(queryDefinitionNamePrefix=name)["queryDefinitions"]
    return _capitals(found[0])


def _function(cloud: Cloud, resource: Resource) -> Properties:
    found = cloud.client("lambda").get_function_configuration(FunctionName=resource.physical_id)
    logging = _fields(found["LoggingConfig"], "LogGroup")
    return {**found, "LoggingConfig": logging}


def _function_version(cloud: Cloud, resource: Resource) -> Properties:
    return dict(cloud.client("lambda").get_function_configuration(FunctionName=resource.physical_id))


def _permission(cloud: Cloud, resource: Resource) -> Properties:
    name = resource.properties["FunctionName"]
    policy = json.loads(cloud.client("lambda").get_policy(FunctionName=name.rpartition(":")[2])["Policy"])
    source = resource.properties["SourceArn"]
    (statement,) = [each for each in policy["Statement"] if each["Condition"] == {"ArnLike": {"AWS:SourceArn": source}}]
    return {
        "Action": statement["Action"],
        "FunctionName": statement["Resource"],
        "Principal": statement["Principal"]["Service"],
        "SourceArn": source,
    }


def _event_invoke_config(cloud: Cloud, resource: Resource) -> Properties:
    name = resource.properties["FunctionName"]
    found = cloud.client("lambda").get_function_event_invoke_config(FunctionName=name)
    failure = found["DestinationConfig"]["OnFailure"]
    return {**found, "FunctionName": name, "Qualifier": "$LATEST", "DestinationConfig": {"OnFailure": failure}}


def _alarm(cloud: Cloud, resource: Resource) -> Properties:
    found = cloud.client("cloudwatch").describe_alarms(AlarmNames=[resource.properties["AlarmName"]])
    (alarm,) = found["MetricAlarms"]
    return {**alarm, "Metrics": [_metric(metric) for metric in alarm["Metrics"]]}


def _metric(metric: Mapping[str, Any]) -> Properties:
    """Without the empty list of dimensions."""
    if "MetricStat" not in metric:
        return dict(metric)
    stat = metric["MetricStat"]
    return {
        **metric,
        "MetricStat": {**stat, "Metric": {name: value for name, value in stat["Metric"].items() if value}},
    }


def _dashboard(cloud: Cloud, resource: Resource) -> Properties:
    return dict(cloud.client("cloudwatch").get_dashboard(DashboardName=resource.physical_id))


def _rule_of_events(cloud: Cloud, resource: Resource) -> Properties:
    events, name = cloud.client("events"), resource.physical_id
    rule = events.describe_rule(Name=name)
    targets = events.list_targets_by_rule(Rule=name)["Targets"]
    return {**rule, "EventPattern": json.loads(rule["EventPattern"]), "Targets": targets}


def _role(cloud: Cloud, resource: Resource) -> Properties:
    iam, name = cloud.client("iam"), {"RoleName": resource.physical_id}
    attached = iam.list_attached_role_policies(**name)["AttachedPolicies"]
    return {
        **iam.get_role(**name)["Role"],
        "ManagedPolicyArns": [policy["PolicyArn"] for policy in attached],
    }


def _policy(cloud: Cloud, resource: Resource) -> Properties:
    iam, policy = cloud.client("iam"), resource.properties["PolicyName"]
    found = [iam.get_role_policy(RoleName=role, PolicyName=policy) for role in resource.properties["Roles"]]
    assert all(each["PolicyDocument"] == found[0]["PolicyDocument"] for each in found)
    return {**found[0], "Roles": [each["RoleName"] for each in found]}


def _state_machine(cloud: Cloud, resource: Resource) -> Properties:
    found = cloud.client("stepfunctions").describe_state_machine(stateMachineArn=resource.physical_id)
    return {
        "DefinitionString": found["definition"],
        "RoleArn": found["roleArn"],
        "StateMachineName": found["name"],
        "StateMachineType": found["type"],
        "LoggingConfiguration": _all_capitals(found["loggingConfiguration"]),
        "TracingConfiguration": _all_capitals(found["tracingConfiguration"]),
    }


def _gateway(call: str, *names: str) -> Callable[[Cloud, Resource], Properties]:
    """A call of API Gateway with these properties as parameters."""

    def read(cloud: Cloud, resource: Resource) -> Properties:
        parameters = {name[0].lower() + name[1:]: resource.properties[name] for name in names}
        if not names:
            parameters["restApiId"] = resource.physical_id
        found = _capitals(getattr(cloud.client("apigateway"), call)(**parameters))
        return {**found, **_fields(resource.properties, "RestApiId", "ResourceId")}

    return read


def _rest_api(cloud: Cloud, resource: Resource) -> Properties:
    found = _gateway("get_rest_api")(cloud, resource)
    return {**found, "EndpointConfiguration": {"Types": found["EndpointConfiguration"]["types"]}}


def _gateway_account(cloud: Cloud, resource: Resource) -> Properties:
    return {"CloudWatchRoleArn": cloud.client("apigateway").get_account()["cloudwatchRoleArn"]}


def _gateway_resource(cloud: Cloud, resource: Resource) -> Properties:
    api = resource.properties["RestApiId"]
    found = cloud.client("apigateway").get_resource(restApiId=api, resourceId=resource.physical_id)
    return {**_capitals(found), "RestApiId": api}


def _deployment(cloud: Cloud, resource: Resource) -> Properties:
    api = resource.properties["RestApiId"]
    (found,) = cloud.client("apigateway").get_deployments(restApiId=api)["items"]
    return {**_capitals(found), "RestApiId": api}


def _method(cloud: Cloud, resource: Resource) -> Properties:
    found = _gateway("get_method", "RestApiId", "ResourceId", "HttpMethod")(cloud, resource)
    integration = found["MethodIntegration"]
    expected = resource.properties["Integration"]
    read = {"IntegrationHttpMethod": integration["httpMethod"], "Type": integration["type"], "Uri": integration["uri"]}
    return {**found, "Integration": {name: read.get(name) for name in expected}}


def _stage(cloud: Cloud, resource: Resource) -> Properties:
    found = _gateway("get_stage", "RestApiId", "StageName")(cloud, resource)
    settings = []
    for expected in resource.properties["MethodSettings"]:
        (read,) = found["MethodSettings"].values()
        capitals = _capitals(read)
        place = _fields(expected, "HttpMethod", "ResourcePath")
        settings.append({**place, **{name: capitals[name] for name in expected if name not in place}})
    deployment = resource.properties["DeploymentId"]
    assert found["DeploymentId"] == deployment.id  # the physical ID of a deployment is moto's object
    return {
        **found,
        "AccessLogSetting": _capitals(found["AccessLogSettings"]),
        "MethodSettings": settings,
        "DeploymentId": deployment,
    }


READERS: Mapping[str, Callable[[Cloud, Resource], Properties]] = {
    "AWS::ApiGateway::Account": _gateway_account,
    "AWS::ApiGateway::Deployment": _deployment,
    "AWS::ApiGateway::GatewayResponse": _gateway("get_gateway_response", "RestApiId", "ResponseType"),
    "AWS::ApiGateway::Method": _method,
    "AWS::ApiGateway::Resource": _gateway_resource,
    "AWS::ApiGateway::RestApi": _rest_api,
    "AWS::ApiGateway::Stage": _stage,
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::CloudWatch::Dashboard": _dashboard,
    "AWS::DynamoDB::Table": _table,
    "AWS::Events::Rule": _rule_of_events,
    "AWS::IAM::Policy": _policy,
    "AWS::IAM::Role": _role,
    "AWS::KMS::Key": _key,
    "AWS::Lambda::EventInvokeConfig": _event_invoke_config,
    "AWS::Lambda::Function": _function,
    "AWS::Lambda::Permission": _permission,
    "AWS::Lambda::Version": _function_version,
    "AWS::Logs::LogGroup": _log_group,
    "AWS::Logs::QueryDefinition": _query,
    "AWS::S3::Bucket": _bucket,
    "AWS::S3::BucketPolicy": _bucket_policy,
    "AWS::SNS::Topic": _topic,
    "AWS::SNS::TopicPolicy": _topic_policy,
    "AWS::SQS::Queue": _queue,
    "AWS::SQS::QueuePolicy": _queue_policy,
    "AWS::StepFunctions::StateMachine": _state_machine,
}
"""By resource type. They return at least the properties that the local AWS keeps."""
