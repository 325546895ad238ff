"""The result of a probe, from the outcomes of the rows of its sample."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

from functions.core.cost.measured import MeasuredList, is_large
from functions.core.model.options import Options
from functions.core.model.outcomes import OutcomeKind, failed_outcome
from functions.core.model.ports import RunResults
from functions.core.model.rows import DEFAULT_RULES, RowRules
from functions.core.model.runs import SAMPLE_FILE
from functions.core.model.types import (
    Distribution,
    ListEstimate,
    ProbedHost,
    ProbeResult,
    ResultLine,
    RunFields,
    SampleDesign,
    ShareEstimate,
)
from functions.core.model.urls import display_host
from functions.core.report.formatting import dollars
from functions.core.summary.passes import RunLines
from functions.core.summary.probe.shares import SampleWeights
from functions.core.summary.reconciliation import BATCH_CRASHED

MAX_WORST_HOSTS = 10
"""Hosts in the result: those with the most failures in the sample."""

DIGITS = 4
"""Digits of shares and dollars after the decimal point."""


@dataclass(slots=True)
class ProbeTally:
    """Adds up the outcomes of a sample, which are at most 10,000, in the order of its rows."""

    design: SampleDesign
    options: Options
    hits: list[bool] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    bytes: dict[int, int] = field(default_factory=dict)
    milliseconds: dict[int, int] = field(default_factory=dict)
    retryable: int = 0

    def add(self, line: ResultLine) -> None:
        number = len(self.hits)
        self.hits.append(line["outcome"] != OutcomeKind.FAILED)
        self.reasons.append(line.get("reason", ""))
        self.hosts.append(display_host(line["url"]))
        self.retryable += line.get("retryable", False)
        if line["outcome"] == OutcomeKind.STORED:
            self.bytes[number] = line.get("bytes") or 0
            self.milliseconds[number] = line.get("ms") or 0

    def result(self) -> ProbeResult | None:
        """None if the list has no rows."""
        if not self.hits:
            return None
        weights = SampleWeights(self.design["strata"], self.design["stratum_of"])
        success = weights.estimate(self.hits)
        image_bytes = _distribution(self.bytes, weights.shares)
        image_ms = _distribution(self.milliseconds, weights.shares)
        measured = MeasuredList(
            rows=self.design["rows"],
            success=success["share"],
            mean_bytes=image_bytes and image_bytes["mean"],
            mean_ms=image_ms and image_ms["mean"],
            hosts=self.design["hosts"],
            largest_host=self.design["largest_host"]["host"],
            largest_rows=self.design["largest_host"]["rows"],
            large=_share_of_large(self.bytes, weights.shares),
        )
        return {
            "rows": self.design["rows"],
            "probed": len(self.hits),
            "hosts": self.design["hosts"],
            "seed": self.design["seed"],
            "success": _rounded(success),
            "failure_shares": _failure_shares(self.reasons, weights.shares),
            "image_bytes": image_bytes,
            "image_ms": image_ms,
            "worst_hosts": self._worst_hosts(),
            "estimate": _estimate(measured, success, self.options),
            "notes": list(filter(None, self._notes(measured, success))),
        }

    def _worst_hosts(self) -> list[ProbedHost]:
        rows = {stratum["host"]: round(stratum["rows"]) for stratum in self.design["strata"] if stratum["host"]}
        probed = Counter(self.hosts)
        failures: dict[str, Counter[str]] = defaultdict(Counter)
        for host, reason in zip(self.hosts, self.reasons, strict=True):
            if reason:
                failures[host][reason] += 1
        worst = sorted(failures, key=lambda host: (-failures[host].total(), host))[:MAX_WORST_HOSTS]
        return [
            {
                "host": host,
                "rows": rows.get(host),
                "probed": probed[host],
                "failed": failures[host].total(),
                "reason": failures[host].most_common(1)[0][0],
            }
            for host in worst
        ]

    def _notes(self, measured: MeasuredList, success: ShareEstimate) -> Iterator[str]:
        """What the figures mean, in the order of their weight."""
        yield (
            "The success rate is the share of all rows that a run would store: it is in the interval in 95 of 100 such "
            "samples. Rows of hosts with many rows stand for more rows than the others."
        )
        yield PART_READ.get(self.design["read"], "")
        failed = 100 * (1 - success["share"])
        if failed > self.options.tolerated_failure_percentage:
            yield (
                f"With so many failures a run of the list would fail (TooManyFailures): it tolerates "
                f"{self.options.tolerated_failure_percentage:g} percent."
            )
        if self.retryable:
            yield (
                "Rows that may still succeed are tried again in later passes, for half an hour and more: the estimated "
                "time does not include that."
            )
        yield (
            "The estimate takes every URL as a new one: rows that are mirrored already were downloaded here, and a run "
            "skips them."
        )
        if glacier := measured.glacier_dollars(self.options):
            yield (
                f"A day later, the lifecycle rule of the stack's own bucket moves the images of 128 KB and more to "
                f"Glacier Instant Retrieval, for {dollars(glacier)} in addition."
            )


def probe_result(results: RunResults, record: RunFields) -> ProbeResult | None:
    """The result of a probe that has drawn its sample; None for other runs. Raises StorageFault.

    It reads the outcomes once more, which are few. Those that no batch has recorded count as failures.
    """
    options = Options.from_payload(record.get("options") or {})
    if not options.probe or "copy_key" not in record:
        return None
    design = cast(SampleDesign, results.read_lines(SAMPLE_FILE)[0])
    tally = ProbeTally(design, options)
    with RunLines(results, RowRules.of(options), stopped=False) as lines:
        outcomes = {line["row"]: line for line in lines}
    for row in range(1, len(design["stratum_of"]) + 1):
        tally.add(outcomes.get(row) or failed_outcome(row, None, BATCH_CRASHED, DEFAULT_RULES).as_json())
    return tally.result()


PART_READ = {
    "pieces": (
        "The manifest is large: rows were drawn at random positions of it, and the numbers of its rows and of the rows "
        "of hosts are estimates."
    ),
    "beginning": (
        "The manifest is large, and only lines without compression can be read from any position: the sample is from "
        "its beginning, and says nothing about the rest if the list is sorted."
    ),
}
"""A note for a manifest of which a part was read."""


def _rounded(estimate: ShareEstimate) -> ShareEstimate:
    """With the interval rounded outwards."""
    scale = 10**DIGITS
    low, high = math.floor(estimate["low"] * scale) / scale, math.ceil(estimate["high"] * scale) / scale
    if math.isclose(estimate["low"], estimate["high"]):  # all rows were drawn
        share = round(estimate["share"], DIGITS)
        return {"share": share, "low": share, "high": share}
    return {"share": round(estimate["share"], DIGITS), "low": max(0.0, low), "high": min(1.0, high)}


def _failure_shares(reasons: Sequence[str], shares: Sequence[float]) -> dict[str, float]:
    sums: dict[str, float] = defaultdict(float)
    for reason, share in zip(reasons, shares, strict=True):
        if reason:
            sums[reason] += share
    return {reason: round(total, DIGITS) for reason, total in sorted(sums.items(), key=lambda pair: -pair[1])}


def _distribution(values: dict[int, int], shares: Sequence[float]) -> Distribution | None:
    """Of the values by the number of their row, with the weights of the rows."""
    if not values:
        return None
    weighted = sorted((value, shares[number]) for number, value in values.items())
    total = math.fsum(share for _, share in weighted)
    return {
        "mean": round(math.fsum(value * share for value, share in weighted) / total, 1),
        "median": _quantile(weighted, total / 2),
        "p95": _quantile(weighted, 0.95 * total),
    }


def _quantile(weighted: Sequence[tuple[int, float]], limit: float) -> float:
    """The first value with which the weights reach the limit."""
    total = 0.0
    for value, share in weighted:
        total += share
        if total >= limit:
            return value
    return weighted[-1][0]


def _share_of_large(sizes: dict[int, int], shares: Sequence[float]) -> float:
    total = math.fsum(shares[number] for number in sizes)
    return math.fsum(shares[number] for number, size in sizes.items() if is_large(size)) / total if total else 0.0


def _estimate(measured: MeasuredList, success: ShareEstimate, options: Options) -> ListEstimate:
    return {
        "images": measured.images,
        "images_low": math.floor(measured.rows * success["low"]),
        "images_high": math.ceil(measured.rows * success["high"]),
        "bytes": round(measured.images * (measured.mean_bytes or 0)),
        "seconds": round(measured.run(options).seconds, 1),
        "dollars": round(measured.dollars(options), DIGITS),
    }
