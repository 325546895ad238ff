"""A small cloud assembly with every kind of resource that the real stack has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ASSETS = {"Fn::Sub": "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"}


def _function(handler: str, timeout: int) -> dict[str, Any]:
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Code": {"S3Bucket": ASSETS, "S3Key": "code.zip"},
            "Handler": f"tests.unit.local.handlers.{handler}",
            "Runtime": "python3.13",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Timeout": timeout,
            "MemorySize": 256,
            "Environment": {"Variables": {"INPUT_BUCKET": {"Ref": "Input"}, "ALLOWED_NETWORKS": "192.0.2.0/24"}},
            "LoggingConfig": {"LogGroup": {"Ref": "Log"}},
        },
    }


def _table(key: str) -> dict[str, Any]:
    return {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
        },
    }


VERSION = {"Version": "2012-10-17"}
ASSUME_ROLE = {
    **VERSION,
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": f"{service}.amazonaws.com"}}
        for service in ("lambda", "states", "events")
    ],
}
PERMISSIONS = {
    **VERSION,
    "Statement": [
        {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": {"Fn::GetAtt": ["Function", "Arn"]}},
        {"Effect": "Allow", "Action": "states:StartExecution", "Resource": {"Ref": "Machine"}},
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": {"Fn::GetAtt": ["Log", "Arn"]},
        },
        {"Effect": "Allow", "Action": "xray:PutTraceSegments", "Resource": "*"},
    ],
}
DEAD_LETTERS = {
    **VERSION,
    "Statement": {
        "Effect": "Allow",
        "Action": "sqs:SendMessage",
        "Principal": {"Service": "events.amazonaws.com"},
        "Resource": {"Fn::GetAtt": ["Dead", "Arn"]},
        "Condition": {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["Rule", "Arn"]}}},
    },
}

DEFINITION = {
    "StartAt": "Work",
    "States": {
        "Work": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "FUNCTION", "Payload.$": "$"},
            "OutputPath": "$.Payload",
            "End": True,
        }
    },
}


def _joined(definition: dict[str, Any]) -> dict[str, Any]:
    """The definition as the CDK renders it: text joined with references."""
    before, after = json.dumps(definition).split('"FUNCTION"', 1)
    return {"Fn::Join": ["", [f'{before}"', {"Fn::GetAtt": ["Function", "Arn"]}, f'"{after}']]}


def template(handler: str = "echo", timeout: int = 20) -> dict[str, Any]:
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [{"Ref": "Input"}]}, "object": {"key": [{"prefix": "manifests/"}]}},
    }
    target = {
        "Id": "Target0",
        "Arn": {"Ref": "Machine"},
        "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
        "DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["Dead", "Arn"]}},
    }
    notifications = {"NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}}
    return {
        "Parameters": {
            "BootstrapVersion": {
                "Type": "AWS::SSM::Parameter::Value<String>",
                "Default": "/cdk-bootstrap/hnb659fds/version",
            },
        },
        "Resources": {
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": ASSUME_ROLE}},
            "Permissions": {
                "Type": "AWS::IAM::Policy",
                "Properties": {"PolicyName": "p", "PolicyDocument": PERMISSIONS, "Roles": [{"Ref": "Role"}]},
            },
            "Input": {"Type": "AWS::S3::Bucket", "Properties": notifications},
            "Images": {"Type": "AWS::S3::Bucket"},
            "InputPolicy": {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": {"Ref": "Input"}}},
            "ImagesTable": _table("url"),
            "RunsTable": _table("run_id"),
            "Topic": {"Type": "AWS::SNS::Topic"},
            "Log": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 30}},
            "Function": {**_function(handler, timeout), "DependsOn": ["Role", "InputPolicy"]},
            "Machine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {
                    "DefinitionString": _joined(DEFINITION),
                    "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                },
            },
            "Dead": {"Type": "AWS::SQS::Queue"},
            "DeadPolicy": {
                "Type": "AWS::SQS::QueuePolicy",
                "Properties": {"Queues": [{"Ref": "Dead"}], "PolicyDocument": DEAD_LETTERS},
            },
            "Rule": {
                "Type": "AWS::Events::Rule",
                "Properties": {"EventPattern": pattern, "State": "ENABLED", "Targets": [target]},
            },
        },
        "Outputs": {
            "InputBucket": {"Value": {"Ref": "Input"}},
            "ImagesBucket": {"Value": {"Ref": "Images"}},
            "ImagesTable": {"Value": {"Ref": "ImagesTable"}},
            "RunsTable": {"Value": {"Ref": "RunsTable"}},
            "TopicArn": {"Value": {"Ref": "Topic"}},
            "StateMachineArn": {"Value": {"Ref": "Machine"}},
        },
    }


def write(folder: Path, stack: dict[str, Any]) -> Path:
    """Write the files of a synthesis that a deployment reads."""
    artifact = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "Small.template.json"}}
    destination = {"here": {"bucketName": "…", "objectKey": "code.zip"}}
    code = {"source": {"path": "asset.code", "packaging": "zip"}, "destinations": destination}
    for name, content in {
        "manifest.json": {"artifacts": {"Small": artifact, "Tree": {"type": "cdk:tree"}}},
        "Small.assets.json": {"files": {"code": code}},
        "Small.template.json": stack,
    }.items():
        (folder / name).write_text(json.dumps(content))
    return folder
