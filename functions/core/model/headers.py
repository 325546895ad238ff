"""Request headers that a run or a row sets. Their values may be secrets: no message here has one."""

import json
import re
from collections.abc import Iterable, Mapping

from functions.core.model.types import OptionValues

COLUMN_PREFIX = "header:"
"""Start of the name of a column that has the value of a header: `header:Referer`."""

MAX_HEADERS = 20
MAX_NAME_CHARACTERS = 40
"""Maximum length of the name of a header. The names are in the metadata of the retry manifest, which have 2 KB."""

MAX_HEADER_BYTES = 4096
"""Maximum size of the headers of a run, and of a row, as JSON. Those of the run are in the input of every batch, and
many servers accept 8 KB of headers."""

NOT_RECORDED = "…"
"""Stands for the value of a header where the options of a run are recorded. It is no valid value."""

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""A token (RFC 9110, section 5.6.2)."""

_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
"""A field value (RFC 9110, section 5.5)."""

_OF_THE_CONNECTION = "the HTTP client sets what controls the request and its connection"
_FORBIDDEN: Mapping[str, str] = {
    **dict.fromkeys(("host", "content-length", "transfer-encoding", "connection", "keep-alive"), _OF_THE_CONNECTION),
    **dict.fromkeys(("te", "trailer", "upgrade", "http2-settings", "expect"), _OF_THE_CONNECTION),
    "range": "an image is requested as a whole",
    "accept-encoding": "an image is requested without a Content-Encoding",
}
_FORBIDDEN_STARTS: Mapping[str, str] = {
    "if-": "set on_existing=refresh to request only what has changed",
    "proxy-": "no proxy is used",
}
"""Name in lower case, or its start → why it cannot be set."""


class HeaderError(Exception):
    """Headers that cannot be sent. The message is a sentence."""


def parse_headers(value: object) -> dict[str, str]:
    """The headers of an object, or of text: lines `Name: value`, or an object in JSON. None and "" are no headers.

    Raises HeaderError.
    """
    return check_headers(_pairs(value))


def check_headers(pairs: Iterable[tuple[object, object]]) -> dict[str, str]:
    """The headers of pairs of name and value; None as a value is "". Raises HeaderError."""
    headers: dict[str, str] = {}
    names: set[str] = set()
    for number, (name, value) in enumerate(pairs, start=1):
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise HeaderError(f"The name of header {number} is not valid in HTTP: use letters, digits and hyphens.")
        if len(name) > MAX_NAME_CHARACTERS:
            raise HeaderError(f"The name of header {number} is longer than {MAX_NAME_CHARACTERS} characters.")
        lower_case = name.lower()
        if (why := _why_forbidden(lower_case)) is not None:
            raise HeaderError(f"The header {name} cannot be set: {why}.")
        if lower_case in names:
            raise HeaderError(f"The header {name} is set twice; names are the same in any case.")
        names.add(lower_case)
        headers[name] = _checked_value(name, value)
    if len(headers) > MAX_HEADERS:
        raise HeaderError(f"{len(headers)} headers are set; at most {MAX_HEADERS} are possible.")
    size = len(json.dumps(headers, ensure_ascii=False).encode())
    if size > MAX_HEADER_BYTES:
        raise HeaderError(f"The headers have {size:,} bytes as JSON; at most {MAX_HEADER_BYTES:,} are possible.")
    return headers


def headers_to_send(of_run: Mapping[str, str], of_row: Mapping[str, str]) -> Mapping[str, str]:
    """The headers of a request. A header of the row replaces that of the run; with an empty value, none is sent."""
    if not of_row:
        return of_run
    replaced = {name.lower() for name in of_row}
    kept = {name: value for name, value in of_run.items() if name.lower() not in replaced}
    return {**kept, **{name: value for name, value in of_row.items() if value}}


def recorded_options(options: OptionValues) -> OptionValues:
    """The options of a run for its record and its reports: without the values of its headers."""
    headers = options.get("headers")
    return {**options, "headers": dict.fromkeys(headers, NOT_RECORDED)} if isinstance(headers, Mapping) else options


def unrecorded_headers(options: OptionValues) -> list[str]:
    """The names of the headers whose values are missing in recorded options."""
    headers = options.get("headers")
    items = headers.items() if isinstance(headers, Mapping) else ()
    return [name for name, value in items if value == NOT_RECORDED]


def _why_forbidden(name: str) -> str | None:
    return _FORBIDDEN.get(name) or next(
        (why for start, why in _FORBIDDEN_STARTS.items() if name.startswith(start)), None
    )


def _checked_value(name: str, value: object) -> str:
    text = "" if value is None else value
    if isinstance(text, str) and text.strip() == NOT_RECORDED:
        raise HeaderError(f"The value of the header {name} is missing: values are not recorded. Set it again.")
    if not isinstance(text, str) or not _VALUE.fullmatch(text):
        raise HeaderError(
            f"The value of the header {name} is not valid in HTTP: use text of one line, in ASCII or Latin-1."
        )
    return text.strip()


def _pairs(value: object) -> Iterable[tuple[object, object]]:
    if value is None or value == "":
        return ()
    if isinstance(value, Mapping):
        return value.items()
    if not isinstance(value, str):
        raise HeaderError("Headers are an object of names and values, or lines 'Name: value'.")
    return _json_pairs(value) if value.lstrip().startswith("{") else _line_pairs(value)


def _json_pairs(text: str) -> Iterable[tuple[object, object]]:
    try:
        pairs: list[tuple[object, object]] = json.loads(text, object_pairs_hook=list)
    except (ValueError, RecursionError) as error:
        raise HeaderError("The text of the headers begins with { and is not JSON.") from error
    return pairs


def _line_pairs(text: str) -> Iterable[tuple[object, object]]:
    lines = [line for line in re.split(r"[\r\n]+", text) if line.strip()]
    for number, line in enumerate(lines, start=1):
        name, colon, value = line.partition(":")
        if not colon:
            raise HeaderError(f"Line {number} of the headers has no colon: write 'Name: value'.")
        yield name.strip(), value
