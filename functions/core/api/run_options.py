"""The options of a run as the API takes them: those that are given, checked and named when they are wrong."""

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from functions.core.api.problems import invalid
from functions.core.model.errors import InvalidManifest
from functions.core.model.option_validation import validate_options
from functions.core.model.options import Options

MAX_METADATA_BYTES = 2000
"""S3 takes 2 KB of it with an object."""


def _model() -> type[BaseModel]:
    """One field for each option, so that the schema says all that there is to know about them.

    Unlike metadata, which is text, JSON has types: "5" and false are no numbers.
    """
    hints = get_type_hints(Options, include_extras=True)
    given: dict[str, Any] = {
        each.name: (
            hints[each.name],
            Field(
                default=each.default,
                description=each.metadata["meaning"],
                strict=False if isinstance(each.default, tuple) else None,  # JSON has lists
            ),
        )
        for each in fields(Options)
    }
    return create_model("RunOptions", __config__=ConfigDict(extra="forbid", strict=True), **given)


if TYPE_CHECKING:
    RunOptions = BaseModel
else:
    RunOptions = _model()


def given_options(options: BaseModel | None, **others: Any) -> dict[str, Any]:
    """What was asked for, no defaults; `options` win over `others`, None means not given. Raises Problem(422)."""
    asked = {name: value for name, value in others.items() if value is not None}
    asked |= options.model_dump(mode="json", exclude_unset=True) if options else {}
    try:
        validate_options(asked)
    except InvalidManifest as refusal:
        raise invalid("options", str(refusal)) from refusal
    return asked


def as_metadata(options: Mapping[str, Any]) -> dict[str, str]:
    """As an object in S3 carries them, where PrepareRun looks for them. Raises Problem(422)."""
    found = {name.replace("_", "-"): _text(value) for name, value in options.items()}
    for name, value in found.items():
        if not value.isascii() or not value.isprintable():
            raise invalid(f"options.{name.replace('-', '_')}", "must be printable ASCII, to travel with an upload")
    if sum(len(name) + len(value) for name, value in found.items()) > MAX_METADATA_BYTES:
        raise invalid("options", f"must be under {MAX_METADATA_BYTES} bytes in all, to travel with an upload")
    return found


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
