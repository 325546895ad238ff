"""Removes one grant from the template and reruns the tests that needed it: at least one must fail.

A failure counts only if the action was refused in the same process: a test can fail for other reasons.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from local.aws.permissions import recording
from local.aws.permissions.documents import Grant
from local.aws.permissions.patterns import action_pattern
from tests.permissions.recording import Recorded
from tests.support.assembly import VARIABLE, folder
from tests.unit.source_tree import ROOT

TEMPLATE = "ImageMirror.template.json"
DOCUMENTS = ("PolicyDocument", "KeyPolicy", "AssumeRolePolicyDocument")


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
    """One result for each grant, as they are found. Each has a process of its own, a fork, which saves the imports."""
    template = json.loads((folder() / TEMPLATE).read_text())
    work = [(template, grant, recorded) for grant in grants]
    with get_context("fork").Pool(jobs, maxtasksperchild=1) as pool:
        yield from pool.imap_unordered(_remove, work)


def _remove(work: tuple[dict[str, Any], Grant, Recorded]) -> Removal:
    """Tries the test that showed it before, then the fastest one, then all others."""
    template, grant, recorded = work
    tests = recorded.tests[grant.key]
    known = recorded.shown_by.get(grant.key)
    started = time.monotonic()
    with _assembly(without(template, grant)) as assembly:
        for chosen in ([known] if known else [], tests[:1], tests[1:]):
            failed = _failing(chosen, assembly, grant.action) if chosen else ""
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


class _Failures:
    """A plugin of pytest that keeps the names of the tests that fail."""

    def __init__(self) -> None:
        self.tests: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.tests.append(report.nodeid)


def _failing(tests: list[str], assembly: Path, action: str) -> str:
    """The test that fails with the assembly after the action was refused; empty if there is none."""
    os.environ |= {VARIABLE: str(assembly), recording.VARIABLE: str(assembly)}
    os.chdir(ROOT)
    failures = _Failures()
    with open(os.devnull, "w") as nothing, redirect_stdout(nothing):
        pytest.main(["-x", "--tb=no", "-p", "no:xdist", *tests], plugins=[failures])
    return failures.tests[0] if failures.tests and _was_refused(assembly, action) else ""


def _was_refused(assembly: Path, action: str) -> bool:
    lines = [line for file in assembly.glob("*.jsonl") for line in file.read_text().splitlines()]
    refused = {line["action"] for line in map(json.loads, lines) if not line["grants"]}
    return any(action_pattern(action)(each) for each in refused)
