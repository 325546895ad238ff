"""The files of a run, beside its page."""

from dataclasses import dataclass

from functions.core.manifests.formats import PARQUET, lock_format
from functions.core.model.limits import MAX_LOCK_ROWS, MAX_SPREADSHEET_ROWS
from functions.core.model.types import RunSummary


@dataclass(frozen=True, slots=True)
class RunFile:
    """`link` is relative to the page; empty for a folder, and for a file that the run may not have."""

    name: str
    meaning: str
    link: str = ""


def written_files(summary: RunSummary) -> list[RunFile]:
    """What the run itself writes."""
    found = [_linked("summary.json", "counts of this page for programs")]
    if key := summary["failures_report"]:
        found.append(_linked(_name(key), "each failed row with its reason and your columns"))
    if key := summary["retry_manifest"]:
        found.append(_linked(_name(key), "the rows that may still succeed, as a manifest"))
    if key := summary["suspects_report"]:
        found.append(_linked(_name(key), "hosts that served one image for ten or more URLs"))
    return found


def index_files(summary: RunSummary) -> list[RunFile]:
    """What the second state machine writes, after the page. A run without rows has none."""
    if not summary["rows"]:
        return []
    index = [
        RunFile("index/", "a line for each row, as Parquet; on your own machine only if pyarrow is installed"),
        _linked("athena.sql", "the statement that makes it a table of Amazon Athena"),
    ]
    documents = [
        _linked("domains.csv", "images and bytes of each domain"),
        _linked("croissant.json", "description of the data set"),
        *_lock(summary),
    ]
    results = (
        [_linked("results.csv", "a line for each row, for a spreadsheet")]
        if summary["rows"] <= MAX_SPREADSHEET_ROWS
        else []
    )
    return [*results, *index, *([] if summary.get("probe") else documents)]


def _lock(summary: RunSummary) -> list[RunFile]:
    """A lock of text has a file for each million rows of the manifest, one of Parquet for each million of its own."""
    rows, form = summary["rows"] - summary["failed"], lock_format(summary["manifest"]["format"])
    if not rows:
        return []
    extension = form.extension if form else f".{PARQUET}"
    meaning = "the stored rows with the SHA-256 of their images, as a manifest"
    if (summary["rows"] if form else rows) <= MAX_LOCK_ROWS:
        return [_linked(f"lock{extension}", meaning)]
    name = f"lock-0001{extension}"
    has_first_file = not form or summary["failed"] < MAX_LOCK_ROWS
    return [RunFile(name, f"{meaning}; a file for each million rows", name if has_first_file else "")]


def _linked(name: str, meaning: str) -> RunFile:
    return RunFile(name, meaning, name)


def _name(key: str) -> str:
    return key.rpartition("/")[2]
