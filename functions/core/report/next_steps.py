"""What to do next: a few sentences, each with its command to copy."""

from collections.abc import Iterator, Mapping
from typing import Any

from functions.core.report.formatting import plural
from functions.core.report.markup import Markup, tag

KEPT_OUT = ("results", "failures", "retries", "map")
"""Folders of a run's own that are for programs."""


def next_steps(summary: Mapping[str, Any]) -> Markup:
    """`runs/ID/…` are keys of the bucket that the manifest is in."""
    return tag("ol", *(tag("li", *step) for step in _steps(summary)), class_="steps")


def _steps(summary: Mapping[str, Any]) -> Iterator[tuple[Markup, ...]]:
    bucket, run_id = summary["manifest"]["bucket"], summary["run_id"]
    if summary["status"] == "succeeded" and not summary["failed"]:
        yield (tag("p", "Nothing: no row failed."),)
    if summary["status"] == "failed" and not summary["rows"]:
        invalid = summary["error"] == "InvalidManifest"
        why = "Mend the manifest as the sentence above says" if invalid else "Our own side failed, not your manifest"
        yield (
            tag("p", f"{why}. Upload it again: that starts a new run."),
            _command("aws s3 cp YOUR-MANIFEST", f"s3://{bucket}/manifests/"),
        )
    if summary["retry_manifest"]:
        name = summary["retry_manifest"].rpartition("/")[2]
        yield (
            tag(
                "p",
                "Run the rows again that may succeed later: they stand, as you wrote them, in ",
                _file(name),
                ". A copy of it among the manifests is a new run of those rows.",
            ),
            _command(
                "aws s3 cp",
                f"s3://{bucket}/runs/{run_id}/{name}",
                f"s3://{bucket}/manifests/{run_id}-{name}",
            ),
        )
    if summary["failures_report"]:
        yield (
            tag(
                "p",
                f"See why {plural(summary['failed'], 'row')} failed: ",
                _file("failures.csv"),
                " has each with its reason and your own columns. ",
                "What is not worth a retry needs another URL, or another option.",
            ),
        )
    yield (
        tag("p", "Take this page and its files along."),
        _command(
            "aws s3 sync",
            f"s3://{bucket}/runs/{run_id} {run_id}",
            *(f"--exclude '{folder}/*'" for folder in KEPT_OUT),
        ),
    )


def _file(name: str) -> Markup:
    """It lies beside the page."""
    return tag("a", name, href=name)


def _command(*parts: str) -> Markup:
    """For a shell, a part a line."""
    return tag("pre", tag("code", " \\\n  ".join(parts)))
