"""Records of a probe: how its sample was drawn, and what it says about the list."""

from typing import TypedDict


class SampleStratum(TypedDict):
    """A part of the list, of whose rows some are in the sample: a host with its `rows` in the list, or all rows of the
    other hosts, whose `host` is empty. Every row of a stratum had the same chance to be drawn."""

    host: str
    rows: float


class SampleDesign(TypedDict):
    """`sample.json` of a run that is a probe.

    `rows` and `hosts` are those of the list; they are estimated if only `pieces` or the `beginning` of it were read,
    and `read` is `whole` if they were counted. `strata` are numbered from 0, and `stratum_of` has the number for each
    row of the sample. `largest_host` has the most rows.
    """

    seed: int
    read: str
    rows: int
    hosts: int
    largest_host: SampleStratum
    strata: list[SampleStratum]
    stratum_of: list[int]


class ShareEstimate(TypedDict):
    """A share from 0 to 1 of the rows of the list, and its 95 % confidence interval."""

    share: float
    low: float
    high: float


class Distribution(TypedDict):
    """Of the images of the list, as the sample estimates them."""

    mean: float
    median: float
    p95: float


class ProbedHost(TypedDict):
    """`rows` of a host in the list, None if they were not counted; those in the sample that were `probed` and `failed`,
    and the most frequent reason."""

    host: str
    rows: int | None
    probed: int
    failed: int
    reason: str


class ListEstimate(TypedDict):
    """A run of the whole list, by the figures of the sample: the images it would store, their bytes, its time and its
    cost. `images_low` and `images_high` follow from the interval of the success rate."""

    images: int
    images_low: int
    images_high: int
    bytes: int
    seconds: float
    dollars: float


class ProbeResult(TypedDict):
    """What a probe of `probed` rows says about the `rows` of its list.

    `failure_shares` are the shares of all rows by reason, `image_bytes` and `image_ms` describe the images that were
    downloaded; None if there was none. `worst_hosts` are those with the most failed rows in the sample. `notes` say
    what the figures mean.
    """

    rows: int
    probed: int
    hosts: int
    seed: int
    success: ShareEstimate
    failure_shares: dict[str, float]
    image_bytes: Distribution | None
    image_ms: Distribution | None
    worst_hosts: list[ProbedHost]
    estimate: ListEstimate
    notes: list[str]
