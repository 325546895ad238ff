"""Run options in a request: validated by type, then by `validate_options` like those from everywhere else."""

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, get_type_hints

from pydantic import BaseModel, Field, create_model

from functions.core.api.problems import invalid
from functions.core.api.request_model import RequestModel
from functions.core.model.errors import InvalidManifest
from functions.core.model.metadata import MAX_METADATA_BYTES, metadata_size, options_to_metadata
from functions.core.model.option_validation import OPTION_NAMES, validate_options
from functions.core.model.options import OPTION_DEFAULTS, Options
from functions.core.model.types import JsonValue, OptionValues


def _run_options_model() -> type[RequestModel]:
    """A model with one field for each option, so that the OpenAPI document describes all of them.

    JSON has types, unlike metadata: "5" and false are not numbers here.
    """
    hints = get_type_hints(Options, include_extras=True)
    # create_model declares its field definitions as Any.
    definitions: dict[str, Any] = {
        option.name: (
            hints[option.name],
            Field(
                default=OPTION_DEFAULTS[option.name],
                description=option.metadata["meaning"],
                strict=False if isinstance(option.default, tuple) else None,  # a JSON array is a list
            ),
        )
        for option in fields(Options)
    }
    return create_model("RunOptions", __base__=RequestModel, **definitions)


if TYPE_CHECKING:
    RunOptions = RequestModel
else:
    RunOptions = _run_options_model()
    RunOptions.field_names = OPTION_NAMES


def explicit_options(options: BaseModel | None, **defaults: JsonValue) -> OptionValues:
    """The options that the request sets, without defaults of the deployment. Raises Problem(422).

    `options` take precedence over `defaults`, of which None means not set.
    """
    values = {name: value for name, value in defaults.items() if value is not None}
    values |= options.model_dump(mode="json", exclude_unset=True) if options else {}
    try:
        validate_options(values)
    except InvalidManifest as error:
        raise invalid("options", str(error)) from error
    return values


def upload_metadata(options: OptionValues) -> Mapping[str, str]:
    """Options as user-defined metadata of an S3 object, from which PrepareRun reads them. Raises Problem(422)."""
    metadata = options_to_metadata(options)
    if metadata_size(metadata) > MAX_METADATA_BYTES:
        raise invalid(
            "options",
            f"Must be at most {MAX_METADATA_BYTES:,} bytes in total: the options of an upload are S3 object metadata.",
        )
    return metadata
