"""Log queries for operations, saved in CloudWatch Logs Insights."""

from aws_cdk import Stack
from aws_cdk.aws_logs import CfnQueryDefinition, ILogGroup
from constructs import Construct

QUERIES = {
    "failures by reason": """filter message = "Image failed"
| stats count(*) as failures by reason
| sort failures desc""",
    "failures by host": """filter message = "Image failed"
| stats count(*) as failures by host, reason
| sort failures desc
| limit 100""",
    "slowest hosts": """filter message = "Batch done" and ispresent(slowest_host)
| stats avg(slowest_host_ms) as milliseconds, sum(slowest_host_images) as images, count(*) as batches by slowest_host
| sort milliseconds desc
| limit 50""",
    "story of one run": """filter run_id = "RUN_ID"
| fields @timestamp, message, first_row, round, stored, failed, deferred, ms, row, reason, host, why, xray_trace_id
| sort @timestamp asc
| limit 10000""",
}


class Queries(Construct):
    """The saved queries over the log groups of all functions."""

    def __init__(self, scope: Construct, id: str, *, log_groups: list[ILogGroup]) -> None:  # noqa: A002
        super().__init__(scope, id)
        for name, text in QUERIES.items():
            CfnQueryDefinition(
                self,
                name.title().replace(" ", ""),
                name=f"{Stack.of(self).stack_name}/{name}",
                query_string=text,
                log_group_names=[group.log_group_name for group in log_groups],
            )
