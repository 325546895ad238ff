"""Validates the state machines of a template with asl-validator, which runs in the wheel's Node.js.

`requirements/node` pins it with its dependencies. It is installed into the virtual environment when it is first needed.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cdk.cli import NODE

LOCK = Path(__file__).parents[1] / "requirements" / "node"
INSTALLED = Path(sys.prefix) / "node"
NPM = NODE.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
VALIDATOR = INSTALLED / "node_modules" / "asl-validator" / "dist" / "bin" / "asl-validator.js"

REFERENCE = "arn:aws:lambda:us-east-1:123456789012:function:reference"
"""Stands for every reference to a resource of the template."""


def validate(template: Path) -> list[str]:
    """A line for each state machine that is not valid."""
    _install()
    resources = json.loads(template.read_text())["Resources"]
    findings = []
    for name, resource in resources.items():
        if resource["Type"] == "AWS::StepFunctions::StateMachine":
            message = _validate(rendered(resource["Properties"]["DefinitionString"]))
            if message:
                findings.append(f"asl-validator: {name} ({template.name}): {message}")
    return findings


def _install() -> None:
    """Installs what the lock has, unless it is installed. Raises CalledProcessError."""
    lock = "package-lock.json"
    if VALIDATOR.exists() and (INSTALLED / lock).read_bytes() == (LOCK / lock).read_bytes():
        return
    INSTALLED.mkdir(exist_ok=True)
    for name in ("package.json", lock):
        shutil.copy(LOCK / name, INSTALLED / name)
    _node(NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", check=True)


def _validate(definition: str) -> str:
    """What the validator says; empty if the definition is valid."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "definition.asl.json")
        file.write_text(definition)
        result = _node(VALIDATOR, "--json-path", str(file))
    return (result.stdout + result.stderr).strip() if result.returncode else ""


def _node(program: Path, *arguments: str, check: bool = False) -> subprocess.CompletedProcess[str]:
    command = [str(NODE), str(program), *arguments]
    path = f"{NODE.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return subprocess.run(
        command, cwd=INSTALLED, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=check
    )


def rendered(value: Any) -> str:
    """The text of a value of the template, with a stand-in for every reference."""
    if isinstance(value, str):
        return value
    if "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        joined: Sequence[str] = [rendered(part) for part in parts]
        return str(separator).join(joined)
    return "aws" if value == {"Ref": "AWS::Partition"} else REFERENCE
