from aws_cdk import Duration, RemovalPolicy
from aws_cdk.aws_s3 import (
    BlockPublicAccess,
    Bucket,
    BucketEncryption,
    CfnBucket,
    LifecycleRule,
    StorageClass,
    Transition,
)
from constructs import Construct

from cdk.settings import Settings

# An upload that is begun and never ended is invisible and billed.
_UNFINISHED_UPLOADS = LifecycleRule(id="unfinished-uploads", abort_incomplete_multipart_upload_after=Duration.days(1))


class Buckets(Construct):
    """`images` holds nothing but images; `input` everything else: manifests, API lists, files of the runs."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:  # noqa: A002
        super().__init__(scope, id)
        self.images = Bucket(
            self,
            "Images",
            block_public_access=BlockPublicAccess.BLOCK_ALL,
            encryption=BucketEncryption.S3_MANAGED,
            versioned=False,
            removal_policy=RemovalPolicy.DESTROY,
            lifecycle_rules=[
                LifecycleRule(
                    id="glacier-instant-retrieval",
                    object_size_greater_than=settings.glacier_object_size_greater_than,
                    transitions=[
                        Transition(
                            storage_class=StorageClass.GLACIER_INSTANT_RETRIEVAL,
                            transition_after=Duration.days(1),
                        )
                    ],
                ),
                _UNFINISHED_UPLOADS,
            ],
        )
        self.input = Bucket(
            self,
            "Input",
            block_public_access=BlockPublicAccess.BLOCK_ALL,
            encryption=BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            removal_policy=_input_removal(settings),
            lifecycle_rules=[*_expiry_of_runs(settings), _UNFINISHED_UPLOADS],
        )
        _send_events(self.input)


def _input_removal(settings: Settings) -> RemovalPolicy:
    """Reports outlive the stack by default; a bucket whose creation failed never does."""
    return RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if settings.keep_input_bucket else RemovalPolicy.DESTROY


def _expiry_of_runs(settings: Settings) -> list[LifecycleRule]:
    days = settings.run_files_expire_after_days
    return [LifecycleRule(id="run-files", prefix="runs/", expiration=Duration.days(days))] if days else []


def _send_events(bucket: Bucket) -> None:
    """To EventBridge. By the template itself: `event_bridge_enabled` adds a Lambda function to do it."""
    resource = bucket.node.default_child
    assert isinstance(resource, CfnBucket)
    resource.notification_configuration = CfnBucket.NotificationConfigurationProperty(
        event_bridge_configuration=CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
    )
