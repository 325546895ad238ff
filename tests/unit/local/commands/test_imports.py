"""What the commands import: those that use AWS import no emulator, and no import changes the process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
EMULATOR = ("local.aws", "local.lambdas", "moto")
SCRIPT = """
import os, sys
before = dict(os.environ)
import {module}
os.environ.pop("JSII_NODE", None)  # set by the package cdk, for the CDK alone
assert dict(os.environ) == before, "the import has changed the environment variables"
print(*sys.modules, sep="\\n")
"""


def _modules_after_import(module: str) -> list[str]:
    """The modules that a new interpreter has after the import."""
    command = [sys.executable, "-c", SCRIPT.format(module=module)]
    settings = {name: value for name, value in os.environ.items() if name != "JSII_NODE"} | {"AWS_PROFILE": "missing"}
    done = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def _of(packages: tuple[str, ...], modules: list[str]) -> list[str]:
    return [name for name in modules if name in packages or name.startswith(tuple(f"{part}." for part in packages))]


WITHOUT_EMULATOR = (
    *(f"local.commands.{name}" for name in ("__main__", "watch", "plan", "cost")),
    "local.console.command",
    "local.verify.command",
)


@pytest.mark.parametrize("module", WITHOUT_EMULATOR)
def test_commands_that_use_aws_or_only_files_import_nothing_of_the_local_aws(module: str) -> None:
    assert _of(EMULATOR, _modules_after_import(module)) == []


@pytest.mark.parametrize("module", ["local.account_commands", "cdk.account.deploy", "cdk.account.destroy"])
def test_commands_that_change_an_account_import_nothing_of_the_local_aws(module: str) -> None:
    assert _of((*EMULATOR, "local.states", "local.commands"), _modules_after_import(module)) == []


@pytest.mark.parametrize("module", ["local", "local.aws", "local.lambdas", "local.commands.run", "local.commands.up"])
def test_an_import_changes_no_environment_variable(module: str) -> None:
    assert module in _modules_after_import(module)
