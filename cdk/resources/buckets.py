"""The two buckets. The images bucket may be one that exists already."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk.aws_s3 import (
    BlockPublicAccess,
    Bucket,
    BucketEncryption,
    CfnBucket,
    IBucket,
    LifecycleRule,
    StorageClass,
    Transition,
)
from constructs import Construct

from cdk.settings import Settings

# The parts of an incomplete multipart upload are not listed, but they are billed.
_ABORT_INCOMPLETE_UPLOADS = LifecycleRule(
    id="unfinished-uploads", abort_incomplete_multipart_upload_after=Duration.days(1)
)


_EXPIRED_DELETE_MARKERS = LifecycleRule(id="expired-delete-markers", expired_object_delete_marker=True)

MANIFEST_VERSION_DAYS = 30
"""Days for which a manifest that was replaced or deleted is kept, if a run cannot take longer."""


class Buckets(Construct):
    """`images` contains the mirrored images, `input` manifests, submitted lists and the files of the runs.

    An existing images bucket is not configured here, and contains objects of its owner too.

    `input` has versions: every step of a run reads the version of the manifest that started it.
    """

    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:  # noqa: A002
        super().__init__(scope, id)
        self.has_existing_images = bool(settings.images_bucket)
        self.images: IBucket = (
            Bucket.from_bucket_name(self, "Images", settings.images_bucket)
            if self.has_existing_images
            else _new_images_bucket(self, settings)
        )
        self.image_pattern = f"{settings.images_prefix}*"
        self.images_key_arn = settings.images_bucket_key_arn
        self.input = Bucket(
            self,
            "Input",
            block_public_access=BlockPublicAccess.BLOCK_ALL,
            encryption=BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            versioned=True,
            removal_policy=_input_removal_policy(settings),
            lifecycle_rules=[
                *_run_files_expiration(settings),
                *_version_expiration(settings),
                _EXPIRED_DELETE_MARKERS,
                _ABORT_INCOMPLETE_UPLOADS,
            ],
        )
        _enable_eventbridge(self.input)


def _new_images_bucket(scope: Construct, settings: Settings) -> Bucket:
    return Bucket(
        scope,
        "Images",
        block_public_access=BlockPublicAccess.BLOCK_ALL,
        encryption=BucketEncryption.S3_MANAGED,
        versioned=False,
        removal_policy=RemovalPolicy.DESTROY,
        lifecycle_rules=[_glacier_transition(settings), _ABORT_INCOMPLETE_UPLOADS],
    )


def _glacier_transition(settings: Settings) -> LifecycleRule:
    return LifecycleRule(
        id="glacier-instant-retrieval",
        object_size_greater_than=settings.glacier_object_size_greater_than,
        transitions=[
            Transition(storage_class=StorageClass.GLACIER_INSTANT_RETRIEVAL, transition_after=Duration.days(1))
        ],
    )


def _input_removal_policy(settings: Settings) -> RemovalPolicy:
    """Manifests and reports are retained when the stack is deleted, unless the settings say otherwise.

    A bucket of a stack whose creation failed is deleted in any case.
    """
    return RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if settings.keep_input_bucket else RemovalPolicy.DESTROY


def _run_files_expiration(settings: Settings) -> list[LifecycleRule]:
    days = settings.run_files_expire_after_days
    return [LifecycleRule(id="run-files", prefix="runs/", expiration=Duration.days(days))] if days else []


def _version_expiration(settings: Settings) -> list[LifecycleRule]:
    """Versions of manifests outlive every run that reads them; those of the files of a run are not read again."""
    manifest_days = max(MANIFEST_VERSION_DAYS, settings.run_timeout_days + 1)
    return [
        LifecycleRule(
            id=f"{name}-versions", prefix=f"{name}/", noncurrent_version_expiration=Duration.days(number_of_days)
        )
        for name, number_of_days in (("manifests", manifest_days), ("submitted", manifest_days), ("runs", 1))
    ]


def _enable_eventbridge(bucket: Bucket) -> None:
    """Send the bucket's events to EventBridge. CDK's `event_bridge_enabled` would add a Lambda function to set this."""
    resource = bucket.node.default_child
    assert isinstance(resource, CfnBucket)
    resource.notification_configuration = CfnBucket.NotificationConfigurationProperty(
        event_bridge_configuration=CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
    )
