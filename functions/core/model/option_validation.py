"""Options that come from outside, checked and named when they are wrong. Imports pydantic: not for the hot path."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from functions.core.model.errors import InvalidManifest
from functions.core.model.options import IMAGE_TYPES, Options

_ALIASES = {"lambda_concur": "concurrency", "lambdaconcur": "concurrency"}
_LISTS = {"allowed_types"}
_OPTIONS = TypeAdapter(Options)
_NOT_PRINTABLE = "it takes printable ASCII"


def validate_options(*sources: Mapping[str, Any]) -> Options:
    """Later sources win; names may have hyphens, values be text. Raises InvalidManifest, which names the option."""
    given: dict[str, Any] = {}
    for source in sources:
        given |= {_name(name): value for name, value in source.items()}
    values = {name: _listed(name, value) for name, value in given.items()}
    try:
        options = _OPTIONS.validate_python(values)
    except ValidationError as error:
        raise InvalidManifest(_sentence(error)) from error
    if options.base_url and not options.base_url.lower().startswith(("http://", "https://")):
        raise InvalidManifest(
            f"The option base_url is wrong: it begins with http:// or https:// (it is {options.base_url[:60]!r})."
        )
    unknown = sorted(set(options.allowed_types) - {*IMAGE_TYPES, "svg"})
    if unknown:
        raise InvalidManifest(
            f"The option allowed_types has '{unknown[0]}'; known are {', '.join(IMAGE_TYPES)} and svg."
        )
    return options


def _name(name: str) -> str:
    snake = name.strip().lower().replace("-", "_")
    return _ALIASES.get(snake, snake)


def _listed(name: str, value: Any) -> Any:
    if name in _LISTS and isinstance(value, str):
        return tuple(part.strip().lower() for part in value.split(",") if part.strip())
    return value


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else "?"
    if first["type"] == "unexpected_keyword_argument":
        known = ", ".join(sorted(Options.__dataclass_fields__))
        return f"There is no option '{name}'. There are: {known}."
    why = _NOT_PRINTABLE if first["type"] == "predicate_failed" else first["msg"]
    return f"The option {name} is wrong: {why} (it is {str(first['input'])[:60]!r})."
