"""The plan of a run as people read it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from functions.core.cost.estimate import BATCH_TOO_LONG, glacier_note
from functions.core.model.urls import redact
from functions.core.report.formatting import seconds
from local.commands.manifest_plan import Plan

SHOWN_HOSTS = 10
SAID = ("batch_size", "concurrency", "per_host", "max_concurrency", "storage_class")


def show(path: Path, plan: Plan) -> None:
    console = Console(highlight=False)
    console.print(_figures(path, plan))
    for title, found in (
        ("Rows that would fail, by line", plan.bad),
        ("URLs that stand before, by line", [(line, redact(url)) for line, url in plan.duplicates]),
        ("Keys that another row has, by line", plan.conflicts),
    ):
        if found:
            console.print(_lines(title, found))
    console.print(_hosts(plan))
    for sentence in _assumed(plan):
        console.print(sentence, soft_wrap=True)
    if plan.note:
        console.print(escape(plan.note), soft_wrap=True)


def _assumed(plan: Plan) -> Iterator[str]:
    """Of time and cost."""
    run = plan.run
    figures = f"{run.size_kb:g} KB and {run.latency_ms:g} ms an image"
    yield f"Time and cost are a model's, at {figures}: both assumed, for nothing was fetched. For others:"
    asked = {"IMAGES": max(1, run.images), "SIZE_KB": f"{run.size_kb:g}", "LATENCY_MS": f"{run.latency_ms:g}"}
    asked |= {"HOSTS": int(run.hosts)} | {name.upper(): getattr(run.options, name) for name in SAID}
    yield f"    make cost {' '.join(f'{name}={value}' for name, value in asked.items())}"
    if moved := glacier_note(run):
        yield moved
    if run.batch_too_long:
        yield BATCH_TOO_LONG


def _dollars(value: float) -> str:
    return f"${value:,.2f}" if value >= 1 else f"${value:.4f}"


def refused(sentence: str) -> None:
    Console(highlight=False).print(escape(f"The run would be refused: {sentence}"), soft_wrap=True)


def _figures(path: Path, plan: Plan) -> Table:
    counts = plan.counts
    named = {"duplicate": counts["duplicate"], "key_conflict": counts["key_conflict"]}
    bad = {reason: count for reason, count in counts.items() if reason not in named}
    why = ", ".join(f"{count} {reason}" for reason, count in bad.items())
    table = Table(title=f"{escape(str(path))}, read as {plan.format}; nothing was fetched", title_justify="left")
    table.add_column("what")
    table.add_column("how many", justify="right")
    table.add_column("which are")
    for what, count, meaning in (
        ("rows", plan.rows, ""),
        ("to be fetched", plan.hosts.total(), "unless the table knows them already"),
        ("bad rows", sum(bad.values()), why),
        ("duplicates", named["duplicate"], "the URL stands in the manifest before"),
        ("key conflicts", named["key_conflict"], "the key is another row's"),
        ("hosts", len(plan.hosts), ""),
        ("batches", plan.batches, "child executions of the Distributed Map"),
    ):
        table.add_row(what, f"{count:,}", meaning, style="" if count else "dim")
    run = plan.run
    table.add_section()
    table.add_row(
        "time", seconds(run.seconds), f"{run.batch_seconds:.1f} s a batch, {run.concurrent_batches:,} at a time"
    )
    table.add_row("cost", _dollars(run.dollars), "what AWS bills for it, storage by the month aside")
    return table


def _lines(title: str, found: Sequence[tuple[int, str]]) -> Table:
    """Lines of which the same is to be said stand together."""
    by_what: dict[str, list[str]] = {}
    for line, what in found:
        by_what.setdefault(what, []).append(str(line))
    table = Table(title=f"{title}, the first {len(found)}", title_justify="left")
    table.add_column("line", justify="right", max_width=24)
    table.add_column("what", overflow="fold", min_width=40)
    for what, lines in by_what.items():
        table.add_row(", ".join(lines), escape(what))
    return table


def _hosts(plan: Plan) -> Table:
    table = Table(title=f"Hosts, the first {SHOWN_HOSTS}", title_justify="left")
    table.add_column("host", overflow="fold", min_width=40)
    table.add_column("rows", justify="right")
    for host, count in plan.hosts.most_common(SHOWN_HOSTS):
        table.add_row(escape(host), f"{count:,}")
    return table
