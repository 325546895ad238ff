from collections.abc import Mapping
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk.assertions import Template as AssertionsTemplate

from cdk.resources.buckets import Buckets
from cdk.settings import Settings
from tests.infra.rendered import Template

BLOCKED = {
    "BlockPublicAcls": True,
    "BlockPublicPolicy": True,
    "IgnorePublicAcls": True,
    "RestrictPublicBuckets": True,
}
S3_MANAGED = {"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
UNFINISHED_UPLOADS = {
    "Id": "unfinished-uploads",
    "Status": "Enabled",
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
}


def test_the_images_bucket_is_exactly_as_specified(template: Template) -> None:
    [images] = [each for name, each in template.all("AWS::S3::Bucket").items() if "Images" in name]

    assert images == {
        "Type": "AWS::S3::Bucket",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
        "Properties": {
            "PublicAccessBlockConfiguration": BLOCKED,
            "BucketEncryption": S3_MANAGED,
            "LifecycleConfiguration": {
                "Rules": [
                    {
                        "Id": "glacier-instant-retrieval",
                        "Status": "Enabled",
                        "Transitions": [{"StorageClass": "GLACIER_IR", "TransitionInDays": 1}],
                    },
                    UNFINISHED_UPLOADS,
                ]
            },
        },
    }


def test_the_input_bucket_is_private_and_sends_events_to_eventbridge(template: Template) -> None:
    assert template.only("AWS::S3::Bucket", "BucketsInput") == {
        "PublicAccessBlockConfiguration": BLOCKED,
        "BucketEncryption": S3_MANAGED,
        "NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
        "VersioningConfiguration": {"Status": "Enabled"},
        "LifecycleConfiguration": {
            "Rules": [
                versions_of("manifests", 30),
                versions_of("submitted", 30),
                versions_of("runs", 1),
                {"Id": "expired-delete-markers", "Status": "Enabled", "ExpiredObjectDeleteMarker": True},
                UNFINISHED_UPLOADS,
            ]
        },
    }


def versions_of(folder: str, days: int) -> Mapping[str, object]:
    return {
        "Id": f"{folder}-versions",
        "Status": "Enabled",
        "Prefix": f"{folder}/",
        "NoncurrentVersionExpiration": {"NoncurrentDays": days},
    }


@pytest.mark.parametrize(("timeout", "kept"), [(1, 30), (29, 30), (30, 31), (365, 366)])
def test_a_version_of_a_manifest_is_kept_longer_than_its_run_may_take(timeout: int, kept: int) -> None:
    buckets = Buckets(Stack(), "Buckets", settings=Settings(run_timeout_days=timeout))
    rules = Template(AssertionsTemplate.from_stack(Stack.of(buckets)).to_json()).only("AWS::S3::Bucket", "BucketsInput")

    assert [rule["NoncurrentVersionExpiration"]["NoncurrentDays"] for rule in version_rules(rules)] == [kept, kept, 1]


def version_rules(bucket: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [rule for rule in bucket["LifecycleConfiguration"]["Rules"] if "NoncurrentVersionExpiration" in rule]


def test_the_input_bucket_refuses_plain_http(template: Template) -> None:
    [statement] = template.only("AWS::S3::BucketPolicy", "BucketsInput")["PolicyDocument"]["Statement"]

    assert (statement["Effect"], statement["Action"]) == ("Deny", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_reports_outlive_the_stack_but_not_a_failed_creation(template: Template) -> None:
    [bucket] = [each for name, each in template.all("AWS::S3::Bucket").items() if "Input" in name]

    assert bucket["DeletionPolicy"] == "RetainExceptOnCreate"


def test_settings_change_lifecycle_and_retention_of_the_buckets(
    other_template: Template, other_settings: Settings
) -> None:
    [moved, _] = other_template.only("AWS::S3::Bucket", "BucketsImages")["LifecycleConfiguration"]["Rules"]
    [expired, *_] = other_template.only("AWS::S3::Bucket", "BucketsInput")["LifecycleConfiguration"]["Rules"]
    [input_bucket] = [each for name, each in other_template.all("AWS::S3::Bucket").items() if "Input" in name]

    assert moved["ObjectSizeGreaterThan"] == other_settings.glacier_object_size_greater_than
    assert expired["Prefix"] == "runs/"
    assert expired["ExpirationInDays"] == other_settings.run_files_expire_after_days
    assert input_bucket["DeletionPolicy"] == "Delete"


def test_the_images_table_is_keyed_by_url_and_paid_by_use(template: Template) -> None:
    [images] = [each for name, each in template.all("AWS::DynamoDB::Table").items() if "Images" in name]

    assert images["DeletionPolicy"] == "Delete"
    assert images["Properties"] == {
        "AttributeDefinitions": [{"AttributeName": "url", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "url", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": False},
    }


def test_a_setting_turns_recovery_of_the_images_table_on(other_template: Template) -> None:
    images = other_template.only("AWS::DynamoDB::Table", "TablesImages")

    assert images["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_rows_of_the_runs_table_expire(template: Template) -> None:
    runs = template.only("AWS::DynamoDB::Table", "TablesRuns")

    assert runs["KeySchema"] == [{"AttributeName": "run_id", "KeyType": "HASH"}]
    assert runs["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert runs["BillingMode"] == "PAY_PER_REQUEST"


def test_the_hosts_table_is_a_cache_whose_items_expire(template: Template) -> None:
    [hosts] = [each for name, each in template.all("AWS::DynamoDB::Table").items() if "Hosts" in name]

    assert hosts["DeletionPolicy"] == "Delete"
    assert hosts["Properties"] == {
        "AttributeDefinitions": [{"AttributeName": "host", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "host", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
        "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
    }


def test_runs_are_listed_by_their_start(template: Template) -> None:
    [index] = template.only("AWS::DynamoDB::Table", "TablesRuns")["GlobalSecondaryIndexes"]

    assert index["IndexName"] == "newest"
    assert index["KeySchema"] == [
        {"AttributeName": "kind", "KeyType": "HASH"},
        {"AttributeName": "started_at", "KeyType": "RANGE"},
    ]
    assert index["Projection"] == {"ProjectionType": "ALL"}
