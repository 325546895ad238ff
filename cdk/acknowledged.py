"""What cdk-nag finds and we leave as it is, each with its reason. A row out of date fails the check."""

from collections.abc import Iterator
from dataclasses import dataclass

from aws_cdk import Acknowledgment, CfnElement, Stack, Validations
from aws_cdk.aws_s3 import IBucket
from constructs import IConstruct

from cdk.stack import ImageMirror


@dataclass(frozen=True)
class Acknowledged:
    rule: str
    reason: str
    where: tuple[IConstruct, ...]

    @property
    def id(self) -> str:
        return f"AwsSolutions::AwsSolutions-{self.rule}"


def acknowledge(stack: ImageMirror) -> None:
    for row in acknowledged(stack):
        for construct in row.where:
            Validations.of(construct).acknowledge(Acknowledgment(id=row.id, reason=row.reason))


def acknowledged(stack: ImageMirror) -> Iterator[Acknowledged]:
    buckets, tables, workflow = stack.buckets, stack.tables, stack.workflow
    functions = tuple(each.function for each in stack.functions.values())
    roles = [*(each.role for each in stack.functions.values()), workflow.state_machine.role]
    prepare, download, summarize, machine = (role.node.find_child("DefaultPolicy") for role in roles)

    yield Acknowledged(
        "S1",
        "An access log is an object for every few requests, for a bucket of millions of images; who did what "
        "is answered by CloudTrail data events where it is needed, and by the reports of the runs.",
        (buckets.images, buckets.input),
    )
    yield Acknowledged(
        "S10",
        "The images bucket is given to the letter and has no bucket policy. All public access is blocked, "
        "and the only writer, boto3, speaks HTTPS.",
        (buckets.images,),
    )
    yield Acknowledged(
        "DDB3",
        "The images table can be had again from the manifests, and `images_point_in_time_recovery` turns its "
        "recovery on; rows of the runs table expire, and the reports in the bucket say the same.",
        (tables.images, tables.runs),
    )
    yield Acknowledged("L1", "Python 3.13 is what the locked wheels are resolved for.", functions)
    yield Acknowledged(
        "SF1",
        "ALL is an entry for every state of every batch; errors are what is asked for at night. "
        "`workflow_log_level` turns it on.",
        (workflow.state_machine,),
    )
    yield Acknowledged("SQS3", "This queue is itself the dead-letter queue of the rule.", (stack.trigger.dead_letters,))
    yield Acknowledged(
        "IAM5[Resource::*]",
        "X-Ray and the log delivery of Step Functions have no resources that a policy could name.",
        (prepare, download, summarize, machine),
    )
    for path, users in {
        "manifests/*": (prepare, summarize, machine),
        "submitted/*": (prepare, summarize, machine),
        "runs/*": (download, summarize, machine),
    }.items():
        yield Acknowledged(
            f"IAM5[Resource::{_arn(buckets.input)}/{path}]", "Any object, but under this prefix alone.", users
        )
    yield Acknowledged(
        f"IAM5[Resource::{_arn(buckets.images)}/images/*]",
        "Any object, but under this prefix alone.",
        (download,),
    )
    place = "arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution"
    for label in ("", "/*"):
        executions = f"{place}:<{_id(workflow.state_machine)}.Name>"
        yield Acknowledged(
            f"IAM5[Resource::{executions}{label}:*]",
            "Any execution, but of this state machine alone.",
            (stack.node.find_child("RunMaps"),),
        )


def _arn(bucket: IBucket) -> str:
    return f"<{_id(bucket)}.Arn>"


def _id(construct: IConstruct) -> str:
    """The logical id by which cdk-nag names a resource."""
    resource = construct.node.default_child
    assert isinstance(resource, CfnElement)
    return Stack.of(construct).get_logical_id(resource)
