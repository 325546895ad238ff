"""What can be asked of the API, as it comes in."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, RootModel, Tag

from functions.core.api.problems import FieldError
from functions.core.api.run_options import RunOptions, given_options
from functions.core.model.limits import MAX_URL_BYTES

MAX_ROWS = 10_000
"""Of one POST; a manifest may have a hundred million."""

RunId = r"^[a-z0-9][a-z0-9-]{0,79}$"
MAX_NAMED = 20
"""Wrong fields in one answer."""

ManifestName = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    options: RunOptions | None = Field(default=None, description="those of this run; the stack's settings hold else")

    def asked_options(self) -> dict[str, Any]:
        """Raises Problem(422)."""
        return given_options(self.options)


class UrlList(_Request):
    urls: list[str] = Field(min_length=1, max_length=MAX_ROWS, examples=[["https://example.com/a.jpg"]])

    def rows(self) -> list[Any]:
        return self.urls


class Item(BaseModel):
    """A row: its URL, what else a manifest may say of it, and columns of your own."""

    model_config = ConfigDict(extra="allow", strict=True)

    url: str = Field(min_length=1)


class ItemList(_Request):
    items: list[Item] = Field(min_length=1, max_length=MAX_ROWS)

    def rows(self) -> list[Any]:
        return [item.model_dump(mode="json") for item in self.items]


class PathList(_Request):
    base_url: str = Field(alias="baseUrl", pattern=r"^[Hh][Tt][Tt][Pp][Ss]?://", max_length=MAX_URL_BYTES)
    resource_paths: list[str] = Field(alias="resourcePaths", min_length=1, max_length=MAX_ROWS)
    lambda_concur: int | None = Field(
        default=None, alias="lambdaConcur", ge=1, le=256, description="requests at a time in one batch"
    )

    def rows(self) -> list[Any]:
        return self.resource_paths

    def asked_options(self) -> dict[str, Any]:
        return given_options(self.options, base_url=self.base_url, concurrency=self.lambda_concur)


class StoredManifest(_Request):
    manifest: str = Field(
        pattern=r"^s3://[a-z0-9.-]+/.+",
        max_length=1100,
        description="an object of the input bucket",
        examples=["s3://…"],
    )


SHAPES = {"urls": UrlList, "items": ItemList, "resourcePaths": PathList, "manifest": StoredManifest}


def _shape(body: object) -> str | None:
    """By the one field that tells them apart; None where there is none of them, or more than one."""
    if not isinstance(body, dict):
        return next((name for name, model in SHAPES.items() if isinstance(body, model)), None)
    named = [name for name in SHAPES if name in body]
    return named[0] if len(named) == 1 else None


class RunRequest(
    RootModel[
        Annotated[
            Annotated[UrlList, Tag("urls")]
            | Annotated[ItemList, Tag("items")]
            | Annotated[PathList, Tag("resourcePaths")]
            | Annotated[StoredManifest, Tag("manifest")],
            Discriminator(
                _shape,
                custom_error_type="shape",
                custom_error_message=f"Give one of {', '.join(SHAPES)}, and only one.",
            ),
        ]
    ]
):
    """One of four shapes."""

    def fingerprint(self) -> str:
        """The same for the same request."""
        return json.dumps(self.root.model_dump(mode="json", exclude_unset=True), sort_keys=True)


class RetryRequest(_Request):
    """May be left out."""

    def fingerprint(self) -> str:
        return json.dumps(self.model_dump(mode="json", exclude_unset=True), sort_keys=True)


class ChangeRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    max_concurrency: int = Field(ge=1, le=10_000, description="batches at a time in the run, from now on")


class UploadRequest(_Request):
    name: str = Field(
        default="manifest.csv", pattern=ManifestName, description="tells the format by its extension, such as .csv"
    )


def field_errors(errors: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """From pydantic's errors, whose place begins with "body", "query", "path" or "header", then the shape's name."""
    return [FieldError(field=_field(error["loc"]), message=str(error["msg"])) for error in errors[:MAX_NAMED]]


def _field(place: Sequence[str | int]) -> str:
    inner = place[1:]
    if len(inner) > 1 and place[0] == "body" and inner[0] in SHAPES:
        inner = inner[1:]
    return ".".join(map(str, inner)) or str(place[0])
