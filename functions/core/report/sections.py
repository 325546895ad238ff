"""The parts of the page. A part with nothing to tell is None."""

import itertools
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from functions.core.model.outcomes import OUTCOME_MEANINGS, OutcomeKind
from functions.core.model.reasons import reason_meaning
from functions.core.report.charts import Bar, bar_table, outline, rate_chart, stacked
from functions.core.report.figures import Figures
from functions.core.report.formatting import figure, moment, number, rate, seconds, share, size
from functions.core.report.headline import headline
from functions.core.report.markup import Child, Markup, foreign, tag
from functions.core.report.next_steps import next_steps

SHOWN_HOSTS = 10
SHOWN_COLUMNS = 4
LONG = 1000
SHORT = 60

_DIGEST = re.compile(r"([0-9a-f]{8})[0-9a-f]{48}([0-9a-f]{8})")


def header(summary: Mapping[str, Any]) -> Markup:
    failed = summary["status"] != "succeeded"
    manifest = summary["manifest"]
    return tag(
        "header",
        tag("p", "Image Mirror", tag("span", summary["status"], class_=f"badge {summary['status']}")),
        tag("h1", headline(summary)),
        tag("p", tag("strong", str(summary["error"])), ": ", foreign(summary["cause"], LONG), class_="cause")
        if failed
        else None,
        tag("p", foreign(summary["note"], LONG), class_="cause") if summary["note"] else None,
        tag(
            "dl",
            _fact("Manifest", foreign(manifest["key"], LONG)),
            _fact("Run", tag("code", summary["run_id"])),
            _fact("Began", moment(summary["started_at"])),
            _fact("Took", seconds(summary["duration_seconds"])),
            _fact("Stored", f"{size(summary['bytes'])} at {rate(summary['images_per_second'])}")
            if summary["stored"]
            else None,
            class_="facts",
        ),
    )


def books(summary: Mapping[str, Any]) -> Markup | None:
    if not summary["rows"]:
        return None
    counts = {kind.value: summary[kind] for kind in OutcomeKind}
    return _section(
        "The books",
        stacked(counts),
        tag(
            "dl",
            _entry("rows", summary["rows"], "in the manifest"),
            *(_entry(name, count, OUTCOME_MEANINGS[name]) for name, count in counts.items()),
            class_="books",
        ),
    )


def what_next(summary: Mapping[str, Any]) -> Markup:
    return _section("What to do next", next_steps(summary))


def rate_over_time(summary: Mapping[str, Any], figures: Figures) -> Markup | None:
    counts = figures.timeline.until(datetime.fromisoformat(summary["ended_at"]))
    if not any(counts):
        return None
    return _section("Images over time", rate_chart(counts, figures.timeline.width))


def failures(summary: Mapping[str, Any]) -> Markup | None:
    if not summary["failed"]:
        return None
    by_reason = [
        Bar(_reason(reason), count, (figure(count), share(count, summary["failed"])))
        for reason, count in summary["failures_by_reason"].items()
    ]
    by_host = [
        Bar(foreign(host), count, (figure(count), share(count, summary["failed"])))
        for host, count in list(summary["failures_by_host"].items())[:SHOWN_HOSTS]
    ]
    tables = (
        bar_table("By reason", ("Reason", "Rows", "Of all"), by_reason),
        bar_table("By host", ("Host", "Rows", "Of all"), by_host),
    )
    return _section("Why rows failed", tag("div", *tables, class_="pair"))


def first_failures(summary: Mapping[str, Any], figures: Figures) -> Markup | None:
    if not figures.failures:
        return None
    rows = (
        tag(
            "tr",
            tag("th", figure(line["row"]), scope="row"),
            tag(
                "td",
                tag("p", foreign(line["url"] or "(no URL)"), class_="url"),
                tag("p", tag("code", line["reason"]), " ", foreign(line["message"])),
                _own(line.get("columns") or {}),
            ),
        )
        for line in figures.failures
    )
    head = tag("tr", tag("th", "Row", scope="col"), tag("th", "What happened", scope="col"))
    left = summary["failed"] - len(figures.failures)
    more = tag(
        "p",
        f"{number(left)} more in ",
        tag("a", "failures.csv", href="failures.csv"),
        ".",
    )
    table = tag("table", tag("thead", head), tag("tbody", *rows), class_="cases")
    return _section("The first that failed", table, more if left > 0 else None)


def slowest_hosts(figures: Figures) -> Markup | None:
    found = figures.hosts.slowest(SHOWN_HOSTS)
    if not found:
        return None
    bars = [
        Bar(
            foreign(host.host),
            host.mean,
            (figure(host.images), seconds(host.mean / 1000), seconds(host.longest / 1000)),
        )
        for host in found
    ]
    return _section(
        "The slowest hosts", bar_table("By mean time of a download", ("Host", "Images", "Mean", "Longest"), bars)
    )


def images(figures: Figures) -> Markup | None:
    """Links that work where this page lies in the folder of a local run, `images/` beside `runs/`."""
    if not figures.images:
        return None
    return _section(
        "Some of the images",
        tag(
            "p",
            "On your own machine these open the files beside this page. In AWS the images bucket is private, ",
            "and its table names the object of every URL.",
        ),
        tag("ul", *(_image(line) for line in figures.images), class_="images"),
    )


def _image(line: Mapping[str, Any]) -> Markup:
    width, height, key = line.get("width"), line.get("height"), line["object_key"]
    kind = str(line.get("content_type", "")).rpartition("/")[2]
    facts = [f"{width} x {height}" if width and height else None, kind, size(line["bytes"])]
    return tag(
        "li",
        outline(width or 1, height or 1),
        tag(
            "div",
            tag("p", foreign(line["url"]), class_="url"),
            tag("p", " · ".join(fact for fact in facts if fact)),
            tag("p", tag("a", foreign(_short(key)), href=f"../../{quote(key)}")),
        ),
    )


def _short(key: str) -> str:
    """A name that follows from a URL's SHA-256, without the middle of it; one that the user chose as it is."""
    return _DIGEST.sub(r"\1…\2", key)


def _reason(reason: str) -> Markup:
    return tag("span", tag("code", reason), " ", tag("span", reason_meaning(reason), class_="meaning"))


def _own(columns: Mapping[str, Any]) -> Markup | None:
    """The user's own columns, as many as there is room for; what is no text as JSON, as in failures.csv."""
    if not columns:
        return None
    pairs = (
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in itertools.islice(columns.items(), SHOWN_COLUMNS)
    )
    return tag("p", *(tag("span", foreign(n, SHORT), ": ", foreign(v, SHORT)) for n, v in pairs), class_="own")


def _entry(name: str, count: int, meaning: str) -> Markup:
    return tag("div", tag("dt", name), tag("dd", figure(count), tag("span", meaning)), class_=name)


def _fact(name: str, value: Child) -> Markup:
    return tag("div", tag("dt", name), tag("dd", value))


def _section(title: str, *children: Child) -> Markup:
    return tag("section", tag("h2", title), *children)
