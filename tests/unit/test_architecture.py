"""What each part of the functions may import and read."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.source_tree import ROOT, imported, name

CORE = sorted((ROOT / "functions" / "core").rglob("*.py"))
FUNCTIONS = sorted((ROOT / "functions").rglob("*.py"))
HANDLERS = {path.stem for path in (ROOT / "functions").glob("*.py")} - {"__init__", "api_document", "config", "version"}
OUTSIDE = (
    "boto3",
    "botocore",
    "aws_cdk",
    "constructs",
    "aws_lambda_powertools",
    "moto",
    "cdk",
    "local",
    "tests",
    "bench",
)


def begins(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def test_there_is_something_to_look_at() -> None:
    assert len(CORE) > 20
    assert {"prepare_run", "download_batch", "summarize_run"} <= HANDLERS


@pytest.mark.parametrize("path", CORE, ids=name)
def test_core_knows_no_cloud_no_handler_and_no_adapter(path: Path) -> None:
    outside = [*OUTSIDE, "functions.adapters", *(f"functions.{handler}" for handler in HANDLERS)]

    assert [module for module in imported(path) if begins(module, *outside)] == []


@pytest.mark.parametrize("path", CORE, ids=name)
def test_core_reads_no_environment(path: Path) -> None:
    names = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
    names |= {module.rpartition(".")[2] for module in imported(path)}

    assert not names & {"environ", "environb", "getenv"}


@pytest.mark.parametrize("path", FUNCTIONS, ids=name)
def test_what_runs_in_lambda_knows_nothing_that_is_not_in_its_bundle(path: Path) -> None:
    outside = ("aws_cdk", "constructs", "moto", "cdk", "local", "tests", "bench", "hypothesis", "pytest")

    assert [module for module in imported(path) if begins(module, *outside)] == []


@pytest.mark.parametrize("path", FUNCTIONS, ids=name)
def test_only_the_environment_module_reads_the_environment(path: Path) -> None:
    if path.name != "config.py":
        assert "os.environ" not in path.read_text()


def modules_after(statement: str) -> set[str]:
    """In a process of its own, with no environment but what Python needs."""
    environment = {"PATH": os.environ["PATH"], "AWS_DEFAULT_REGION": "eu-central-1"}
    script = f"import sys\n{statement}\nprint(*sys.modules, sep='\\n')"
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_hot_path_loads_no_pydantic_no_xray_sdk_no_estimate_and_no_environment_variable() -> None:
    modules = modules_after("import functions.download_batch")
    useless = (
        "pydantic",
        "pydantic_core",
        "aws_xray_sdk",
        "functions.core.cost.estimate",
        "functions.core.cost.prices",
    )

    assert [module for module in modules if begins(module, *useless)] == []


@pytest.mark.parametrize("handler", ["prepare_run", "summarize_run"])
def test_a_handler_can_be_loaded_before_its_environment_is_known(handler: str) -> None:
    assert f"functions.{handler}" in modules_after(f"import functions.{handler}")
