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

NEWEST = "newest"


class Tables(Construct):
    """`images`: a row for every image in the bucket. `runs`: a row for every run, until it expires."""

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
        # One partition for all, so that one query gives the newest of every status; it takes a thousand writes a
        # second, and a run makes a handful.
        self.runs.add_global_secondary_index(
            index_name=NEWEST,
            partition_key=Attribute(name="kind", type=AttributeType.STRING),
            sort_key=Attribute(name="started_at", type=AttributeType.STRING),
        )
