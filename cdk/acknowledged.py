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
    buckets, tables, workflow, rest_api = stack.buckets, stack.tables, stack.workflow, stack.api.rest_api
    functions = (*stack.functions.values(), stack.api_function)
    roles = [*(each.role for each in functions), workflow.state_machine.role]
    prepare, download, summarize, api, machine = (role.node.find_child("DefaultPolicy") for role in roles)

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
    yield Acknowledged(
        "L1", "Python 3.13 is what the locked wheels are resolved for.", tuple(f.function for f in functions)
    )
    yield Acknowledged(
        "SF1",
        "ALL is an entry for every state of every batch; errors are what is asked for at night. "
        "`workflow_log_level` turns it on.",
        (workflow.state_machine,),
    )
    yield Acknowledged(
        "SQS3",
        "This queue is itself the dead-letter queue of the rule.",
        (stack.trigger.dead_letters, stack.status_change.dead_letters),
    )
    yield Acknowledged(
        "IAM5[Resource::*]",
        "X-Ray and the log delivery of Step Functions have no resources that a policy could name.",
        (prepare, download, summarize, api, machine),
    )
    for path, users in {
        "manifests/*": (prepare, summarize, api, machine),
        "submitted/*": (prepare, summarize, api, machine),
        "runs/*": (download, summarize, api, machine),
        "runs/*/retry.*": (prepare,),
    }.items():
        yield Acknowledged(
            f"IAM5[Resource::{_arn(buckets.input)}/{path}]", "Any object, but under this prefix alone.", users
        )
    yield Acknowledged(
        f"IAM5[Resource::{_arn(buckets.images)}/images/*]",
        "Any object, but under this prefix alone.",
        (download, api),
    )
    place = "arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>"
    run_maps, look_at_runs = (stack.node.find_child(name) for name in ("RunMaps", "LookAtRuns"))
    for kind, label, policies in (
        ("execution", "", (run_maps, look_at_runs, api)),
        ("execution", "/*", (run_maps,)),
        ("mapRun", "/*", (api,)),
    ):
        yield Acknowledged(
            f"IAM5[Resource::{place}:{kind}:<{_id(workflow.state_machine)}.Name>{label}:*]",
            "Any execution or Map Run, but of this state machine alone.",
            policies,
        )
    yield Acknowledged(
        "APIG2",
        "The function validates: the gateway's validator knows a draft of JSON Schema that cannot tell the four "
        "shapes of a run apart, and answers without naming the field.",
        (rest_api,),
    )
    yield Acknowledged(
        "APIG3",
        "Whoever is not an IAM principal with the right to a method is refused, and requests are throttled.",
        (rest_api.deployment_stage,),
    )
    yield Acknowledged(
        "COG4", "Callers are programs and people of this account: every method wants IAM.", tuple(rest_api.methods)
    )
    yield Acknowledged(
        "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]",
        "The role is the account's, for all its APIs, and API Gateway takes no narrower one.",
        (rest_api.node.find_child("CloudWatchRole"),),
    )


def _arn(bucket: IBucket) -> str:
    return f"<{_id(bucket)}.Arn>"


def _id(construct: IConstruct) -> str:
    """The logical id by which cdk-nag names a resource."""
    resource = construct.node.default_child
    assert isinstance(resource, CfnElement)
    return Stack.of(construct).get_logical_id(resource)
