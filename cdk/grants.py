"""Every permission of the stack, by role, each with its reason.

Actions are listed one by one, because the grant methods of CDK (`grant_read`, `grant_put`) add families such as
`s3:List*`. CDK itself adds the permissions for X-Ray, for the logs of the state machine, and for EventBridge to start
the state machine, to invoke SummarizeRun and to write to the dead-letter queues.
"""

from collections.abc import Iterable, Mapping

from aws_cdk import Aws
from aws_cdk.aws_iam import Grant, IGrantable, Policy, PolicyStatement, ServicePrincipal
from constructs import Construct

from cdk.granted_objects import copies as _copies
from cdk.granted_objects import images as _images
from cdk.granted_objects import manifests as _manifests
from cdk.granted_objects import of_input as _input
from cdk.resources.buckets import Buckets
from cdk.resources.dead_letter_queue import DeadLetterQueue
from cdk.resources.functions import WORKFLOW_FUNCTIONS, Function
from cdk.resources.tables import NEWEST_INDEX, Tables
from cdk.resources.topic import Notifications
from cdk.workflow.index import IndexWorkflow
from cdk.workflow.state_machine import Workflow

# Logical ids of deployed resources.
DISTRIBUTED_MAP_POLICY = "RunMaps"
DESCRIBE_RUNS_POLICY = "LookAtRuns"
SHARE_CONCURRENCY_POLICY = "ShareConcurrency"
FOLD_POLICY = "FoldRuns"

USE_KEY = ("kms:Decrypt", "kms:GenerateDataKey")
"""The actions that SNS requires of the publisher to a topic that is encrypted with a customer managed key."""


def grant_logs(functions: Iterable[Function]) -> None:
    """Each function writes to its own log group."""
    for function in functions:
        _allow(function.role, [function.log_group.log_group_arn], "logs:CreateLogStream", "logs:PutLogEvents")


def grant_prepare_run(function: Function, *, buckets: Buckets, tables: Tables) -> None:
    # It validates the version of the manifest that started the run, also a retry manifest, or finds the current one.
    manifests = [*_manifests(buckets), _input(buckets, "runs/*/retry.*")]
    _allow(function.role, manifests, "s3:GetObject", "s3:GetObjectVersion")
    # It reads the list of the option known_bad, which can be the suspects.csv of another run.
    _allow(function.role, [_input(buckets, "lists/*"), _input(buckets, "runs/*/suspects.csv")], "s3:GetObject")
    # It writes that list, the limits of busy hosts, the sample of a probe, rows that Step Functions cannot read, and
    # what it has counted in the ranges of a large manifest, to read it again.
    names = ("rows.jsonl.gz", "hosts.json", "known_bad.json", "sample.json", "check/*")
    _allow(function.role, [_input(buckets, f"runs/*/{name}") for name in names], "s3:PutObject")
    _allow(function.role, [_input(buckets, "runs/*/check/*")], "s3:GetObject")
    # It must detect a deleted manifest: without s3:ListBucket, S3 answers 403 instead of 404. There is no condition on
    # the prefix, because a GetObject request has none.
    _allow(function.role, [buckets.input.bucket_arn], "s3:ListBucket")
    # It creates the record of the run.
    _allow(function.role, [tables.runs.table_arn], "dynamodb:UpdateItem")
    _grant_shares(function, tables)


def grant_download_batch(function: Function, *, buckets: Buckets, tables: Tables, notifications: Notifications) -> None:
    # It stores images and shards. It reads the metadata of an object if the key is taken, to find out who stored it, an
    # image if a row names another key for it, and the shards of a batch that is repeated. Without s3:ListBucket, S3
    # answers 403 if there is no object: then the image is stored on condition that the key is free.
    _allow(function.role, [_images(buckets)], "s3:PutObject", "s3:GetObject")
    # S3 encrypts and decrypts the objects of an existing bucket with its KMS key on behalf of the caller.
    _allow_key(function, buckets, "kms:GenerateDataKey", "kms:Decrypt")
    # It looks up the images of earlier runs and records the new ones; only PutItem can record an image that another
    # function has stored on condition that the row has not changed.
    images = ("dynamodb:BatchGetItem", "dynamodb:BatchWriteItem", "dynamodb:PutItem")
    _allow(function.role, [tables.images.table_arn], *images)
    # It looks up the robots.txt of hosts, claims to read one on condition that no other batch does, and records it.
    # It takes places at busy hosts and gives them back, and writes for how long a host must be waited for.
    hosts = ("dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
    _allow(function.role, [tables.hosts.table_arn], *hosts)
    # It writes the results of its rows. A round does nothing if its run was closed. It reads the limits of the busy
    # hosts of its run, and the digests of images that the run does not store.
    _allow(function.role, [_input(buckets, "runs/*")], "s3:PutObject")
    names = ("closed", "hosts.json", "known_bad.json")
    _allow(function.role, [_input(buckets, f"runs/*/{name}") for name in names], "s3:GetObject")
    _grant_publish(function, notifications)


def grant_plan_pass(function: Function, *, buckets: Buckets, tables: Tables) -> None:
    # It lists the files of the rows that wait, and reads their metadata.
    _allow_listing(function.role, buckets, "runs/*/passes/*")
    _allow(function.role, [_input(buckets, "runs/*/passes/*")], "s3:GetObject")
    # It writes the plan of the pass.
    _allow(function.role, [_input(buckets, "runs/*/passes/plan-*")], "s3:PutObject")
    # It writes the pass to the record of the run, and reads the concurrency, which may have been changed.
    _allow(function.role, [tables.runs.table_arn], "dynamodb:GetItem", "dynamodb:UpdateItem")


def grant_summarize_run(
    function: Function,
    *,
    buckets: Buckets,
    tables: Tables,
    notifications: Notifications,
    dead_letters: DeadLetterQueue,
) -> None:
    # It reconciles the manifest, or the copy of its rows, by its version, with the results of the batches, and writes
    # the summary, the report and the retry manifest.
    manifests = [*_manifests(buckets), _input(buckets, "runs/*/retry.*"), _copies(buckets)]
    _allow(function.role, manifests, "s3:GetObjectVersion")
    # If it cannot complete a long report, it removes what was uploaded of it.
    runs = [_input(buckets, "runs/*")]
    _allow(function.role, runs, "s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload")
    # It lists the result files of the run, and must detect a deleted manifest (see grant_prepare_run).
    _allow(function.role, [buckets.input.bucket_arn], "s3:ListBucket")
    # It completes the record of the run, and reads it to skip a run that is summarized already.
    _allow(function.role, [tables.runs.table_arn], "dynamodb:GetItem", "dynamodb:UpdateItem")
    # It deletes the files of the fold of a long run.
    _allow(function.role, [_input(buckets, "runs/*/fold/*")], "s3:DeleteObject")
    _grant_shares(function, tables)
    # Lambda sends an event here, as this role, after the last failed attempt of an asynchronous invocation.
    _allow(function.role, [dead_letters.queue_arn], "sqs:SendMessage")
    _grant_publish(function, notifications)


def grant_index(
    index: IndexWorkflow, function: Function, *, summarize_run: Function, buckets: Buckets, tables: Tables
) -> None:
    # It reads the manifest, or the copy of its rows, by its version, and the results of the batches; it writes the
    # index and the documents, and deletes the files of an earlier index and of the groups.
    manifests = [*_manifests(buckets), _input(buckets, "runs/*/retry.*"), _copies(buckets)]
    _allow(function.role, manifests, "s3:GetObjectVersion")
    _allow(function.role, [_input(buckets, "runs/*")], "s3:GetObject", "s3:PutObject")
    _allow(
        function.role, [_input(buckets, "runs/*/index/*"), _input(buckets, "runs/*/fold/index/*")], "s3:DeleteObject"
    )
    # It lists the result files of the run, and must detect a deleted manifest (see grant_prepare_run).
    _allow(function.role, [buckets.input.bucket_arn], "s3:ListBucket")
    # It reads the record of the run.
    _allow(function.role, [tables.runs.table_arn], "dynamodb:GetItem")
    # The state machine invokes the version that its definition names, and a running execution that of an earlier one.
    _allow(index.state_machine, [f"{function.function.function_arn}:*"], "lambda:InvokeFunction")
    # SummarizeRun starts it for a run that has ended.
    _allow(summarize_run.role, [index.state_machine.state_machine_arn], "states:StartExecution")
    # It invokes SummarizeRun for the groups of a long run, without a version, as the rule does. The function has the
    # ARN of the state machine, so this needs a policy of its own (see grant_workflow).
    arn = summarize_run.function.function_arn
    Policy(
        index,
        FOLD_POLICY,
        roles=[index.state_machine.role],
        statements=[PolicyStatement(actions=["lambda:InvokeFunction"], resources=[arn])],
    )


def grant_api(function: Function, *, buckets: Buckets, tables: Tables, workflow: Workflow) -> None:
    """The API signs links with this role, so the role may do what the links allow: read, and upload a manifest."""
    # It creates, reads and updates the records of runs, and lists the newest runs.
    _allow(function.role, [tables.runs.table_arn], "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
    _allow(function.role, [f"{tables.runs.table_arn}/index/{NEWEST_INDEX}"], "dynamodb:Query")
    # It looks up images by URL.
    _allow(function.role, [tables.images.table_arn], "dynamodb:BatchGetItem")
    # It writes submitted lists, checks manifests, and signs uploads. It retries a run that was cancelled before its
    # manifest was read with the same version of it.
    _allow(function.role, _manifests(buckets), "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject")
    # It lists the files of a run, reads its report, finds its retry manifest, and signs links to files and images.
    _allow_listing(function.role, buckets, "runs/*")
    _allow(function.role, [_input(buckets, "runs/*"), _images(buckets)], "s3:GetObject")
    # S3 decrypts an object of an existing bucket for a link with the permission of the role that signed it.
    _allow_key(function, buckets, "kms:Decrypt")
    # It starts and cancels runs, and reads and changes the concurrency of their Map Runs.
    _allow(function.role, [workflow.state_machine.state_machine_arn], "states:StartExecution")
    _allow(function.role, [workflow.execution_arns()], "states:StopExecution", "states:ListMapRuns")
    _allow(function.role, [workflow.map_run_arns()], "states:DescribeMapRun", "states:UpdateMapRun")


def grant_workflow(
    scope: Construct, *, workflow: Workflow, functions: Mapping[str, Function], buckets: Buckets
) -> None:
    machine = workflow.state_machine
    # It invokes the published versions that its definition names; a running execution those of an earlier deployment,
    # and one that was started by release 0.1.0 the functions of that release without a version.
    for spec in WORKFLOW_FUNCTIONS:
        arn = functions[spec.module].function.function_arn
        arns = [f"{arn}:*"] if spec.module == "plan_pass" else [arn, f"{arn}:*"]
        _allow(machine, arns, "lambda:InvokeFunction")
    # The ItemReader of the Distributed Map reads the version of the manifest that started the run, which can be the
    # retry manifest of another run, or the copy of its rows.
    manifests = [*_manifests(buckets), _input(buckets, "runs/*/retry.*"), _copies(buckets)]
    _allow(machine, manifests, "s3:GetObjectVersion")
    # Parquet is read without a version, and so is every manifest of an execution that release 0.1.0 has started.
    _allow(machine, _manifests(buckets), "s3:GetObject")
    # The ItemReader of a pass lists the files of the rows that wait, and reads them.
    _allow_listing(machine, buckets, "runs/*/passes/*")
    # The ResultWriter writes result files, and reads them again to join them.
    _allow(
        machine,
        [_input(buckets, "runs/*")],
        "s3:GetObject",
        "s3:PutObject",
        "s3:ListMultipartUploadParts",
        "s3:AbortMultipartUpload",
    )
    # A Distributed Map starts its child executions on this state machine. The state machine depends on the default
    # policy of its role, so that policy cannot refer to the state machine: this needs a policy of its own.
    Policy(
        scope,
        DISTRIBUTED_MAP_POLICY,
        roles=[machine.role],
        statements=[
            PolicyStatement(actions=["states:StartExecution"], resources=[machine.state_machine_arn]),
            PolicyStatement(
                actions=["states:DescribeExecution", "states:StopExecution"],
                resources=[workflow.execution_arns(), workflow.map_execution_arns()],
            ),
        ],
    )


def grant_describe_runs(scope: Construct, *, summarize_run: Function, workflow: Workflow) -> None:
    """SummarizeRun reads the input of an execution if the status change event omits it, as it does for large inputs.

    The state machine depends on the default policy of this role too (see grant_workflow).
    """
    Policy(
        scope,
        DESCRIBE_RUNS_POLICY,
        roles=[summarize_run.role],
        statements=[PolicyStatement(actions=["states:DescribeExecution"], resources=[workflow.execution_arns()])],
    )


def grant_share_concurrency(scope: Construct, *, functions: Iterable[Function], workflow: Workflow) -> None:
    """A run that starts lowers the concurrency of the Map Runs of other runs, and one that ends raises it.

    The state machine depends on the default policies of these roles (see grant_workflow).
    """
    Policy(
        scope,
        SHARE_CONCURRENCY_POLICY,
        roles=[function.role for function in functions],
        statements=[
            PolicyStatement(actions=["states:ListMapRuns"], resources=[workflow.execution_arns()]),
            PolicyStatement(actions=["states:UpdateMapRun"], resources=[workflow.map_run_arns()]),
        ],
    )


def grant_alarms(notifications: Notifications) -> None:
    """CloudWatch alarms of this account publish to the topic."""
    cloudwatch = ServicePrincipal("cloudwatch.amazonaws.com")
    this_account = {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
    notifications.key.add_to_resource_policy(
        PolicyStatement(
            principals=[cloudwatch],
            actions=list(USE_KEY),
            resources=["*"],  # in a key policy this means the key itself
            conditions=this_account,
        )
    )
    notifications.topic.add_to_resource_policy(
        PolicyStatement(
            sid="AlarmsMayPublish",
            principals=[cloudwatch],
            actions=["sns:Publish"],
            resources=[notifications.topic.topic_arn],
            conditions=this_account,
        )
    )


def _grant_shares(function: Function, tables: Tables) -> None:
    """PrepareRun and SummarizeRun share the Lambda concurrency of the account between the active runs."""
    # They find the other active runs.
    _allow(function.role, [f"{tables.runs.table_arn}/index/{NEWEST_INDEX}"], "dynamodb:Query")
    # They read the limit of the account. The action has no resource.
    _allow(function.role, ["*"], "lambda:GetAccountSettings")


def _grant_publish(function: Function, notifications: Notifications) -> None:
    """DownloadBatch reports failures to the topic, SummarizeRun the end of a run."""
    _allow(function.role, [notifications.topic.topic_arn], "sns:Publish")
    _allow(function.role, [notifications.key.key_arn], *USE_KEY)


def _allow_key(function: Function, buckets: Buckets, *actions: str) -> None:
    """Permissions on the key of an existing images bucket, if it has one."""
    if buckets.images_key_arn:
        _allow(function.role, [buckets.images_key_arn], *actions)


def _allow_listing(grantee: IGrantable, buckets: Buckets, prefix: str) -> None:
    """Permission to list the keys of the input bucket that start with a prefix."""
    Grant.add_to_principal(
        grantee=grantee,
        actions=["s3:ListBucket"],
        resource_arns=[buckets.input.bucket_arn],
        conditions={"StringLike": {"s3:prefix": prefix}},
    )


def _allow(grantee: IGrantable, resources: list[str], *actions: str) -> None:
    Grant.add_to_principal(grantee=grantee, actions=list(actions), resource_arns=resources)
