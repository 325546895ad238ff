"""The requests of the API."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Discriminator, Field, RootModel, Tag
from pydantic_core import ErrorDetails

from functions.core.api.problems import FieldError
from functions.core.api.request_model import EXPLAINED, MAX_FIELD_ERRORS, RequestModel
from functions.core.api.run_options import RunOptions, explicit_options
from functions.core.model.limits import MAX_BASE_URL_CHARACTERS, MAX_URL_BYTES
from functions.core.model.options import MAX_PROBE_ROWS
from functions.core.model.runs import Status
from functions.core.model.types import JsonValue, OptionValues
from functions.core.model.validation import FieldNames, join_choices

MAX_ROWS = 10_000
"""Maximum number of rows in one request. A manifest may have a hundred million."""

MAX_PAGE = 100
"""Maximum number of runs in one page."""

RUN_ID_PATTERN = r"^[a-z0-9][a-z0-9-]{0,79}$"
MANIFEST_NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"


class _OptionsRequest(RequestModel):
    options: RunOptions | None = Field(
        default=None, description="Options of this run. The others are those of the deployment."
    )
    probe: int | None = Field(
        default=None,
        ge=1,
        le=MAX_PROBE_ROWS,
        description="Only download so many rows, drawn at random, keep no image, and estimate what a run would bring. "
        "The same as the option `probe`.",
    )

    def explicit_options(self) -> OptionValues:
        """Raises Problem(422)."""
        return explicit_options(self.options, probe=self.probe)

    def fingerprint(self) -> str:
        """Equal for equal requests."""
        return json.dumps(self.model_dump(mode="json", exclude_unset=True), sort_keys=True)


class UrlList(_OptionsRequest):
    """URLs of images."""

    urls: list[str] = Field(min_length=1, max_length=MAX_ROWS, examples=[["https://example.com/a.jpg"]])

    def rows(self) -> JsonValue:
        return self.urls


class Item(BaseModel):
    """A row of a manifest: the URL, the other fields of a manifest row, and columns of your own."""

    model_config = ConfigDict(extra="allow", strict=True)

    url: str = Field(min_length=1, examples=["https://example.com/a.jpg"])


class ItemList(_OptionsRequest):
    """Rows of a manifest."""

    items: list[Item] = Field(min_length=1, max_length=MAX_ROWS)

    def rows(self) -> JsonValue:
        return [item.model_dump(mode="json") for item in self.items]


class PathList(_OptionsRequest):
    """Paths below a base URL."""

    accepted_values: ClassVar[Mapping[str, str]] = {
        "baseUrl": f"an absolute URL of up to {MAX_BASE_URL_CHARACTERS:,} characters that starts with http:// or https://"
    }

    base_url: str = Field(
        alias="baseUrl",
        pattern=r"^[Hh][Tt][Tt][Pp][Ss]?://",
        max_length=MAX_BASE_URL_CHARACTERS,
        examples=["https://example.com"],
    )
    resource_paths: list[str] = Field(
        alias="resourcePaths", min_length=1, max_length=MAX_ROWS, examples=[["/a.jpg", "/b.jpg"]]
    )
    lambda_concur: int | None = Field(
        default=None, alias="lambdaConcur", ge=1, le=256, description="Maximum concurrent requests of one batch."
    )

    def rows(self) -> JsonValue:
        return self.resource_paths

    def explicit_options(self) -> OptionValues:
        return explicit_options(self.options, probe=self.probe, base_url=self.base_url, concurrency=self.lambda_concur)


class StoredManifest(_OptionsRequest):
    """A manifest in the input bucket."""

    accepted_values: ClassVar[Mapping[str, str]] = {
        "manifest": "the S3 URI of an object, such as s3://INPUT_BUCKET/manifests/list.csv"
    }

    manifest: str = Field(
        pattern=r"^s3://[a-z0-9.-]+/.+",
        max_length=1100,
        description="S3 URI of an object in the input bucket.",
        examples=["s3://INPUT_BUCKET/manifests/list.csv"],
    )


SHAPES = {"urls": UrlList, "items": ItemList, "resourcePaths": PathList, "manifest": StoredManifest}
"""The field that identifies a shape of RunRequest → its model."""


def _shape_of(body: object) -> str | None:
    """The only field of SHAPES in the body; None without one, or with several."""
    if not isinstance(body, dict):
        return next((name for name, model in SHAPES.items() if isinstance(body, model)), None)
    names = [name for name in SHAPES if name in body]
    return names[0] if len(names) == 1 else None


class RunRequest(
    RootModel[
        Annotated[
            Annotated[UrlList, Tag("urls")]
            | Annotated[ItemList, Tag("items")]
            | Annotated[PathList, Tag("resourcePaths")]
            | Annotated[StoredManifest, Tag("manifest")],
            Discriminator(
                _shape_of,
                custom_error_type=EXPLAINED,
                custom_error_message=f"Must have exactly one of the fields {', '.join(SHAPES)}.",
            ),
        ]
    ]
):
    """The images of a run, in one of four shapes."""


class RetryRequest(_OptionsRequest):
    """The body may be omitted."""


class ChangeRequest(RequestModel):
    max_concurrency: int = Field(
        ge=1, le=10_000, description="Maximum concurrent batches of the run from now on.", examples=[10]
    )


class UploadRequest(_OptionsRequest):
    accepted_values: ClassVar[Mapping[str, str]] = {
        "name": "a file name of 1 to 100 letters, digits, dots, hyphens and underscores, such as list.csv"
    }

    name: str = Field(
        default="manifest.csv",
        pattern=MANIFEST_NAME_PATTERN,
        description="File name. Its extension, such as .csv, selects the format.",
        examples=["list.csv"],
    )


PARAMETER_NAMES = FieldNames(
    "parameter",
    accepted={
        "idempotency-key": "text of 1 to 255 characters",
        "limit": f"a whole number from 1 to {MAX_PAGE}",
        "next": "the pagination token of the previous page",
        "run_id": "a run ID: 1 to 80 lower-case letters, digits and hyphens",
        "status": f"one of {join_choices(status.value for status in Status)}",
        "url": f"a URL of 1 to {MAX_URL_BYTES:,} characters",
    },
)


def field_errors(errors: Sequence[ErrorDetails]) -> list[FieldError]:
    """The invalid fields. A location begins with body, query, path or header; the shape of a RunRequest follows."""
    return [FieldError(field=_field(error["loc"]), message=_message(error)) for error in errors[:MAX_FIELD_ERRORS]]


def _message(error: ErrorDetails) -> str:
    if error["type"] == EXPLAINED:
        return error["msg"]
    return PARAMETER_NAMES.explain_value({**error, "loc": error["loc"][1:]})


def _field(location: Sequence[str | int]) -> str:
    inner = location[1:]
    if len(inner) > 1 and location[0] == "body" and inner[0] in SHAPES:
        inner = inner[1:]
    return ".".join(map(str, inner)) or str(location[0])
