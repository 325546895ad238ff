"""The three tables."""

from aws_cdk import RemovalPolicy
from aws_cdk.aws_dynamodb import (
    Attribute,
    AttributeType,
    BillingMode,
    PointInTimeRecoverySpecification,
    Table,
)
from constructs import Construct

from cdk.settings import Settings

NEWEST_INDEX = "newest"


class Tables(Construct):
    """`images` has an item for every image in the bucket, `runs` one for every run until it expires.

    `hosts` is a cache of what the batches of all runs share about hosts: robots.txt, for a day. Its items may be lost.
    """

    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:  # noqa: A002
        super().__init__(scope, id)
        self.images = Table(
            self,
            "Images",
            partition_key=Attribute(name="url", type=AttributeType.STRING),
            billing_mode=BillingMode.PAY_PER_REQUEST,
            removal_policy=RemovalPolicy.DESTROY,
            point_in_time_recovery_specification=PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=settings.images_point_in_time_recovery
            ),
        )
        self.runs = Table(
            self,
            "Runs",
            partition_key=Attribute(name="run_id", type=AttributeType.STRING),
            billing_mode=BillingMode.PAY_PER_REQUEST,
            removal_policy=RemovalPolicy.DESTROY,
            time_to_live_attribute="expires_at",
        )
        self.hosts = Table(
            self,
            "Hosts",
            partition_key=Attribute(name="host", type=AttributeType.STRING),
            billing_mode=BillingMode.PAY_PER_REQUEST,
            removal_policy=RemovalPolicy.DESTROY,
            time_to_live_attribute="expires_at",
        )
        # A single partition, so that one query returns the newest runs of every status. A partition supports 1,000
        # writes per second, and a run makes about five.
        self.runs.add_global_secondary_index(
            index_name=NEWEST_INDEX,
            partition_key=Attribute(name="kind", type=AttributeType.STRING),
            sort_key=Attribute(name="started_at", type=AttributeType.STRING),
        )
