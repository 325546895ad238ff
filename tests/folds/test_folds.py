"""A run with more rows than one invocation of SummarizeRun reads: its rows are folded in groups."""

from typing import Any

import pytest

from functions.core.summary.fold.plan import FOLDER
from local.aws.cloud import Cloud
from local.interrupted import SUMMARIZE_RUN
from tests.folds.conftest import states_of
from tests.support import small_groups
from tests.support.pipeline import FinishedRun, is_reconciled, mirror

ROWS = small_groups.GROUP_PARTS + 12
"""Two groups, because each batch has one row."""


@pytest.fixture(scope="module")
def run(cloud: Cloud) -> FinishedRun:
    """No row has a valid URL, so that no request is made."""
    lines = "".join(f"ftp://host-{row % 9}.example/{row}.png,{row}\n" for row in range(1, ROWS + 1))
    options = {"batch-size": "1", "rounds": "1", "tolerated-failure-percentage": "100"}
    return mirror(cloud, "folded.csv", f"url,title\n{lines}", options)


def test_its_execution_folds_the_groups_and_joins_them(run: FinishedRun) -> None:
    states = states_of(run.cloud, run.execution["executionArn"])

    assert states.count("FoldGroup") == 2
    assert states[-3:] == ["JoinFolds", "Outcome", "RunSucceeded"]
    assert (run.summary["rows"], run.summary["failed"]) == (ROWS, ROWS)
    assert is_reconciled(run.summary)
    assert run.names(f"{FOLDER}/") == [], "the files of the fold are deleted"


def test_its_reports_list_all_rows_in_their_order(run: FinishedRun) -> None:
    assert [row["row"] for row in run.failures()] == [str(row) for row in range(1, ROWS + 1)]
    assert sum(run.summary["failures_by_host"].values()) == ROWS


def test_a_run_that_was_stopped_is_folded_by_the_second_state_machine(run: FinishedRun) -> None:
    """The event of its end invokes SummarizeRun, which has no execution to return the plan to."""
    cloud, arn = run.cloud, run.execution["executionArn"]
    summary, failures = run.summary, run.file("failures.csv")
    _forget_the_end(cloud, run.run_id)
    missing = [name for name in run.names("results/") if name > f"runs/{run.run_id}/results/part-{ROWS - 4:010d}"]
    for key in missing:
        for name in (key, key.replace("/results/", "/started/")):  # else the batch may still be running
            cloud.client("s3").delete_object(Bucket=cloud.outputs["InputBucket"], Key=name)

    cloud.functions.invoke(_summarize_run(cloud), _stopped(arn, run.execution["input"]))
    cloud.settle()
    for execution in _folds(cloud):
        cloud.engine.wait_for(execution, timeout=60)

    stopped = run.summary
    assert (stopped["status"], stopped["error"], stopped["rows"]) == ("cancelled", "Cancelled", ROWS)
    assert stopped["failures_by_reason"] == {"invalid_url": ROWS - len(missing), "out_of_time": len(missing)}
    assert stopped["retry_rows"] == len(missing) > 0
    assert run.file(stopped["retry_manifest"]).decode().count("\n") == len(missing) + 1
    assert run.file("failures.csv").startswith(failures[: len(failures) // 2])
    assert summary["status"] == "succeeded"


def _forget_the_end(cloud: Cloud, run_id: str) -> None:
    cloud.client("dynamodb").update_item(
        TableName=cloud.outputs["RunsTable"], Key={"run_id": {"S": run_id}}, UpdateExpression="REMOVE ended_at"
    )


def _summarize_run(cloud: Cloud) -> str:
    return next(name for name, function in cloud.functions.functions.items() if function.handler == SUMMARIZE_RUN)


def _folds(cloud: Cloud) -> list[str]:
    """The executions of the second state machine that fold a run."""
    machine = cloud.outputs["IndexMachineArn"]
    found = cloud.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    return [execution["executionArn"] for execution in found if execution["name"].startswith("fold-")]


def _stopped(arn: str, execution_input: str) -> dict[str, Any]:
    detail = {
        "executionArn": arn,
        "status": "ABORTED",
        "startDate": 1_790_000_000_000,
        "input": execution_input,
        "inputDetails": {"included": True},
    }
    return {"detail-type": "Step Functions Execution Status Change", "detail": detail}
