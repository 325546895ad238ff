"""Validation of run options from outside: metadata, settings and API requests.

Imports pydantic, so the download path must not import this module.
"""

from collections.abc import Mapping
from dataclasses import asdict

from pydantic import TypeAdapter, ValidationError

from functions.core.model.errors import InvalidManifest
from functions.core.model.headers import HeaderError, parse_headers, recorded_options
from functions.core.model.keys.templates import KeyTemplateError, parse_template
from functions.core.model.limits import MAX_BASE_URL_CHARACTERS
from functions.core.model.metadata import MAX_METADATA_BYTES, metadata_size, object_metadata
from functions.core.model.options import LIST_CHOICES, Options
from functions.core.model.validation import FieldNames

_ALIASES = {"lambda_concur": "concurrency", "lambdaconcur": "concurrency"}
_MAY_BE_EMPTY = {"respect", "own_columns"}
_OPTIONS = TypeAdapter(Options)

OPTION_NAMES = FieldNames(
    "option",
    Options,
    accepted={
        **{
            name: f"{'none' if name in _MAY_BE_EMPTY else 'one'} or more of {', '.join(choices)}"
            for name, choices in LIST_CHOICES.items()
        },
        "base_url": f"an absolute URL of up to {MAX_BASE_URL_CHARACTERS:,} characters that starts with http:// or https://",
        "headers": "an object of header names and values, or text such as 'Referer: https://example.com/'",
        "user_agent": "printable ASCII text of up to 256 characters",
    },
)


def validate_options(*sources: Mapping[str, object]) -> Options:
    """Merges and validates options; later sources take precedence.

    Names may have hyphens instead of underscores, and values may be text, as in the metadata of an S3 object. Raises
    InvalidManifest, which names the option.
    """
    received: dict[str, object] = {}
    for source in sources:
        received |= {_normalized(name): value for name, value in source.items()}
    values = {name: _split(value) if name in LIST_CHOICES else value for name, value in received.items()}
    if "headers" in values:
        values["headers"] = _headers(values["headers"])
    try:
        options = _OPTIONS.validate_python(values)
    except ValidationError as error:
        raise InvalidManifest(OPTION_NAMES.explain(error.errors()[0], received)) from error
    if options.base_url and not options.base_url.lower().startswith(("http://", "https://")):
        raise _invalid("base_url", options.base_url)
    if options.key_template:
        _check_template(options.key_template)
    for name, choices in LIST_CHOICES.items():
        unknown = sorted(set(getattr(options, name)) - set(choices))
        if unknown:
            raise _invalid(name, unknown[0])
    _check_output(options)
    _check_size(options)
    return options


def _check_output(options: Options) -> None:
    """Raises InvalidManifest for options that exclude each other."""
    if options.output == "shards" and options.key_template:
        raise InvalidManifest("Option 'key_template' is not possible with output=shards, whose images have no keys.")
    if options.table:
        return
    if options.output != "shards":
        raise InvalidManifest("Option 'table' can be false only with output=shards: set output to shards as well.")
    if options.on_existing == "refresh":
        raise InvalidManifest(
            "Option 'on_existing' cannot be refresh with table=false: the images table has what was stored before."
        )


def option_sources(sources: Mapping[str, Mapping[str, object]]) -> dict[str, str]:
    """Where the value of each option comes from: the name of the last one of the sources that has it."""
    return {_normalized(name): source for source, values in sources.items() for name in values}


def _normalized(name: str) -> str:
    snake = name.strip().lower().replace("-", "_")
    return _ALIASES.get(snake, snake)


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip().lower() for part in value.split(",") if part.strip())
    return value


def _headers(value: object) -> Mapping[str, str]:
    """Raises InvalidManifest without any value, which may be secret."""
    try:
        headers = parse_headers(value)
        if any(name.lower() == "user-agent" for name in headers):
            raise HeaderError("User-Agent has an option of its own: user_agent.")
    except HeaderError as error:
        raise InvalidManifest(f"Option 'headers': {error}") from error
    return {name: text for name, text in headers.items() if text}


def _check_size(options: Options) -> None:
    """Raises InvalidManifest for options that a retry manifest could not have."""
    metadata = object_metadata(recorded_options(asdict(options)))
    size = metadata_size(metadata)
    if size > MAX_METADATA_BYTES:
        longest = max(metadata, key=lambda name: len(metadata[name]))
        raise InvalidManifest(
            f"The options have {size:,} bytes; at most {MAX_METADATA_BYTES:,} are possible, because a retry manifest "
            f"has them as metadata in S3. The longest is '{longest.replace('-', '_')}': shorten it."
        )


def _check_template(text: str) -> None:
    try:
        parse_template(text)
    except KeyTemplateError as error:
        raise InvalidManifest(f"Option 'key_template' {error}") from error


def _invalid(name: str, value: str) -> InvalidManifest:
    return InvalidManifest(OPTION_NAMES.reject(name, value))
