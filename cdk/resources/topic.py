"""The SNS topic and its key."""

from aws_cdk import RemovalPolicy
from aws_cdk.aws_kms import Key
from aws_cdk.aws_sns import Topic
from constructs import Construct

from cdk.settings import Settings


class Notifications(Construct):
    """One topic for failures, finished runs and alarms, encrypted with a customer managed key.

    CloudWatch alarms cannot publish to a topic that is encrypted with the AWS managed key (alias/aws/sns).
    """

    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:  # noqa: A002
        super().__init__(scope, id)
        self.key = Key(
            self,
            "Key",
            description=f"Encrypts the messages of {settings.deployment_name}",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.topic = Topic(self, "Topic", master_key=self.key, enforce_ssl=True)
