"""Validates the state machines of a template with asl-validator."""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cdk import node

VALIDATOR = Path("dist", "bin", "asl-validator.js")

REFERENCE = "arn:aws:lambda:us-east-1:123456789012:function:reference"
"""Stands for every reference to a resource of the template."""


def validate(template: Path) -> list[str]:
    """A line for each state machine that is not valid. Raises InstallationError."""
    validator = node.package("asl-validator") / VALIDATOR
    resources = json.loads(template.read_text())["Resources"]
    findings = []
    for name, resource in resources.items():
        if resource["Type"] == "AWS::StepFunctions::StateMachine":
            message = _validate(validator, rendered(resource["Properties"]["DefinitionString"]))
            if message:
                findings.append(f"asl-validator: {name} ({template.name}): {message}")
    return findings


def _validate(validator: Path, definition: str) -> str:
    """What the validator says; empty if the definition is valid."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "definition.asl.json")
        file.write_text(definition)
        command = node.command(validator, "--json-path", str(file))
        result = subprocess.run(command, env=node.environment(), capture_output=True, text=True, check=False)
    return (result.stdout + result.stderr).strip() if result.returncode else ""


def rendered(value: Any) -> str:
    """The text of a value of the template, with a stand-in for every reference."""
    if isinstance(value, str):
        return value
    if "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        joined: Sequence[str] = [rendered(part) for part in parts]
        return str(separator).join(joined)
    return "aws" if value == {"Ref": "AWS::Partition"} else REFERENCE
