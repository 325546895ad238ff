"""The plan of a fold: how many rows a group has, and the items of the manifest in a file for each group."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice, repeat

from functions.core.manifests import json_rows
from functions.core.manifests.formats import PARQUET
from functions.core.model.options import Options
from functions.core.model.ports import RunResults
from functions.core.model.types import FoldPlan, RunFields
from functions.core.summary.execution import EndedExecution
from functions.core.summary.fold.groups import Group, equal_groups
from functions.core.summary.manifest_items import ManifestItems

FOLDER = "fold"
"""The folder of the files that are deleted when the run is summarized."""

GROUP_PARTS = 2000
"""Parts of a group, if every batch has the rows that it may have, and one round. With 500 rows a batch, a group has a
million rows: 40 seconds and 0.3 GB (`bench.measures.summary`)."""

MAX_GROUPS = 400
"""The list of the groups is the input of an inline Map, whose iterations have 7 of the 25,000 events of an execution;
its passes may have 15,000."""

MAX_ROWS = 100_000_000
"""Rows of a manifest that Step Functions reads."""


def group_rows(record: RunFields) -> int:
    """The number of rows of a group. A run that has no more is summarized by one invocation."""
    batch_size = Options.from_payload(record.get("options") or {}).batch_size
    rows = MAX_ROWS if record.get("sampled") else int(record.get("rows", 0))
    return max(batch_size * GROUP_PARTS, -(-rows // MAX_GROUPS))


def needs_fold(record: RunFields, size: int) -> bool:
    return bool(record.get("sampled")) or int(record.get("rows", 0)) > size


@dataclass(frozen=True, slots=True)
class FoldFiles:
    """The names of the files of a fold. Those of a group have the number of its first row."""

    folder: str

    @classmethod
    def of(cls, execution: EndedExecution) -> "FoldFiles":
        """Each end of an execution has a folder of its own: what failed or was stopped later has other outcomes."""
        failure = execution.failure and (execution.failure.error, execution.failure.cause)
        text = json.dumps([execution.arn, failure, execution.cancelled])
        return cls(f"{FOLDER}/{hashlib.sha256(text.encode()).hexdigest()[:16]}")

    @property
    def plan(self) -> str:
        return f"{self.folder}/plan.jsonl"

    @property
    def groups(self) -> str:
        return f"{self.folder}/groups.jsonl"

    def items(self, first_row: int) -> str:
        return f"{self.folder}/items/part-{first_row:010d}.jsonl"

    def failures(self, group: Group) -> str:
        return f"{self.folder}/failures/part-{group.first_row:010d}.csv"

    def retries(self, group: Group) -> str:
        return f"{self.folder}/retries/part-{group.first_row:010d}.txt"

    def partial(self, group: Group) -> str:
        return f"{self.folder}/partials/part-{group.first_row:010d}.jsonl"


def plan_fold(results: RunResults, items: ManifestItems, record: RunFields, files: FoldFiles, size: int) -> FoldPlan:
    """Writes the files that the folds of groups of `size` rows read. The manifest is read once, in its order.

    Raises StorageFault.
    """
    has_items = items.readable and record.get("format") != PARQUET
    rows = _write_items(results, items.items, files, size) if has_items else sum(1 for _ in items.items)
    groups = equal_groups(results.part_names("results"), rows, size)
    results.write(files.groups, (group.as_json() for group in groups))
    return {
        "status": "folding",
        "run_id": str(record.get("run_id")),
        "event": {},  # the handler knows it
        "folder": files.folder,
        "groups": list(range(len(groups))),
        "rows": rows,
        "readable": items.readable,
        "errors": items.errors,
    }


def _write_items(results: RunResults, items: Iterable[object], files: FoldFiles, size: int) -> int:
    remaining = iter(items)
    rows = 0
    for first in remaining:
        counted = _Counted(chain((first,), islice(remaining, size - 1)))
        lines = json_rows.write_lines(counted)
        results.write_text(files.items(rows + 1), lines, "application/x-ndjson")
        rows += counted.count
    return rows


class _Counted:
    """Items whose number is known when they were read."""

    def __init__(self, items: Iterable[object]) -> None:
        self._items = items
        self.count = 0

    def __iter__(self) -> Iterator[object]:
        for item in self._items:
            self.count += 1
            yield item


def items_of(results: RunResults, record: RunFields, plan: FoldPlan, group: Group) -> Iterable[object]:
    """The items of a group; placeholders where the manifest cannot be read. Raises StorageFault."""
    before = plan["rows"] + 1 if group.before_row is None else group.before_row
    if record.get("format") == PARQUET:
        return repeat(None, before - group.first_row)
    if not plan["readable"]:
        return repeat({}, before - group.first_row)
    return results.stream_lines(FoldFiles(plan["folder"]).items(group.first_row)) if plan["rows"] else ()


def planned_items(record: RunFields, plan: FoldPlan) -> ManifestItems:
    """What is known about the items when they were read."""
    rows = None if record.get("sampled") else int(record.get("rows", 0))
    return ManifestItems((), rows, readable=plan["readable"], errors=plan["errors"])
