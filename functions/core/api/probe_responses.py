"""The result of a probe in a response; `summary.json` of the run has the same fields."""

from pydantic import BaseModel, Field


class Share(BaseModel):
    """A share of the rows of the list, from 0 to 1, and its 95 % confidence interval."""

    share: float
    low: float
    high: float


class Distribution(BaseModel):
    """Sizes or download times of the images of the list, estimated from the sample."""

    mean: float
    median: float
    p95: float


class ProbedHost(BaseModel):
    """A host with failures."""

    host: str
    rows: int | None = Field(description="Its rows in the list; null if they were not counted.")
    probed: int = Field(description="Its rows in the sample.")
    failed: int = Field(description="Those that failed.")
    reason: str = Field(description="Their most frequent reason.")


class ListEstimate(BaseModel):
    """A run of the whole list, estimated from the sample."""

    images: int = Field(description="Images that it would store.")
    images_low: int
    images_high: int
    bytes: int = Field(description="Their size in total.")
    seconds: float = Field(description="From the start of the run to its summary.")
    dollars: float = Field(description="AWS charges in us-east-1, without monthly storage.")


class ProbeResult(BaseModel):
    """What a random sample says about a list."""

    rows: int = Field(description="Rows of the list.")
    probed: int = Field(description="Rows of the sample.")
    hosts: int = Field(description="Hosts of the list.")
    seed: int = Field(description="The seed of the sample: the option `probe_seed` draws it again.")
    success: Share = Field(description="Rows that a run would store.")
    failure_shares: dict[str, float] = Field(description="Share of the rows of the list, by reason.")
    image_bytes: Distribution | None = Field(description="Null if no image was downloaded.")
    image_ms: Distribution | None = Field(description="Download times in milliseconds.")
    worst_hosts: list[ProbedHost] = Field(description="The hosts with the most failures in the sample.")
    estimate: ListEstimate
    notes: list[str] = Field(description="What the figures mean.")
