"""`python -m cdk.check` holds the stack against cdk-nag and cfn-lint. Silent, and 0, when neither objects."""

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks
from cfnlint.api import lint_file  # type: ignore[import-untyped]
from cfnlint.config import ManualArgs  # type: ignore[import-untyped]

from cdk.acknowledged import acknowledge, acknowledged
from cdk.app import build
from cdk.settings import Settings
from cdk.stack import ImageMirror

# W3005: CDK names a role in DependsOn beside the role's policy, more than is needed and harmless.
_NOT_OURS = ["W3005"]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = [*nag(folder), *lint(Path(folder, "ImageMirror.template.json"))]
    sys.exit("\n".join(found) or 0)


def nag(outdir: str) -> list[str]:
    """Synthesizes into `outdir`, without the bundle, with every setting at its default.

    A line for each finding that is not acknowledged, and for each acknowledgement of what is found no more.
    """
    app = build({**asdict(Settings()), "aws:cdk:bundling-stacks": []}, outdir=outdir)
    stack = app.node.find_child("ImageMirror")
    assert isinstance(stack, ImageMirror)
    acknowledge(stack)
    report = _report(app, Path(outdir))
    return [*_findings(report["violations"]), *_stale(stack, report.get("suppressedViolations", []))]


def lint(template: Path) -> list[str]:
    matches = lint_file(template, config=ManualArgs(ignore_checks=_NOT_OURS))
    return [f"{match.rule.id} {match.message} ({template.name}:{match.linenumber})" for match in matches]


def _report(app: App, outdir: Path) -> dict[str, Any]:
    """What cdk-nag says. Where it finds something, synthesis ends in an error, once that is written."""
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    try:
        app.synth()
    except RuntimeError as error:
        if "Validation failed" not in str(error):
            raise
    reports = json.loads((outdir / "validation-report.json").read_text())["pluginReports"]
    return next(report for report in reports if report["pluginName"] == "AwsSolutions")


def _findings(violations: list[dict[str, Any]]) -> list[str]:
    return [
        f"{violation['ruleName']} at {construct['constructPath']}: {violation['description']}"
        for violation in violations
        for construct in violation["violatingConstructs"]
    ]


def _stale(stack: ImageMirror, suppressed: list[dict[str, Any]]) -> list[str]:
    used = {(each["acknowledgedId"], each["acknowledgedAt"]) for each in suppressed}
    rows = {(row.id, construct.node.path) for row in acknowledged(stack) for construct in row.where}
    return [f"{rule} at {path} is acknowledged, but is no longer found" for rule, path in sorted(rows - used)]


if __name__ == "__main__":
    main()
