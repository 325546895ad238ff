"""The result of a probe as texts, for the page and for the terminal."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from functions.core.model.types import Distribution, ProbeResult
from functions.core.report.formatting import dollars, number, plural, seconds, size


@dataclass(frozen=True, slots=True)
class ProbeFact:
    """A figure of a probe, and what is known about it."""

    name: str
    value: str
    details: str


def probe_headline(probe: ProbeResult) -> str:
    success, rows = probe["success"], plural(probe["rows"], "row")
    if probe["probed"] == probe["rows"]:
        return f"{percent(success['share'])} of {rows} can be mirrored. Nothing was kept."
    between = f"between {percent(success['low'])} and {percent(success['high'])}"
    return f"About {percent(success['share'])} of {rows} can be mirrored ({between}). Nothing was kept."


def probe_facts(probe: ProbeResult) -> Sequence[ProbeFact]:
    success, estimate = probe["success"], probe["estimate"]
    between = f"between {percent(success['low'])} and {percent(success['high'])} (95 % interval)"
    images = f"between {number(estimate['images_low'])} and {number(estimate['images_high'])}"
    drawn = f"drawn with the seed {probe['seed']}"
    if probe["probed"] == probe["rows"]:
        between, images, drawn = "of all rows", "in all rows", "all rows of the list"
    facts = [
        ProbeFact("rows of the list", number(probe["rows"]), f"of {plural(probe['hosts'], 'host')}"),
        ProbeFact("rows of the sample", number(probe["probed"]), drawn),
        ProbeFact("success rate", percent(success["share"]), between),
        ProbeFact("images of the list", number(estimate["images"]), images),
    ]
    if probe["image_bytes"] and probe["image_ms"]:
        facts += [
            ProbeFact("size in total", size(estimate["bytes"]), "of these images"),
            ProbeFact("size of an image", *_mean_and_details(probe["image_bytes"], 1, size)),
            ProbeFact("download time", *_mean_and_details(probe["image_ms"], 1000, seconds)),
        ]
    return [
        *facts,
        ProbeFact("time of a run", seconds(estimate["seconds"]), "of the whole list, in AWS"),
        ProbeFact("cost of a run", dollars(estimate["dollars"]), "AWS charges in us-east-1, without monthly storage"),
    ]


def percent(share: float) -> str:
    """With one digit; 0 % and 100 % only where they are exact."""
    rounded = min(max(100 * share, 0.1), 99.9) if 0 < share < 1 else 100 * share
    return f"{rounded:.1f} %".replace(".0 %", " %")


def _mean_and_details(values: Distribution, divisor: float, text: Callable[[float], str]) -> tuple[str, str]:
    median, p95 = text(values["median"] / divisor), text(values["p95"] / divisor)
    return text(values["mean"] / divisor), f"on average; median {median}, 95 % have at most {p95}"
