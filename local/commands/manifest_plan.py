"""Computes what a run of a manifest would do, without downloading or uploading anything.

It reads the file as PrepareRun and the batches of a run do. To find duplicates it keeps a hash of each URL: about 70 MB
of memory for a million rows.
"""

import math
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from cdk.workflow.definition import BATCH_BYTES
from functions.core.cost.estimate import GLACIER_FROM_BYTES, LATENCY_MS, RunEstimate, write_units
from functions.core.cost.hosts import HostLoad, host_loads
from functions.core.manifests import json_rows
from functions.core.manifests.contents import is_too_large
from functions.core.manifests.detection import decompressed
from functions.core.manifests.formats import PARQUET
from functions.core.manifests.line_errors import TOO_LARGE
from functions.core.manifests.validation import ValidatedManifest, validate_manifest
from functions.core.model.errors import InvalidManifest, RowError
from functions.core.model.host_limits import NO_HOST_LIMITS, HostLimits
from functions.core.model.keys import DEFAULT_PREFIX
from functions.core.model.keys.templates import OpenKey
from functions.core.model.options import Options
from functions.core.model.reasons import Reason
from functions.core.model.rows import Row, RowRules, parse_row
from functions.core.model.runs import ManifestObject
from functions.core.model.types import BatchItem
from functions.core.model.urls import host_of
from local.errors import UsageError
from local.manifest_files import ManifestFiles
from local.parquet import load_parquet
from local.states.items import readers
from local.states.items.batcher import Limits, batches

MAX_EXAMPLES = 10
"""Maximum number of rows of each kind of problem that a plan lists."""

Item = tuple[int, object]
"""An item with its line, or with its position in a JSON array or a Parquet file."""


@dataclass(slots=True)
class Plan:
    """`invalid`, `duplicates` and `conflicts` are the first rows with a problem: the line and its description. `hosts`
    counts the rows that would be downloaded, `write_units` what writing their records takes. `host_limits` are those of
    the stack."""

    format: str
    note: str
    glacier_from_bytes: int | None = GLACIER_FROM_BYTES
    host_limits: HostLimits = NO_HOST_LIMITS
    rows: int = 0
    batches: int = 0
    options: Options = Options()  # noqa: RUF009 - frozen
    counts: Counter[str] = field(default_factory=Counter)
    invalid: list[tuple[int, str]] = field(default_factory=list)
    duplicates: list[tuple[int, str]] = field(default_factory=list)
    conflicts: list[tuple[int, str]] = field(default_factory=list)
    hosts: Counter[str] = field(default_factory=Counter)
    write_units: int = 0

    @property
    def loads(self) -> list[HostLoad]:
        """The hosts with their limits."""
        return host_loads(self.hosts, self.options, self.host_limits)

    @property
    def estimate(self) -> RunEstimate:
        """The input of the cost model. Its batches are smaller than `batch_size` where the limit in bytes applies."""
        loads, images, largest = self.loads, self.hosts.total(), max(self.hosts.values(), default=1)
        estimate = RunEstimate(
            images=images,
            hosts=max(1, images) / largest,
            known_hosts=len(self.hosts),
            slowest=max(loads, key=lambda load: (load.seconds(LATENCY_MS), load.rows), default=None),
            busy_hosts=sum(load.is_busy for load in loads),
            glacier_from_bytes=self.glacier_from_bytes,
            write_units=self.write_units / max(1, images),
            options=self.options,
        )
        if estimate.batches >= self.batches:
            return estimate
        return replace(estimate, options=replace(self.options, batch_size=max(1, math.ceil(images / self.batches))))


def make_plan(
    path: Path,
    options: Options,
    glacier_from_bytes: int | None = GLACIER_FROM_BYTES,
    prefix: str = DEFAULT_PREFIX,
    host_limits: HostLimits = NO_HOST_LIMITS,
) -> Plan:
    """`prefix` is that of all keys in the images bucket, `host_limits` are those of the stack.

    Raises InvalidManifest.
    """
    size = path.stat().st_size
    manifest = ManifestObject(str(path.parent), path.name, size=size)
    validated = validate_manifest(ManifestFiles(), manifest, whole_bytes=size, rules=RowRules.of(options))
    rules = validated.contents.rules
    if rules.key_template is not None:  # the ID of the run is not known yet
        text = rules.key_template.with_constants("RUN", datetime.now(UTC))
        rules = RowRules.of(
            replace(options, key_template=text, url_column=rules.url_column, own_columns=rules.own_columns)
        )
    plan = Plan(validated.format, validated.contents.note, glacier_from_bytes, host_limits, options=options)
    run = {"id": "x" * 60, "manifest": f"manifests/{path.name}", "options": asdict(options)}
    items = _counted(_items(path, validated), plan, rules, prefix)
    plan.batches = sum(1 for _ in batches(items, Limits(options.batch_size, BATCH_BYTES), {"run": run}))
    return plan


def _items(path: Path, validated: ValidatedManifest) -> Iterator[Item]:
    form = validated.form
    if form is not None:
        chunks = decompressed(path.name, ManifestFiles().read(str(path.parent), path.name, ""))
        yield from form.numbered_rows(chunks, validated.contents.rules)
        return
    assert validated.format == PARQUET
    with path.open("rb") as file:
        yield from enumerate(_parquet_rows(file), start=1)


@contextmanager
def parquet_as_lines(path: Path) -> Iterator[Path]:
    """A copy as JSON Lines, for a probe: PrepareRun does not read the rows of Parquet. Raises UsageError."""
    with tempfile.TemporaryDirectory() as folder, path.open("rb") as file:
        copy = Path(folder) / f"{path.stem}.jsonl"
        try:
            with copy.open("w", encoding="utf-8", errors="backslashreplace") as lines:
                lines.writelines(json_rows.write_lines(_parquet_rows(file)))
        except InvalidManifest as error:
            raise UsageError(f"{path}: {error}") from error
        yield copy


def _parquet_rows(file: BinaryIO) -> Iterator[object]:
    """Raises InvalidManifest for what only a run finds out: the validation reads no more than the footer."""
    parquet = load_parquet()
    try:
        for number, item in enumerate(readers.read_parquet(file, {}, load_parquet=lambda: parquet), start=1):
            if is_too_large(item):
                raise InvalidManifest(f"Row {number} of the manifest {TOO_LARGE.one}. {TOO_LARGE.fix}")
            yield item
    except ValueError as error:
        raise InvalidManifest(f"A run would fail: {error}. Write the file again.") from error


def _counted(items: Iterator[Item], plan: Plan, rules: RowRules, prefix: str) -> Iterator[BatchItem]:
    """The items as Step Functions puts them into batches; each is counted in the plan as it passes."""
    previous = _PreviousRows()
    for line, item in items:
        plan.rows += 1
        try:
            row = parse_row(plan.rows, item, rules, prefix)
        except RowError as error:
            _add(plan, plan.invalid, error.reason, line, error.message)
        else:
            _count(row, line, plan, previous)
        yield {"row": plan.rows, "item": item}


def _count(row: Row, line: int, plan: Plan, previous: "_PreviousRows") -> None:
    if previous.has_key_of_another_url(row):
        _add(plan, plan.conflicts, Reason.KEY_CONFLICT, line, str(row.key))
    elif previous.has_url(row):
        _add(plan, plan.duplicates, "duplicate", line, row.url)
    else:
        plan.hosts[host_of(row.url)] += 1
        plan.write_units += write_units(len(row.url.encode()))


def _add(plan: Plan, examples: list[tuple[int, str]], kind: str, line: int, description: str) -> None:
    plan.counts[kind] += 1
    if len(examples) < MAX_EXAMPLES:
        examples.append((line, description))


class _PreviousRows:
    """Hashes of the URLs and keys of earlier rows. The probability that two of a million are equal is 10⁻⁷."""

    def __init__(self) -> None:
        self._urls: set[int] = set()
        self._url_of_key: dict[int, int] = {}

    def has_url(self, row: Row) -> bool:
        """True if an earlier row has the URL; the URL is added."""
        before = len(self._urls)
        self._urls.add(hash(row.url))
        return len(self._urls) == before

    def has_key_of_another_url(self, row: Row) -> bool:
        """True if an earlier row names the key for another URL; the key is added. Images of one type are assumed."""
        url = hash(row.url)
        if row.key is None or (isinstance(row.key, OpenKey) and row.key.depends_on_bytes):
            return False
        return self._url_of_key.setdefault(hash(row.key), url) != url
