"""Options of a run: from the API request, the metadata of the manifest object, or the settings of the stack."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Annotated, Any, Literal, Self

from annotated_types import Interval, MaxLen, MinLen, Predicate

from functions.core.model.headers import MAX_HEADERS
from functions.core.model.keys.templates import MAX_TEMPLATE_CHARACTERS
from functions.core.model.limits import MAX_BASE_URL_CHARACTERS

IMAGE_TYPES = ("jpeg", "png", "gif", "webp", "avif", "heic", "tiff", "bmp", "ico", "jxl", "jp2", "j2k")
"""Image types that are accepted by default. `svg` must be requested: it can contain scripts."""

OTHER_FILE_TYPES = (
    *("pdf", "mp4", "mov", "m4a", "webm", "mkv", "avi", "mp3", "wav", "flac", "ogg"),
    *("zip", "epub", "docx", "xlsx", "pptx", "7z", "gz", "glb", "json", "xml", "html"),
)
"""Types of files that are not images, and must be requested."""

CHECKED_COLUMNS = ("sha256", "md5", "size", "headers")
"""Names of columns that a run may declare as the user's own. A `key` always is the key of the object."""

MAX_COLUMN_CHARACTERS = 256
"""Maximum length of the name of the URL column."""

SIGNAL_GROUPS = ("noai", "aipref", "tdmrep", "iptc")
"""What the owner of an image can say about its use, by the standard in which it is said."""

LIST_CHOICES: Mapping[str, tuple[str, ...]] = {
    "allowed_types": (*IMAGE_TYPES, "svg", *OTHER_FILE_TYPES, "any"),
    "own_columns": CHECKED_COLUMNS,
    "respect": SIGNAL_GROUPS,
}
"""The accepted values of the options that are lists."""

MAX_LIST_CHARACTERS = 256
"""Maximum length of `known_bad`, which is in the metadata of the retry manifest."""

MAX_HOST_CONCURRENCY = 256
"""Maximum of the option `host_concurrency`."""

MAX_PROBE_ROWS = 10_000
"""Maximum of the option `probe`."""

MAX_SEED = 999_999_999
"""Maximum of the option `probe_seed`."""

MEBIBYTE = 1024 * 1024

MAX_CONCURRENT_UPLOADS = 16
"""Maximum number of S3 uploads of a batch that run in addition to its `concurrency` requests to servers.
16 are enough for 500 images a second at 30 ms a PUT."""


def _is_printable(text: str) -> bool:
    """True for text that is valid in an HTTP header: printable ASCII without line breaks."""
    return text.isascii() and text.isprintable()


def _option(default: object, meaning: str) -> Any:  # Any, as in `dataclasses.field`: the value of the class attribute
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """All options of a run. Bounds are checked by `option_validation` where options enter, not here."""

    concurrency: Annotated[int, Interval(ge=1, le=256)] = _option(24, "maximum concurrent requests in one batch")
    per_host: Annotated[int, Interval(ge=1, le=256)] = _option(
        8, "maximum concurrent requests to one host in one batch"
    )
    host_concurrency: Annotated[int, Interval(ge=0, le=256)] = _option(
        16, "requests under way to one host at any time, over all batches and runs; 0 for no such limit"
    )
    host_rate: Annotated[float, Interval(ge=0, le=1000)] = _option(
        0.0, "requests a second to one host, over all batches and runs; 0 for no such limit"
    )
    max_concurrency: Annotated[int, Interval(ge=1, le=10_000)] = _option(40, "maximum concurrent batches of the run")
    batch_size: Annotated[int, Interval(ge=1, le=1000)] = _option(500, "rows per batch")
    base_url: Annotated[str, MaxLen(MAX_BASE_URL_CHARACTERS)] = _option("", "base URL that is put before relative URLs")
    url_column: Annotated[str, MaxLen(MAX_COLUMN_CHARACTERS)] = _option(
        "", "name of the column that has the URLs, if it is not url or another known name"
    )
    split_urls: bool = _option(False, "several URLs in one value: each of them becomes a row of its own")
    own_columns: tuple[str, ...] = _option(
        (), "columns that have the name of a check but are your own, such as the size of a shirt"
    )
    key_template: Annotated[str, MaxLen(MAX_TEMPLATE_CHARACTERS)] = _option(
        "", "key of the image of a row that names none, such as `by-host/{host}/{row:08}.{ext}`"
    )
    on_existing: Literal["skip", "refresh", "overwrite"] = _option(
        "skip",
        "URLs that are mirrored already: skip them, download them if modified (refresh), or download them again "
        "(overwrite)",
    )
    max_bytes: Annotated[int, Interval(ge=1, le=5 * 1024 * MEBIBYTE)] = _option(
        25 * MEBIBYTE, "maximum size of an image in bytes, both as transferred and as decompressed"
    )
    timeout: Annotated[float, Interval(ge=0.1, le=60)] = _option(30.0, "maximum seconds for one image in total")
    rounds: Annotated[int, Interval(ge=1, le=10)] = _option(
        4,
        "maximum attempts of a row that fails and may still succeed, and of a host that answers none of its requests; "
        "with 1, nothing is tried again",
    )
    passes: Annotated[int, Interval(ge=0, le=1000)] = _option(
        1000,
        "maximum later passes over rows that wait for their host, or that failed and may still succeed; by default the "
        "time of the run ends them; with 0, such rows fail with their batch",
    )
    max_redirects: Annotated[int, Interval(ge=0, le=20)] = _option(10, "maximum redirects that a download follows")
    allowed_types: Annotated[tuple[str, ...], MinLen(1)] = _option(
        IMAGE_TYPES, "types of files that are accepted; `any` accepts every file but HTML"
    )
    accept_truncated: bool = _option(
        False, "store images whose end is missing, if the server has sent all bytes that it announced"
    )
    min_width: Annotated[int, Interval(ge=0, le=100_000)] = _option(0, "images with less width (pixels) are rejected")
    min_height: Annotated[int, Interval(ge=0, le=100_000)] = _option(0, "images with less height (pixels) are rejected")
    known_bad: Annotated[str, MaxLen(MAX_LIST_CHARACTERS)] = _option(
        "", "list of SHA-256 digests of images that fail as `placeholder`: a key in the input bucket"
    )
    verify_tls: bool = _option(
        True, "verify the certificates of servers; `false` accepts any for rows that have `sha256` or `md5`"
    )
    respect: tuple[str, ...] = _option(
        ("noai",), "what owners say about the use of their images that makes a row fail as `opt_out`"
    )
    respect_opt_out: bool = _option(
        True, "honour X-Robots-Tag: noai, noimageai, noimageindex; `false` takes `noai` out of `respect`"
    )
    robots: Literal["obey", "record", "ignore"] = _option(
        "obey",
        "robots.txt of the servers: obey it, record in the results what it disallows (record), or do not read it "
        "(ignore)",
    )
    output: Literal["objects", "shards"] = _option(
        "objects", "how images are kept: each as an object of its own, or in tar files of many images (shards)"
    )
    table: bool = _option(
        True, "write the images into the images table; `false` is for `output=shards`, and leaves look-ups by URL out"
    )
    storage_class: Literal["STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING", "GLACIER_IR"] = _option(
        "STANDARD", "S3 storage class of the images"
    )
    tolerated_failure_percentage: Annotated[float, Interval(ge=0, le=100)] = _option(
        50.0, "the run fails if a larger percentage of its rows fails"
    )
    probe: Annotated[int, Interval(ge=0, le=MAX_PROBE_ROWS)] = _option(
        0,
        "instead of a run: download so many rows of the list, drawn at random, keep no image, and estimate what a run "
        "would bring; 0 for a run",
    )
    probe_seed: Annotated[int, Interval(ge=0, le=MAX_SEED)] = _option(
        0, "number that draws the same rows for a probe again; with 0, it follows from the ID of the run"
    )
    headers: Annotated[Mapping[str, str], MaxLen(MAX_HEADERS)] = field(
        default_factory=dict,
        repr=False,
        metadata={"meaning": "request headers, such as Referer; sent to the host of the URL and to no other"},
    )
    user_agent: Annotated[str, MaxLen(256), Predicate(_is_printable)] = _option(
        "", "User-Agent header that replaces the default one"
    )

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic alone

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Self:  # Any: JSON that PrepareRun has validated
        """Options from a workflow payload. Names that this version does not have are ignored."""
        names = {option.name for option in fields(cls)}
        values = {name: value for name, value in payload.items() if name in names}
        tuples: dict[str, Any] = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
        return cls(**{**values, **tuples})

    def respected_signals(self) -> frozenset[str]:
        """The groups of signals that make a row fail: `respect`, without `noai` where `respect_opt_out` is false."""
        return frozenset(self.respect) - (frozenset() if self.respect_opt_out else {"noai"})


OPTION_DEFAULTS: Mapping[str, Any] = asdict(Options())
"""Any: the type of the value depends on the option."""
