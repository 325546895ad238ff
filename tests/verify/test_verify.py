"""`./image-mirror verify` against the local AWS: as it should be, and with faults in its template."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from local.aws.cloud import Cloud
from local.commands.__main__ import main
from local.verify import command, removal
from local.verify.command import LINES
from tests.verify.faults import FAULTS, Fault

ROOT = Path(__file__).parents[2]
SHORT_SECONDS = 4.0
"""Wait for what a fault keeps from arriving. What arrives does so at once in the local AWS."""

EVENT_SECONDS = 60.0

USUAL_FAULTS = tuple(fault for fault in FAULTS if fault.is_usual)
"""One for each kind of fault, since each needs a local AWS of its own. FAULTS=all tests the others, too."""

Deploy = Callable[..., Cloud]


def start(out: Path, *only: str) -> subprocess.Popen[str]:
    """The command, with no AWS settings of the user."""
    names = [argument for name in only for argument in ("--only", name)]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "local.commands", "verify", "--out", str(out), *names],
        cwd=ROOT,
        env=inherited,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def left(cloud: Cloud) -> list[str]:
    """What is in the buckets, in the tables, and subscribed to the topic, except for what the local AWS has itself."""
    s3, dynamodb = cloud.client("s3"), cloud.client("dynamodb")
    found = []
    for name in ("InputBucket", "ImagesBucket"):
        listing = s3.list_object_versions(Bucket=cloud.outputs[name])
        found += [each["Key"] for each in [*listing.get("Versions", []), *listing.get("DeleteMarkers", [])]]
    for name in ("ImagesTable", "RunsTable"):
        found += [str(item) for item in dynamodb.scan(TableName=cloud.outputs[name])["Items"]]
    found += [url for url in cloud.client("sqs").list_queues()["QueueUrls"] if "verify" in url]
    arns = [each["Endpoint"] for each in cloud.client("sns").list_subscriptions()["Subscriptions"]]
    return found + [arn for arn in arns if "verify" in arn]


def settle_failed_runs(cloud: Cloud) -> None:
    """Wait until SummarizeRun has been invoked for every execution that has failed."""
    listed = cloud.client("stepfunctions").list_executions(
        stateMachineArn=cloud.outputs["StateMachineArn"], statusFilter="FAILED"
    )
    for execution in listed["executions"]:
        cloud.engine.wait_for(execution["executionArn"], EVENT_SECONDS)
    cloud.settle()


def test_every_line_passes_against_the_local_aws_and_everything_is_removed(deploy: Deploy, out: Path) -> None:
    cloud = deploy()
    process = start(out)

    output, _ = process.communicate(timeout=250)

    assert process.returncode == 0, output
    passed = re.findall(r"^passed +([\w-]+): ", output, re.M)
    assert sorted(passed) == sorted(LINES)
    assert f"{len(LINES)} of {len(LINES)} lines have passed." in output
    assert "Everything that was created is removed." in output
    assert left(cloud) == []


@pytest.mark.parametrize(
    "fault",
    FAULTS if os.environ.get("FAULTS") == "all" else USUAL_FAULTS,
    ids=lambda fault: fault.name.replace(" ", "-"),
)
def test_a_fault_in_the_template_fails_its_line(
    fault: Fault, deploy: Deploy, out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "LOCAL_TIMEOUT_SECONDS", SHORT_SECONDS)
    cloud = deploy(fault.put_into)
    monkeypatch.setattr(removal, "wait_for_end_events", partial(settle_failed_runs, cloud))

    status = main(
        ["verify", "--out", str(out), *(part for name in (fault.line, *fault.others) for part in ("--only", name))]
    )

    output = capsys.readouterr().out
    assert status == 1, output
    assert re.search(rf"^FAILED +{fault.line}: .*{re.escape(fault.says)}", output, re.M), output
    assert [re.search(rf"^passed +{name}: ", output, re.M) is not None for name in fault.others] == [True] * len(
        fault.others
    ), output
    assert "Everything that was created is removed." in output
    cloud.settle()
    assert left(cloud) == []


def test_ctrl_c_removes_what_was_created(deploy: Deploy, out: Path) -> None:
    cloud = deploy()
    process = start(out, "csv", "parquet", "messages", "api-cancel")
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("passed"):
            process.send_signal(signal.SIGINT)
            break

    output, _ = process.communicate(timeout=120)

    assert process.returncode == 130, output
    assert "Interrupted. Removing what was created" in output
    assert "Traceback" not in output
    cloud.settle()
    assert left(cloud) == []


def test_a_shell_that_has_sourced_local_env_checks_that_local_aws(
    deploy: Deploy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud = deploy()
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)

    status = main(["verify", "--out", str(tmp_path / "other"), "--only", "api-urls"])

    output = capsys.readouterr().out
    assert status == 0, output
    assert "1 of 1 lines have passed." in output
    assert left(cloud) == []


def test_a_local_aws_that_blocks_itself_is_refused_with_the_command_that_helps(
    deploy: Deploy, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud = deploy(allow="")

    status = main(["verify", "--out", str(out)])

    shown = capsys.readouterr()
    assert (status, shown.out) == (2, "")
    assert "`./image-mirror up --allow 127.0.0.1`, or `make up ALLOW=127.0.0.1`" in shown.err
    assert left(cloud) == []


def test_a_stack_without_an_output_is_a_sentence(deploy: Deploy, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deploy(lambda template: template["Outputs"].pop("ApiUrl"))

    assert main(["verify", "--out", str(out)]) == 2
    assert capsys.readouterr().err.startswith("The stack ImageMirror has no output ApiUrl")
