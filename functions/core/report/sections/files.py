"""The files of a run, beside its page."""

from dataclasses import dataclass

from functions.core.model.limits import MAX_SPREADSHEET_ROWS
from functions.core.model.types import RunSummary


@dataclass(frozen=True, slots=True)
class RunFile:
    """`link` is relative to the page; empty for a file that the run may not have."""

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
    if summary["rows"]:
        found.append(RunFile("suspects.csv", "hosts that served one image for ten or more URLs, if there are any"))
    return found


def index_files(summary: RunSummary) -> list[RunFile]:
    """What the second state machine writes, after the page. A run without rows has none."""
    if not summary["rows"]:
        return []
    index = RunFile("index/", "a line for each row, as Parquet; on your own machine only if pyarrow is installed")
    documents = [
        _linked("domains.csv", "images and bytes of each domain"),
        _linked("croissant.json", "description of the data set"),
        RunFile("lock manifest", "the stored rows with the SHA-256 of their images, in the format of the manifest"),
    ]
    results = (
        [_linked("results.csv", "a line for each row, for a spreadsheet")]
        if summary["rows"] <= MAX_SPREADSHEET_ROWS
        else []
    )
    return [*results, index, *([] if summary.get("probe") else documents)]


def _linked(name: str, meaning: str) -> RunFile:
    return RunFile(name, meaning, name)


def _name(key: str) -> str:
    return key.rpartition("/")[2]
