"""Shows the plan of a run in the terminal."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cdk.settings import NO_CONTACT
from functions.core.cost.estimate import RunEstimate
from functions.core.cost.notes import BATCH_TOO_LONG, glacier_note
from functions.core.model.host_limits import limit_text
from functions.core.model.limits import executions_for_batches
from functions.core.model.options import MAX_HOST_CONCURRENCY, OPTION_DEFAULTS, Options
from functions.core.model.types import HostLimit
from functions.core.model.urls import redact
from functions.core.report.formatting import dollars, plural, seconds
from local.commands.manifest_plan import MAX_EXAMPLES, Plan
from local.commands.usage import COST_OPTIONS

MAX_HOSTS = 10
"""Maximum number of hosts in the table of hosts."""


FORMAT_NAMES = {
    "csv": "CSV",
    "csv-semicolon": "CSV with semicolons",
    "csv-pipe": "CSV with pipes",
    "tsv": "TSV",
    "csv-bare": "CSV without a header",
    "csv-semicolon-bare": "CSV with semicolons, without a header",
    "csv-pipe-bare": "CSV with pipes, without a header",
    "tsv-bare": "TSV without a header",
    "tsv-list": "a URL list of Storage Transfer Service",
    "txt": "a text file of URLs",
    "json": "JSON",
    "jsonl": "JSON lines",
    "parquet": "Parquet",
}
"""What a plan calls the formats of manifests."""

NEW_ACCOUNTS = (10, 50)
"""Concurrent Lambda executions that new accounts are reported to allow. AWS documents 1,000."""


@dataclass(frozen=True, slots=True)
class Account:
    """The number of concurrent Lambda executions that an account allows, None if it is not known.

    `requested` is the `max_concurrency` of the run's options.
    """

    lambda_concurrency: int | None = None
    requested: int = Options().max_concurrency


def show(path: Path, plan: Plan, account: Account, *, has_contact: bool) -> None:
    """`has_contact` is whether the operators of the servers can find out whom to write to."""
    console = Console(highlight=False)
    console.print(_totals(path, plan))
    for title, column, examples in (
        ("Invalid rows", "problem", plan.invalid),
        ("Duplicate URLs", "URL", [(line, redact(url)) for line, url in plan.duplicates]),
        ("Keys of more than one row", "key", plan.conflicts),
    ):
        if examples:
            console.print(_examples(title, column, examples))
    if plan.hosts:
        console.print(_hosts(plan))
    for sentence in (*_assumptions(plan), *_concurrency(plan.estimate.concurrent_batches, plan.batches, account)):
        console.print(sentence, soft_wrap=True)
    if plan.note:
        console.print(escape(plan.note), soft_wrap=True)
    if not has_contact:
        console.print(NO_CONTACT, soft_wrap=True)


def slow_host_note(run: RunEstimate) -> str:
    """A sentence about the host that decides how long the run takes; empty if none does."""
    load = run.host_load
    if not run.is_limited_by_host:
        return ""
    name = load.binding(run.options, run.latency_ms)
    host = f"the host {load.host}" if load.host else "one host"
    sentence = (
        f"{100 * load.rows / run.images:.0f} % of the rows are of {host}: with {limit_text(load.limit)} ({name}) and "
        f"{run.latency_ms:g} ms each, they take {seconds(run.host_seconds)}."
    )
    if name == "host_limits":
        return sentence
    if name == "host_rate":
        return f"{sentence} If the host is yours, set a higher host_rate."
    faster = replace(load, limit=HostLimit(MAX_HOST_CONCURRENCY, load.limit.rate)).seconds(run.latency_ms)
    return f"{sentence} If the host is yours, host_concurrency={MAX_HOST_CONCURRENCY} makes that {seconds(faster)}."


def show_rejection(message: str) -> None:
    Console(highlight=False).print(escape(f"The run would be rejected: {message}"), soft_wrap=True)


def _assumptions(plan: Plan) -> Iterator[str]:
    """Sentences about the estimates of time and cost."""
    estimate = plan.estimate
    sizes = f"{estimate.size_kb:g} KB and {estimate.latency_ms:g} ms per image"
    yield f"Time and cost are estimates that assume {sizes}: nothing was downloaded. For other values:"
    values = {
        "images": max(1, estimate.images),
        "size_kb": f"{estimate.size_kb:g}",
        "latency_ms": f"{estimate.latency_ms:g}",
        "hosts": int(estimate.hosts),
        **{
            name: _text(value)
            for name in COST_OPTIONS
            if (value := getattr(estimate.options, name)) != OPTION_DEFAULTS[name]
        },
    }
    flags = (f"--{name.replace('_', '-')} {value}" for name, value in values.items())
    yield f"    ./image-mirror cost {' '.join(flags)}"
    yield from filter(None, (slow_host_note(estimate), glacier_note(estimate)))
    if estimate.batch_too_long:
        yield BATCH_TOO_LONG


def _text(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def _concurrency(batches: int, all_batches: int, account: Account) -> Iterator[str]:
    """A sentence if the account may allow fewer concurrent batches than requested."""
    if account.lambda_concurrency is not None and batches < min(account.requested, all_batches):
        yield (
            f"At most {batches:,} batches run at once instead of {account.requested:,}: the account allows "
            f"{account.lambda_concurrency:,} concurrent Lambda executions. With other active runs they are fewer."
        )
    lowered = [executions_for_batches(limit) for limit in NEW_ACCOUNTS]
    if account.lambda_concurrency is None and batches > min(lowered):
        needed = next(limit for limit in itertools.count(batches) if executions_for_batches(limit) >= batches)
        yield (
            f"{batches:,} batches at once need an account that allows {needed:,} concurrent Lambda executions. A new "
            f"account may allow {_or(NEW_ACCOUNTS)}: then at most {_or(lowered)} batches run at once. `aws lambda "
            "get-account-settings` shows the number; plan with it by --lambda-concurrency, or LAMBDA_CONCURRENCY=."
        )


def _or(numbers: Iterable[int]) -> str:
    return " or ".join(map(str, numbers))


def _totals(path: Path, plan: Plan) -> Table:
    counts = plan.counts
    duplicates, conflicts = counts["duplicate"], counts["key_conflict"]
    invalid = {reason: count for reason, count in counts.items() if reason not in ("duplicate", "key_conflict")}
    reasons = ", ".join(f"{count} {reason}" for reason, count in invalid.items())
    title = f"{escape(str(path))}, read as {FORMAT_NAMES[plan.format]}; nothing was downloaded"
    table = Table(title=title, title_justify="left")
    table.add_column("item")
    table.add_column("number", justify="right")
    table.add_column("details")
    for item, count, details in (
        ("rows", plan.rows, ""),
        ("downloads", plan.hosts.total(), "fewer if the images table has some of the URLs"),
        ("invalid rows", sum(invalid.values()), reasons),
        ("duplicates", duplicates, "the URL appeared earlier in the manifest"),
        ("key conflicts", conflicts, "an earlier row has the same key"),
        ("hosts", len(plan.hosts), "" if plan.options.robots == "ignore" else "robots.txt of each is read once a day"),
        ("batches", plan.batches, "child executions of the Distributed Map"),
    ):
        table.add_row(item, f"{count:,}", details, style="" if count else "dim")
    _add_estimates(table, plan)
    return table


def _add_estimates(table: Table, plan: Plan) -> None:
    estimate = plan.estimate
    batches = f"{estimate.batch_seconds:.1f} s per batch, {plural(estimate.concurrent_batches, 'batch')} at a time"
    table.add_section()
    table.add_row("time", seconds(estimate.seconds), batches)
    table.add_row("cost", dollars(estimate.dollars), "AWS charges for the run, without monthly storage")


def _examples(title: str, column: str, examples: Sequence[tuple[int, str]]) -> Table:
    """Examples with the same description share a row of the table."""
    lines_by_description: dict[str, list[str]] = {}
    for line, description in examples:
        lines_by_description.setdefault(description, []).append(str(line))
    shown = f"{title} (the first {len(examples)})" if len(examples) == MAX_EXAMPLES else title
    table = Table(title=shown, title_justify="left")
    table.add_column("line", justify="right", max_width=24)
    table.add_column(column, overflow="fold", min_width=40)
    for description, lines in lines_by_description.items():
        table.add_row(", ".join(lines), escape(description))
    return table


def _hosts(plan: Plan) -> Table:
    """The hosts that take longest, and then those with the most rows."""
    latency, options = plan.estimate.latency_ms, plan.options
    shown = sorted(plan.loads, key=lambda load: (-load.seconds(latency), -load.rows, load.host))[:MAX_HOSTS]
    table = Table(title=f"Busiest hosts (at most {MAX_HOSTS}), at {latency:g} ms per image", title_justify="left")
    table.add_column("host", overflow="fold", min_width=24)
    for name in ("rows", "share", "limit", "time"):
        table.add_column(name, justify="left" if name == "limit" else "right")
    for load in shown:
        limit = f"{_short(load.limit)} ({load.binding(options, latency)})" if load.is_busy else ""
        time = seconds(load.seconds(latency)) if load.is_busy else ""
        share = f"{100 * load.rows / plan.hosts.total():.0f} %"
        table.add_row(escape(load.host), f"{load.rows:,}", share, limit, time)
    return table


def _short(limit: HostLimit) -> str:
    """Requests at a time, and a second."""
    rate = f"{limit.rate:g}/s" if limit.rate else ""
    return ", ".join(filter(None, (f"{limit.concurrency}" if limit.concurrency else "", rate)))
