"""A log group."""

from aws_cdk import RemovalPolicy
from aws_cdk.aws_logs import CfnLogGroup, LogGroup
from constructs import Construct

from cdk.settings import Settings


class StackLogGroup(LogGroup):
    """A log group that is deleted with the stack."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings, name: str | None = None) -> None:  # noqa: A002
        super().__init__(scope, id, log_group_name=name, removal_policy=RemovalPolicy.DESTROY)
        resource = self.node.default_child
        assert isinstance(resource, CfnLogGroup)
        # Set on the resource, because the construct takes an enum where the setting is a number of days.
        resource.retention_in_days = settings.log_retention_days
