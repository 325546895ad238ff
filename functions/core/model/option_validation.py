"""Validation of run options from outside: metadata, settings and API requests.

Imports pydantic, so the download path must not import this module.
"""

from collections.abc import Mapping

from pydantic import TypeAdapter, ValidationError

from functions.core.model.errors import InvalidManifest
from functions.core.model.headers import HeaderError, parse_headers
from functions.core.model.limits import MAX_BASE_URL_CHARACTERS
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
    for name, choices in LIST_CHOICES.items():
        unknown = sorted(set(getattr(options, name)) - set(choices))
        if unknown:
            raise _invalid(name, unknown[0])
    return options


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


def _invalid(name: str, value: str) -> InvalidManifest:
    return InvalidManifest(OPTION_NAMES.reject(name, value))
