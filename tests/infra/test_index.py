"""The second state machine, and the bundle of its function."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cdk.asset import LocalBundling
from cdk.bundle import INDEX_LOCK, bundle, fingerprint
from tests.infra.rendered import Template

Definition = dict[str, Any]


@pytest.fixture(scope="module")
def machine(template: Template) -> Definition:
    text = template.text(template.only("AWS::StepFunctions::StateMachine", "Index")["DefinitionString"])
    definition: Definition = json.loads(text.replace("<AWS::Partition>", "aws"))
    return definition


def test_the_table_is_written_in_groups_between_the_plan_and_the_documents(machine: Definition) -> None:
    states = machine["States"]

    assert (states["Work"]["Default"], states["PlanIndex"]["Next"]) == ("PlanIndex", "IndexRows")
    assert (states["IndexRows"]["Next"], states["DocumentRows"]["Next"]) == ("DocumentRows", "PublishRun")
    assert states["PublishRun"]["Next"] == "IndexOutcome"
    assert (states["IndexRows"]["ItemsPath"], states["DocumentRows"]["ItemsPath"]) == ("$.groups", "$.documents")
    assert states["PlanIndex"]["Parameters"]["Payload"] == {"step": "plan", "run_id.$": "$.run_id"}


def test_documents_are_written_after_a_group_has_failed_and_the_execution_fails(machine: Definition) -> None:
    states = machine["States"]

    assert states["IndexRows"]["Catch"] == [
        {"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "DocumentRows"}
    ]
    assert states["IndexOutcome"]["Choices"] == [{"Variable": "$.failure", "IsNull": True, "Next": "Indexed"}]
    assert states[states["IndexOutcome"]["Default"]]["Type"] == "Fail"


UNKNOWN_RUN = {"ErrorEquals": ["RunNotEndedError"], "MaxAttempts": 0}


def test_each_step_is_retried_while_lambda_is_busy_and_twice_after_a_crash(machine: Definition) -> None:
    states = machine["States"]
    steps = [
        states["PlanIndex"],
        states["PublishRun"],
        *(step for name in ("IndexRows", "DocumentRows") for step in states[name]["ItemProcessor"]["States"].values()),
    ]

    for step in steps:
        *never, busy, any_error = step["Retry"]
        assert never == ([UNKNOWN_RUN] if step is states["PlanIndex"] else [])
        assert "Lambda.TooManyRequestsException" in busy["ErrorEquals"]
        assert (any_error["ErrorEquals"], any_error["MaxAttempts"]) == (["States.ALL"], 2)


def test_only_the_index_function_is_invoked_by_its_version(template: Template, machine: Definition) -> None:
    states = machine["States"]
    steps = [
        states["PlanIndex"],
        states["PublishRun"],
        *(step for name in ("IndexRows", "DocumentRows") for step in states[name]["ItemProcessor"]["States"].values()),
    ]

    names = {step["Parameters"]["FunctionName"].strip("<>") for step in steps}

    assert len(names) == 1
    assert template.all("AWS::Lambda::Version").keys() >= names


def test_the_bundle_of_the_index_function_reads_and_writes_parquet(tmp_path: Path) -> None:
    bundle(tmp_path / "bundle", platform=None, python_version=None, more=[INDEX_LOCK])
    script = """
import sys
sys.path.insert(0, sys.argv[1])
import io, pyarrow, pyarrow.parquet as pq, publicsuffixlist
assert pyarrow.__file__.startswith(sys.argv[1]), pyarrow.__file__
file = io.BytesIO()
pq.write_table(pyarrow.table({"a": ["x"]}), file, compression="zstd")
assert pq.ParquetFile(file).read().to_pylist() == [{"a": "x"}]
"""

    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, str(tmp_path / "bundle")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stderr


def test_the_deployed_bundle_of_the_index_function_fits_into_lambda(tmp_path: Path) -> None:
    assert LocalBundling([INDEX_LOCK]).try_bundle(str(tmp_path))

    size = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())

    assert size < 180 * 1024 * 1024  # the limit is 250 MB
    libraries = list((tmp_path / "pyarrow").glob("*.so*"))
    linked = {name.decode() for path in libraries for name in re.findall(rb"libarrow\w*\.so\.\d+", path.read_bytes())}
    assert linked
    assert linked <= {path.name for path in libraries}


def test_a_change_of_its_dependencies_changes_its_bundle_and_no_other(tmp_path: Path) -> None:
    lock = tmp_path / "index.txt"
    lock.write_text(INDEX_LOCK.read_text())
    before = fingerprint(), fingerprint(more=[lock])
    lock.write_text("")

    assert fingerprint() == before[0]
    assert fingerprint(more=[lock]) != before[1]
