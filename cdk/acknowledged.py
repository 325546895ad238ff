"""The cdk-nag findings that this stack accepts, each with its reason.

`python -m cdk.check` fails on a finding that is not in this table, and on a row that cdk-nag no longer reports.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from aws_cdk import Acknowledgment, CfnElement, Stack, Validations
from aws_cdk.aws_s3 import IBucket
from constructs import IConstruct

from cdk.grants import DESCRIBE_RUNS_POLICY, DISTRIBUTED_MAP_POLICY, SHARE_CONCURRENCY_POLICY
from cdk.resources.functions import INDEX_FUNCTION, WORKFLOW_FUNCTIONS
from cdk.stack import ImageMirror

STATES_ARN = "arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>"


@dataclass(frozen=True)
class AcceptedFinding:
    """A rule of cdk-nag's AwsSolutions pack, and the constructs for which its finding is accepted."""

    rule: str
    reason: str
    constructs: tuple[IConstruct, ...]

    @property
    def id(self) -> str:
        return f"AwsSolutions::AwsSolutions-{self.rule}"


def acknowledge(stack: ImageMirror) -> None:
    """Tell cdk-nag about the accepted findings."""
    for finding in accepted_findings(stack):
        for construct in finding.constructs:
            Validations.of(construct).acknowledge(Acknowledgment(id=finding.id, reason=finding.reason))


def accepted_findings(stack: ImageMirror) -> Iterator[AcceptedFinding]:
    yield from _storage(stack)
    yield from _compute(stack)
    yield from _permissions(stack)
    yield from _api(stack)


def _storage(stack: ImageMirror) -> Iterator[AcceptedFinding]:
    buckets, tables = stack.buckets, stack.tables
    own_images = () if buckets.has_existing_images else (buckets.images,)
    yield AcceptedFinding(
        "S1",
        "Server access logs would add log objects for every request to millions of images. CloudTrail data events "
        "can be enabled where access must be audited; the reports of the runs list every stored image.",
        (*own_images, buckets.input),
    )
    yield AcceptedFinding(
        "S10",
        "The configuration of the images bucket is specified exactly and has no bucket policy. All public access is "
        "blocked, and the only writer, boto3, uses HTTPS.",
        own_images,
    )
    yield AcceptedFinding(
        "DDB3",
        "The images table can be rebuilt from the manifests, and `images_point_in_time_recovery` enables recovery. "
        "Items of the runs table expire, and the reports in the input bucket hold the same data. The hosts table is a "
        "cache.",
        (tables.images, tables.runs, tables.hosts),
    )


def _compute(stack: ImageMirror) -> Iterator[AcceptedFinding]:
    yield AcceptedFinding(
        "L1",
        "The dependencies are locked for Python 3.13, so the functions use that runtime.",
        tuple(each.function for each in stack.functions.values()),
    )
    yield AcceptedFinding(
        "SF1",
        "Log level ALL writes an entry for every state of every batch; errors are enough for operations. "
        "`workflow_log_level` changes it.",
        (stack.workflow.state_machine, stack.index.state_machine),
    )
    yield AcceptedFinding(
        "SQS3",
        "This queue is itself the dead-letter queue of an EventBridge rule.",
        (stack.trigger.dead_letters, stack.status_change.dead_letters),
    )


def _permissions(stack: ImageMirror) -> Iterator[AcceptedFinding]:
    workflow, buckets = stack.workflow, stack.buckets
    roles = {name: each.role for name, each in stack.functions.items()}
    prepare, download, plan, summarize, index, api = (
        roles[name].node.find_child("DefaultPolicy")
        for name in ("prepare_run", "download_batch", "plan_pass", "summarize_run", "index_run", "api")
    )
    machine, index_machine = (
        each.role.node.find_child("DefaultPolicy") for each in (workflow.state_machine, stack.index.state_machine)
    )

    yield AcceptedFinding(
        "IAM5[Resource::*]",
        "X-Ray, the log delivery of Step Functions and lambda:GetAccountSettings do not support resource-level "
        "permissions.",
        (prepare, download, plan, summarize, index, api, machine, index_machine),
    )
    for path, policies in {
        "manifests/*": (prepare, summarize, index, api, machine),
        "submitted/*": (prepare, summarize, index, api, machine),
        "runs/*": (download, summarize, index, api, machine),
        "runs/*/retry.*": (prepare, summarize, index, machine),
        "runs/*/rows.jsonl.gz": (prepare, summarize, index, machine),
        "runs/*/index/*": (index,),
        "runs/*/fold/*": (summarize,),
        "runs/*/fold/index/*": (index,),
        "runs/*/hosts.json": (prepare, download),
        "runs/*/known_bad.json": (prepare, download),
        "runs/*/suspects.csv": (prepare,),
        "lists/*": (prepare,),
        "runs/*/sample.json": (prepare,),
        "runs/*/check/*": (prepare,),
        "runs/*/closed": (download,),
        "runs/*/passes/*": (plan,),
        "runs/*/passes/plan-*": (plan,),
    }.items():
        yield _prefix_wildcard(buckets.input, path, policies)
    yield _prefix_wildcard(buckets.images, buckets.image_pattern, (download, api))
    callers = {spec.module: machine for spec in WORKFLOW_FUNCTIONS} | {INDEX_FUNCTION.module: index_machine}
    for module, caller in callers.items():
        function = stack.functions[module].function
        yield AcceptedFinding(
            f"IAM5[Resource::<{_logical_id(function)}.Arn>:*]",
            "The wildcard covers the published versions of this function only. Running executions use earlier ones.",
            (caller,),
        )
    distributed_map, describe_runs, shares = (
        stack.node.find_child(name) for name in (DISTRIBUTED_MAP_POLICY, DESCRIBE_RUNS_POLICY, SHARE_CONCURRENCY_POLICY)
    )
    for resource_type, label, policies in (
        ("execution", "", (distributed_map, describe_runs, shares, api)),
        ("execution", "/*", (distributed_map,)),
        ("mapRun", "/*", (shares, api)),
    ):
        yield AcceptedFinding(
            f"IAM5[Resource::{STATES_ARN}:{resource_type}:<{_logical_id(workflow.state_machine)}.Name>{label}:*]",
            "The wildcard covers the executions or Map Runs of this state machine only.",
            policies,
        )


def _prefix_wildcard(bucket: IBucket, path: str, policies: tuple[IConstruct, ...]) -> AcceptedFinding:
    is_existing = bucket.node.default_child is None
    arn = f"arn:<AWS::Partition>:s3:::{bucket.bucket_name}" if is_existing else f"<{_logical_id(bucket)}.Arn>"
    return AcceptedFinding(
        f"IAM5[Resource::{arn}/{path}]",
        "The wildcard covers the objects under this prefix only.",
        policies,
    )


def _api(stack: ImageMirror) -> Iterator[AcceptedFinding]:
    rest_api = stack.api.rest_api
    yield AcceptedFinding(
        "APIG2",
        "The function validates requests. API Gateway's validator supports an older draft of JSON Schema that cannot "
        "distinguish the four forms of a run request, and its error does not name the invalid field.",
        (rest_api,),
    )
    yield AcceptedFinding(
        "APIG3",
        "Every method requires an IAM principal with permission to invoke it, and requests are throttled.",
        (rest_api.deployment_stage,),
    )
    yield AcceptedFinding(
        "COG4",
        "The callers are programs and people of this AWS account: every method uses IAM authorization.",
        tuple(rest_api.methods),
    )
    yield AcceptedFinding(
        "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]",
        "API Gateway uses one logging role for all APIs of the account, and this managed policy is the one it "
        "requires.",
        (rest_api.node.find_child("CloudWatchRole"),),
    )


def _logical_id(construct: IConstruct) -> str:
    """The logical id by which cdk-nag refers to a resource."""
    resource = construct.node.default_child
    assert isinstance(resource, CfnElement)
    return Stack.of(construct).get_logical_id(resource)
