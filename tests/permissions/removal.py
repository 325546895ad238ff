"""Removes one grant from the template and reruns the tests that needed it: at least one must fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from local.aws.permissions.documents import Grant
from tests.permissions.recording import Recorded
from tests.support.assembly import VARIABLE, folder
from tests.unit.source_tree import ROOT

TEMPLATE = "ImageMirror.template.json"
DOCUMENTS = ("PolicyDocument", "KeyPolicy", "AssumeRolePolicyDocument")
TESTS_FAILED = 1
"""Exit status of pytest."""


@dataclass(frozen=True)
class Removal:
    """`test` is the one that failed, empty if all passed."""

    grant: str
    test: str
    seconds: float


def without(template: dict[str, Any], grant: Grant) -> dict[str, Any]:
    """A copy of the template without a grant. A Lambda permission is deleted as a whole."""
    copy: dict[str, Any] = json.loads(json.dumps(template))
    properties = copy["Resources"][grant.policy]["Properties"]
    name = next((name for name in DOCUMENTS if name in properties), None)
    if name is None:
        del copy["Resources"][grant.policy]
        return copy
    statements = properties[name]["Statement"]
    statements[grant.statement : grant.statement + 1] = _rest(statements[grant.statement], grant)
    if not statements:
        statements.append({**_nothing(name), "Effect": "Allow"})
    return copy


def _rest(statement: dict[str, Any], grant: Grant) -> list[dict[str, Any]]:
    """The statement as up to two: the other actions on all resources, this action on the other resources."""
    actions, resources = _listed(statement["Action"]), _listed(statement.get("Resource"))
    others = [action for action in actions if action != grant.action]
    remaining = [each for index, each in enumerate(resources) if index != grant.position]
    return [
        *([{**statement, "Action": others}] if others else []),
        *([{**statement, "Action": [grant.action], "Resource": remaining}] if remaining else []),
    ]


def _nothing(name: str) -> dict[str, Any]:
    """CloudFormation needs a statement in each policy: one that nothing here uses."""
    if name == "PolicyDocument":
        return {"Action": "sqs:ListQueues", "Resource": "*"}
    service = {"Principal": {"Service": "batch.amazonaws.com"}}
    return {"Action": "sts:AssumeRole", **service} if name.startswith("Assume") else {"Action": "kms:List*", **service}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def remove_all(grants: list[Grant], recorded: Recorded, jobs: int) -> Iterator[Removal]:
    """One result for each grant, as they are found."""
    template = json.loads((folder() / TEMPLATE).read_text())
    with ThreadPoolExecutor(jobs) as pool:
        for done in as_completed([pool.submit(_remove, template, grant, recorded) for grant in grants]):
            yield done.result()


def _remove(template: dict[str, Any], grant: Grant, recorded: Recorded) -> Removal:
    """Tries the test that showed it before, then the fastest one, then all others in one process."""
    tests = recorded.tests[grant.key]
    known = recorded.shown_by.get(grant.key)
    started = time.monotonic()
    with _assembly(without(template, grant)) as assembly:
        for chosen in ([known] if known else [], tests[:1], tests[1:]):
            failed = _failing(chosen, assembly) if chosen else ""
            if failed:
                return Removal(grant.key, failed, time.monotonic() - started)
    return Removal(grant.key, "", time.monotonic() - started)


@contextmanager
def _assembly(template: dict[str, Any]) -> Iterator[Path]:
    with TemporaryDirectory() as name:
        for file in folder().glob("*.json"):
            (Path(name) / file.name).write_bytes(file.read_bytes())
        (Path(name) / TEMPLATE).write_text(json.dumps(template))
        yield Path(name)


def _failing(tests: list[str], assembly: Path) -> str:
    """The first test that fails with the assembly; empty if none does."""
    command = [sys.executable, "-m", "pytest", "-x", "--tb=no", "-rfE", "-p", "no:xdist", *tests]
    environment = {**os.environ, VARIABLE: str(assembly)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != TESTS_FAILED:
        return ""
    lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    return lines[0].partition(" ")[2].partition(" - ")[0] if lines else tests[0]
