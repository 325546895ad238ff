"""The buckets of a stack, and their objects with all versions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cdk.account.aws import Clients
from cdk.account.errors import AccountError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

BUCKET = "AWS::S3::Bucket"
KEPT = ("Retain", "RetainExceptOnCreate")
"""Deletion policies with which a deletion of the stack keeps a resource."""

LISTED_AT_ONCE = 1_000
"""The objects that one request lists or deletes."""


@dataclass(frozen=True)
class StackBucket:
    name: str
    kept: bool
    """Whether the bucket stays when the stack is deleted."""


def stack_buckets(client: Clients, stack_name: str) -> list[StackBucket]:
    """The buckets that are resources of the deployed stack. Others that it uses belong to somebody else."""
    cloudformation: CloudFormationClient = client("cloudformation")
    body: Any = cloudformation.get_template(StackName=stack_name)["TemplateBody"]
    policies = {name: each.get("DeletionPolicy", "Delete") for name, each in body["Resources"].items()}
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack_name)
    return [
        StackBucket(resource["PhysicalResourceId"], policies.get(resource["LogicalResourceId"]) in KEPT)
        for page in pages
        for resource in page["StackResourceSummaries"]
        if resource["ResourceType"] == BUCKET
        and resource.get("PhysicalResourceId")
        and resource["ResourceStatus"] != "DELETE_COMPLETE"
    ]


def count_objects(s3: S3Client, bucket: str, limit: int) -> int:
    """The number of objects, old versions and delete markers, up to the limit. A bucket that is gone has none."""
    count = 0
    for objects in _pages(s3, bucket):
        count += len(objects)
        if count >= limit:
            return limit
    return count


def empty(s3: S3Client, bucket: str) -> int:
    """Delete all objects, old versions and delete markers. Returns their number. Raises AccountError."""
    count = 0
    for objects in _pages(s3, bucket):
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
        if errors := answer.get("Errors"):
            first = errors[0]
            raise AccountError(
                f"Cannot delete {first.get('Key')} of the bucket {bucket}: {first.get('Code')} {first.get('Message')}. "
                f"{count:,} objects were deleted."
            )
        count += len(objects)
    return count


def _pages(s3: S3Client, bucket: str) -> Iterator[list[ObjectIdentifierTypeDef]]:
    """The objects of a bucket with all versions and delete markers, by up to a thousand."""
    pages = s3.get_paginator("list_object_versions").paginate(
        Bucket=bucket, PaginationConfig={"PageSize": LISTED_AT_ONCE}
    )
    try:
        for page in pages:
            entries = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
            if entries:
                yield [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in entries]
    except s3.exceptions.NoSuchBucket:
        return
