"""The stack: all resources, their permissions (`cdk.grants`), their monitoring, and the outputs."""

import json
from collections.abc import Iterable, Mapping

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from cdk import grants
from cdk.asset import functions_code
from cdk.bundle import INDEX_LOCK
from cdk.monitoring.monitoring import MonitoredResources, Monitoring
from cdk.monitoring.queries import Queries
from cdk.resources.api import Api
from cdk.resources.buckets import Buckets
from cdk.resources.functions import (
    API_FUNCTION,
    INDEX_FUNCTION,
    WORKFLOW_FUNCTIONS,
    Function,
    FunctionsCode,
    FunctionSpec,
)
from cdk.resources.status_change import StatusChange
from cdk.resources.tables import Tables
from cdk.resources.topic import Notifications
from cdk.resources.trigger import Trigger
from cdk.settings import Settings
from cdk.workflow.index import IndexWorkflow
from cdk.workflow.state_machine import Workflow, run_timeout_seconds

OUTPUTS: Mapping[str, str] = {
    "InputBucket": "Bucket of manifests, results and reports",
    "ImagesBucket": "Bucket of the mirrored images",
    "ImagesPrefix": "Prefix of the keys of the images in their bucket",
    "ImagesTable": "Table of the mirrored images, by URL",
    "RunsTable": "Table of the runs",
    "HostsTable": "Table of what the batches share about hosts",
    "TopicArn": "Topic of failures, finished runs and alarms",
    "StateMachineArn": "State machine of the runs",
    "IndexMachineArn": "State machine that makes the index of a run",
    "ApiUrl": "Base URL of the REST API (IAM authorization)",
}
"""The outputs of the stack, with their descriptions."""


class ImageMirror(Stack):
    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:  # noqa: A002
        super().__init__(scope, id, description="Mirrors images from the web into S3")
        self.buckets = Buckets(self, "Buckets", settings=settings)
        self.tables = Tables(self, "Tables", settings=settings)
        self.notifications = Notifications(self, "Notifications", settings=settings)
        code = functions_code()
        indexing = self._functions((INDEX_FUNCTION,), settings, functions_code([INDEX_LOCK]))
        self.index = IndexWorkflow(self, "Index", function=indexing["index_run"], settings=settings)
        index_machine = self.index.state_machine.state_machine_arn
        self.functions = self._functions(WORKFLOW_FUNCTIONS, settings, code, INDEX_MACHINE_ARN=index_machine)
        self.functions |= indexing
        self.workflow = Workflow(self, "Workflow", functions=self.functions, settings=settings)
        machine = self.workflow.state_machine
        self.trigger = Trigger(self, "Trigger", bucket=self.buckets.input, state_machine=machine)
        self.status_change = StatusChange(
            self, "StatusChange", state_machine=machine, summarize_run=self.functions["summarize_run"]
        )
        self.functions |= self._functions((API_FUNCTION,), settings, code, STATE_MACHINE_ARN=machine.state_machine_arn)
        self.api = Api(self, "RestApi", function=self.functions["api"], settings=settings)
        self._grant()
        self._monitor(settings)
        self._outputs(settings)

    def _functions(
        self, specs: Iterable[FunctionSpec], settings: Settings, code: FunctionsCode, **more: str
    ) -> dict[str, Function]:
        environment = {
            "IMAGES_BUCKET": self.buckets.images.bucket_name,
            "IMAGES_PREFIX": settings.images_prefix,
            "INPUT_BUCKET": self.buckets.input.bucket_name,
            "IMAGES_TABLE": self.tables.images.table_name,
            "RUNS_TABLE": self.tables.runs.table_name,
            "HOSTS_TABLE": self.tables.hosts.table_name,
            "TOPIC_ARN": self.notifications.topic.topic_arn,
            "ALLOWED_NETWORKS": settings.allowed_networks,
            "CONTACT": settings.contact,
            "DEFAULT_OPTIONS": json.dumps(settings.default_options),
            "RUN_TIMEOUT_SECONDS": str(run_timeout_seconds(settings)),
            "CHECK_BYTES": str(settings.check_manifests_up_to_bytes),
            "HOST_LIMITS": settings.all_host_limits.as_text(),
            **more,
        }
        return {
            spec.module: Function(self, spec=spec, code=code, environment=environment, settings=settings)
            for spec in specs
        }

    def _grant(self) -> None:
        buckets, tables, notifications = self.buckets, self.tables, self.notifications
        prepare, download, summarize, api = (
            self.functions[name] for name in ("prepare_run", "download_batch", "summarize_run", "api")
        )
        grants.grant_logs(self.functions.values())
        grants.grant_prepare_run(prepare, buckets=buckets, tables=tables)
        grants.grant_download_batch(download, buckets=buckets, tables=tables, notifications=notifications)
        grants.grant_plan_pass(self.functions["plan_pass"], buckets=buckets, tables=tables)
        grants.grant_summarize_run(
            summarize,
            buckets=buckets,
            tables=tables,
            notifications=notifications,
            dead_letters=self.status_change.dead_letters,
        )
        grants.grant_workflow(self, workflow=self.workflow, functions=self.functions, buckets=buckets)
        grants.grant_describe_runs(self, summarize_run=summarize, workflow=self.workflow)
        grants.grant_share_concurrency(self, functions=(prepare, summarize), workflow=self.workflow)
        grants.grant_index(
            self.index, self.functions["index_run"], summarize_run=summarize, buckets=buckets, tables=tables
        )
        grants.grant_api(api, buckets=buckets, tables=tables, workflow=self.workflow)
        grants.grant_alarms(notifications)

    def _monitor(self, settings: Settings) -> None:
        resources = MonitoredResources(
            functions=self.functions,
            state_machine=self.workflow.state_machine,
            tables=self.tables,
            notifications=self.notifications,
            trigger=self.trigger,
            status_change=self.status_change,
            rest_api=self.api.rest_api,
        )
        Monitoring(self, "Monitoring", resources=resources, settings=settings)
        Queries(self, "Queries", log_groups=[each.log_group for each in self.functions.values()])

    def _outputs(self, settings: Settings) -> None:
        values = {
            "InputBucket": self.buckets.input.bucket_name,
            "ImagesBucket": self.buckets.images.bucket_name,
            "ImagesPrefix": settings.images_prefix,
            "ImagesTable": self.tables.images.table_name,
            "RunsTable": self.tables.runs.table_name,
            "HostsTable": self.tables.hosts.table_name,
            "TopicArn": self.notifications.topic.topic_arn,
            "StateMachineArn": self.workflow.state_machine.state_machine_arn,
            "IndexMachineArn": self.index.state_machine.state_machine_arn,
            "ApiUrl": self.api.rest_api.url,
        }
        for name, description in OUTPUTS.items():
            CfnOutput(self, name, value=values[name], description=description)
