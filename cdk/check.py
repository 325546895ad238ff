"""`python -m cdk.check` checks the stack with cdk-nag, cfn-lint and asl-validator. It prints the findings, if any."""

import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NotRequired, TypedDict

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks
from cfnlint.api import lint_file  # type: ignore[import-untyped]
from cfnlint.config import ManualArgs  # type: ignore[import-untyped]

from cdk.acknowledged import accepted_findings, acknowledge
from cdk.app import build
from cdk.definitions import validate
from cdk.settings import Settings
from cdk.stack import ImageMirror

_IGNORED_LINT_RULES = ["W3005"]
"""W3005: CDK names a role in DependsOn as well as the role's policy, which is redundant and harmless."""


class ViolatingConstruct(TypedDict):
    constructPath: str


class Violation(TypedDict):
    ruleName: str
    description: str
    violatingConstructs: Sequence[ViolatingConstruct]


class SuppressedViolation(TypedDict):
    acknowledgedId: str
    acknowledgedAt: str


class NagReport(TypedDict):
    """The part of `validation-report.json` that cdk-nag writes, as far as it is read here."""

    pluginName: str
    violations: Sequence[Violation]
    suppressedViolations: NotRequired[Sequence[SuppressedViolation]]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder, "ImageMirror.template.json")
        findings = [*nag(folder), *lint(template), *validate(template)]
    sys.exit("\n".join(findings) or 0)


def nag(outdir: str, settings: Settings = Settings()) -> list[str]:  # noqa: B008 - frozen
    """Synthesize the stack into `outdir`, without bundling, and check it with cdk-nag.

    Returns a line for each finding that is not acknowledged, and for each acknowledgement without a finding.
    """
    app = build({**asdict(settings), "aws:cdk:bundling-stacks": []}, outdir=outdir)
    stack = app.node.find_child("ImageMirror")
    assert isinstance(stack, ImageMirror)
    acknowledge(stack)
    report = _nag_report(app, Path(outdir))
    return [*_unacknowledged(report["violations"]), *_obsolete(stack, report.get("suppressedViolations", ()))]


def lint(template: Path) -> list[str]:
    """Check a template with cfn-lint. Returns a line for each finding."""
    matches = lint_file(template, config=ManualArgs(ignore_checks=_IGNORED_LINT_RULES))
    return [f"{match.rule.id} {match.message} ({template.name}:{match.linenumber})" for match in matches]


def _nag_report(app: App, outdir: Path) -> NagReport:
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    try:
        app.synth()
    except RuntimeError as error:  # raised for findings, after the report is written
        if "Validation failed" not in str(error):
            raise
    reports: list[NagReport] = json.loads((outdir / "validation-report.json").read_text())["pluginReports"]
    return next(report for report in reports if report["pluginName"] == "AwsSolutions")


def _unacknowledged(violations: Sequence[Violation]) -> list[str]:
    return [
        f"{violation['ruleName']} at {construct['constructPath']}: {violation['description']}"
        for violation in violations
        for construct in violation["violatingConstructs"]
    ]


def _obsolete(stack: ImageMirror, suppressed: Sequence[SuppressedViolation]) -> list[str]:
    reported = {(each["acknowledgedId"], each["acknowledgedAt"]) for each in suppressed}
    rows = {(row.id, construct.node.path) for row in accepted_findings(stack) for construct in row.constructs}
    return [
        f"{rule} at {path} is acknowledged, but cdk-nag no longer reports it: remove it from cdk/acknowledged.py"
        for rule, path in sorted(rows - reported)
    ]


if __name__ == "__main__":
    main()
