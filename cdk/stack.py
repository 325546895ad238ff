"""The stack: what there is, and who may do what to it. Every grant stands here.

Grants name their actions one by one: CDK's own (`grant_read`, `grant_put`) give families such as `s3:List*`.
"""

import json
from collections.abc import Iterable
from typing import Any

from aws_cdk import Aws, CfnOutput, CfnParameter, Stack
from aws_cdk.aws_iam import Grant, IGrantable, Policy, PolicyStatement, ServicePrincipal
from constructs import Construct

from cdk.asset import functions_code
from cdk.monitoring.monitoring import Monitoring
from cdk.monitoring.queries import Queries
from cdk.resources.api import Api
from cdk.resources.buckets import Buckets
from cdk.resources.functions import API_FUNCTION, WORKFLOW_FUNCTIONS, Function, FunctionSpec
from cdk.resources.status_change import StatusChange
from cdk.resources.tables import NEWEST, Tables
from cdk.resources.topic import Notifications
from cdk.resources.trigger import Trigger
from cdk.settings import Settings
from cdk.workflow.state_machine import Workflow


class ImageMirror(Stack):
    def __init__(self, scope: Construct, id: str, *, settings: Settings, **kwargs: Any) -> None:  # noqa: A002
        super().__init__(scope, id, description="Mirrors images from the web into S3", **kwargs)
        self.allowed_networks = CfnParameter(
            self,
            "AllowedNetworks",
            default=settings.allowed_networks,
            allowed_pattern=r"[0-9A-Fa-f:./,]*",
            description="Networks, parted by commas, that downloads may reach although they are not public",
        )
        self.buckets = Buckets(self, "Buckets", settings=settings)
        self.tables = Tables(self, "Tables", settings=settings)
        self.notifications = Notifications(self, "Notifications")
        self._code = functions_code()
        self.functions = self._functions(WORKFLOW_FUNCTIONS, settings)
        self.workflow = Workflow(self, "Workflow", functions=self.functions, settings=settings)
        machine = self.workflow.state_machine
        self.trigger = Trigger(self, "Trigger", bucket=self.buckets.input, state_machine=machine)
        self.status_change = StatusChange(
            self, "StatusChange", state_machine=machine, summarize_run=self.functions["summarize_run"]
        )
        arn = {"STATE_MACHINE_ARN": machine.state_machine_arn}
        self.api_function = self._functions((API_FUNCTION,), settings, **arn)["api"]
        self.api = Api(self, "RestApi", function=self.api_function, settings=settings)
        self._grant_functions()
        self._let_workflow_run()
        self._let_api_answer()
        self._let_alarms_publish()
        self._monitor(settings)
        self._outputs()

    def _functions(self, specs: Iterable[FunctionSpec], settings: Settings, **more: str) -> dict[str, Function]:
        environment = {
            "IMAGES_BUCKET": self.buckets.images.bucket_name,
            "INPUT_BUCKET": self.buckets.input.bucket_name,
            "IMAGES_TABLE": self.tables.images.table_name,
            "RUNS_TABLE": self.tables.runs.table_name,
            "TOPIC_ARN": self.notifications.topic.topic_arn,
            "ALLOWED_NETWORKS": self.allowed_networks.value_as_string,
            "CONTACT": settings.contact,
            "DEFAULT_OPTIONS": json.dumps(settings.default_options),
            "CHECK_BYTES": str(settings.check_manifests_up_to_bytes),
            **more,
        }
        return {
            spec.module: Function(self, spec=spec, code=self._code, environment=environment, settings=settings)
            for spec in specs
        }

    def _grant_functions(self) -> None:
        images, given = self.buckets.images.arn_for_objects, self.buckets.input.arn_for_objects
        manifests = [given("manifests/*"), given("submitted/*")]
        images_table, runs_table = self.tables.images.table_arn, self.tables.runs.table_arn

        prepare = self.functions["prepare_run"].role
        _allow(prepare, [*manifests, given("runs/*/retry.*")], "s3:GetObject")
        _allow(prepare, [runs_table], "dynamodb:UpdateItem")

        download = self.functions["download_batch"].role
        # It looks at an image only where its key is taken: is it from an earlier try of the same batch?
        _allow(download, [images("images/*")], "s3:PutObject", "s3:GetObject")
        _allow(download, [images_table], "dynamodb:BatchGetItem", "dynamodb:BatchWriteItem")
        _allow(download, [given("runs/*")], "s3:PutObject")

        summarize = self.functions["summarize_run"].role
        _allow(summarize, [*manifests, given("runs/*")], "s3:GetObject")
        _allow(summarize, [given("runs/*")], "s3:PutObject")
        _allow(summarize, [runs_table], "dynamodb:GetItem", "dynamodb:UpdateItem")
        _allow(summarize, [self.status_change.dead_letters.queue_arn], "sqs:SendMessage")
        # SummarizeRun lists a run's parts. Both must learn that a manifest is gone: whoever may not list a bucket
        # is told 403, not 404, and a GET has no prefix that a condition could name.
        for reader in (prepare, summarize):
            _allow(reader, [self.buckets.input.bucket_arn], "s3:ListBucket")
        for each in (*self.functions.values(), self.api_function):
            _allow(each.role, [each.log_group.log_group_arn], "logs:CreateLogStream", "logs:PutLogEvents")
        for publisher in (download, summarize):
            _allow(publisher, [self.notifications.topic.topic_arn], "sns:Publish")
            _allow(publisher, [self.notifications.key.key_arn], "kms:Decrypt", "kms:GenerateDataKey")

    def _let_workflow_run(self) -> None:
        machine, given = self.workflow.state_machine, self.buckets.input.arn_for_objects
        _allow(machine, [each.function.function_arn for each in self.functions.values()], "lambda:InvokeFunction")
        _allow(machine, [given("manifests/*"), given("submitted/*")], "s3:GetObject")
        # What the ResultWriter does: it reads its own parts again to join them.
        _allow(
            machine,
            [given("runs/*")],
            "s3:GetObject",
            "s3:PutObject",
            "s3:ListMultipartUploadParts",
            "s3:AbortMultipartUpload",
        )
        # A Distributed Map starts its children as executions of this state machine itself. A policy of its
        # own, because the state machine waits for its role's default policy, which so cannot name it.
        Policy(
            self,
            "RunMaps",
            roles=[machine.role],
            statements=[
                PolicyStatement(actions=["states:StartExecution"], resources=[machine.state_machine_arn]),
                PolicyStatement(
                    actions=["states:DescribeExecution", "states:StopExecution", "states:RedriveExecution"],
                    resources=[self.workflow.executions(), self.workflow.map_executions()],
                ),
            ],
        )

        # An event leaves out an input that would make it too large. A policy of its own, for the same reason.
        Policy(
            self,
            "LookAtRuns",
            roles=[self.functions["summarize_run"].role],
            statements=[PolicyStatement(actions=["states:DescribeExecution"], resources=[self.workflow.executions()])],
        )

    def _let_api_answer(self) -> None:
        """Links are signed with this role, so it may do what they allow: look, and upload a manifest."""
        api, given = self.api_function.role, self.buckets.input.arn_for_objects
        runs_table = self.tables.runs.table_arn
        _allow(api, [runs_table], "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
        _allow(api, [f"{runs_table}/index/{NEWEST}"], "dynamodb:Query")
        _allow(api, [self.tables.images.table_arn], "dynamodb:BatchGetItem")
        _allow(api, [given("manifests/*"), given("submitted/*")], "s3:GetObject", "s3:PutObject")
        _allow(api, [given("runs/*"), self.buckets.images.arn_for_objects("images/*")], "s3:GetObject")
        _allow(api, [self.workflow.state_machine.state_machine_arn], "states:StartExecution")
        _allow(api, [self.workflow.executions()], "states:StopExecution", "states:ListMapRuns")
        _allow(api, [self.workflow.map_runs()], "states:DescribeMapRun", "states:UpdateMapRun")

    def _let_alarms_publish(self) -> None:
        alarms = ServicePrincipal("cloudwatch.amazonaws.com")
        of_this_account = {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
        # In the policy of a key, "*" is that key.
        self.notifications.key.add_to_resource_policy(
            PolicyStatement(
                principals=[alarms],
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=["*"],
                conditions=of_this_account,
            )
        )
        self.notifications.topic.add_to_resource_policy(
            PolicyStatement(
                sid="AlarmsMayPublish",
                principals=[alarms],
                actions=["sns:Publish"],
                resources=[self.notifications.topic.topic_arn],
                conditions=of_this_account,
            )
        )

    def _monitor(self, settings: Settings) -> None:
        functions = {**self.functions, "api": self.api_function}
        Monitoring(
            self,
            "Monitoring",
            functions=functions,
            state_machine=self.workflow.state_machine,
            tables=self.tables,
            notifications=self.notifications,
            trigger=self.trigger,
            status_change=self.status_change,
            rest_api=self.api.rest_api,
            settings=settings,
        )
        Queries(self, "Queries", log_groups=[each.log_group for each in functions.values()])

    def _outputs(self) -> None:
        for name, value in {
            "InputBucket": self.buckets.input.bucket_name,
            "ImagesBucket": self.buckets.images.bucket_name,
            "ImagesTable": self.tables.images.table_name,
            "RunsTable": self.tables.runs.table_name,
            "TopicArn": self.notifications.topic.topic_arn,
            "StateMachineArn": self.workflow.state_machine.state_machine_arn,
            "ApiUrl": self.api.rest_api.url,
        }.items():
            CfnOutput(self, name, value=value)


def _allow(who: IGrantable, resources: list[str], *actions: str) -> None:
    Grant.add_to_principal(grantee=who, actions=list(actions), resource_arns=resources)
