"""What a run of a manifest would be, without fetching or uploading anything.

It reads the file as PrepareRun and a run's batches do. To find duplicates it keeps a number for each URL: about 70 MB
of memory for a million rows.
"""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from cdk.workflow.definition import BATCH_BYTES
from functions.core.cost.estimate import GLACIER_FROM_BYTES, RunEstimate
from functions.core.manifests.contents import ManifestContents
from functions.core.manifests.detection import decompressed
from functions.core.manifests.formats import PARQUET, format_by_name
from functions.core.manifests.validation import validate_manifest as checked_manifest
from functions.core.model.errors import RowError
from functions.core.model.keys import requested_key
from functions.core.model.options import Options
from functions.core.model.reasons import Reason
from functions.core.model.rows import Row, parse_row
from functions.core.model.runs import ManifestObject
from functions.core.model.urls import host_of
from local.commands.manifest_files import ManifestFiles
from local.states.items import readers
from local.states.items.batcher import Limits, batches

NAMED = 10

Item = tuple[int, Any]  # its line, or its place in a JSON array or a Parquet file


@dataclass(slots=True)
class Plan:
    """`bad`, `duplicates` and `conflicts` have the first few by line, and why; `hosts` the rows to be fetched."""

    format: str
    note: str
    glacier_from_bytes: int = GLACIER_FROM_BYTES
    rows: int = 0
    batches: int = 0
    options: Options = Options()  # noqa: RUF009 - frozen
    counts: Counter[str] = field(default_factory=Counter)
    bad: list[tuple[int, str]] = field(default_factory=list)
    duplicates: list[tuple[int, str]] = field(default_factory=list)
    conflicts: list[tuple[int, str]] = field(default_factory=list)
    hosts: Counter[str] = field(default_factory=Counter)

    @property
    def run(self) -> RunEstimate:
        """For the model. Batches may be smaller than the option has them: they are bounded by bytes too."""
        images, largest = self.hosts.total(), max(self.hosts.values(), default=1)
        run = RunEstimate(
            images=images,
            hosts=max(1, images) / largest,
            glacier_from_bytes=self.glacier_from_bytes,
            options=self.options,
        )
        if run.batches >= self.batches:
            return run
        return replace(run, options=replace(self.options, batch_size=max(1, math.ceil(images / self.batches))))


def planned(path: Path, options: Options, glacier_from_bytes: int = GLACIER_FROM_BYTES) -> Plan:
    """Raises InvalidManifest."""
    size = path.stat().st_size
    found = checked_manifest(ManifestFiles(), ManifestObject(str(path.parent), path.name, size=size), whole_bytes=size)
    contents: ManifestContents = found.contents
    plan = Plan(found.format, contents.note, glacier_from_bytes, options=options)
    run = {"id": "x" * 60, "manifest": f"manifests/{path.name}", "options": asdict(options)}
    items = ({"row": plan.rows, "item": item} for item in _tallied(_items(path, found.format), plan, options))
    plan.batches = sum(1 for _ in batches(items, Limits(options.batch_size, BATCH_BYTES), {"run": run}))
    return plan


def _items(path: Path, format_name: str) -> Iterator[Item]:
    form = format_by_name(format_name)
    if form is not None:
        yield from form.numbered_items(decompressed(path.name, ManifestFiles().read(str(path.parent), path.name, "")))
        return
    assert format_name == PARQUET
    with path.open("rb") as file:
        yield from enumerate(readers.READERS["PARQUET"](file, {}), start=1)


def _tallied(items: Iterator[Item], plan: Plan, options: Options) -> Iterator[Any]:
    """The items, once they have been looked at."""
    seen = _Seen()
    for line, item in items:
        plan.rows += 1
        try:
            row = parse_row(plan.rows, item, options.base_url)
        except RowError as fault:
            _note(plan, plan.bad, fault.reason, line, fault.message)
        else:
            _tally(row, line, plan, seen)
        yield item


def _tally(row: Row, line: int, plan: Plan, seen: "_Seen") -> None:
    if seen.url(row):
        _note(plan, plan.duplicates, "duplicate", line, row.url)
    elif seen.key(row):
        _note(plan, plan.conflicts, Reason.KEY_CONFLICT, line, str(row.key))
    else:
        plan.hosts[host_of(row.url)] += 1


def _note(plan: Plan, named: list[tuple[int, str]], what: str, line: int, why: str) -> None:
    plan.counts[what] += 1
    if len(named) < NAMED:
        named.append((line, why))


class _Seen:
    """URLs and keys that have come, each as a number: two of a million are the same once in ten million times."""

    def __init__(self) -> None:
        self._urls: set[int] = set()
        self._keys: set[int] = set()

    def url(self, row: Row) -> bool:
        """Whether it has come before."""
        return _add(self._urls, row.url)

    def key(self, row: Row) -> bool:
        return row.key is not None and _add(self._keys, requested_key(row.key))


def _add(found: set[int], text: str) -> bool:
    number, before = hash(text), len(found)
    found.add(number)
    return len(found) == before
