"""Options in the user-defined metadata of a manifest object.

A header has a value of ASCII alone: another value is written and read as RFC 2047 says, which is what S3 does, too.
"""

import base64
import json
import re
from collections.abc import Mapping
from email.errors import HeaderParseError
from email.header import decode_header

from functions.core.model.options import Options
from functions.core.model.types import JsonValue, OptionValues

MAX_METADATA_BYTES = 2000
"""Maximum size of the options of an upload in bytes. S3 accepts 2 KB of user-defined metadata for an object."""

_OTHER_TOOLS = re.compile(
    r"""
    s3cmd-.* | s3b-.* | s3fs-.* | rclone-.* | goog-.* | cb-.* | x-amz-.* | amz-.* | aws-.*  # prefixes of tools
    | (file-)?(mtime|atime|ctime|birthtime|uid|gid|mode|owner|group|permissions|acl)      # rclone, s3fs, DataSync
    | md5chksum | md5 | sha1 | sha256 | src-last-modified-millis | user-agent-id         # checksums, copies
    """,
    re.VERBOSE,
)
"""Names that upload tools write. Every other name is taken as an option, so that a misspelt option is an error."""

_COPY_SERVICE = "user-agent-id"
"""Written by DataSync and Storage Gateway, together with a `user-agent` that is not an option."""


def options_from_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """The metadata without the entries that upload tools write. Names are lower case and not yet validated."""
    entries = {name.strip().lower(): _decoded(value) for name, value in metadata.items()}
    if _COPY_SERVICE in entries:
        entries.pop("user-agent", None)
    return {name: value for name, value in entries.items() if not _OTHER_TOOLS.fullmatch(name.replace("_", "-"))}


def options_to_metadata(options: OptionValues) -> dict[str, str]:
    """Options as object metadata: names with hyphens, values as text. `validate_options` reads them back."""
    return {name.replace("_", "-"): encoded(_text(value)) for name, value in options.items()}


def metadata_size(metadata: Mapping[str, str]) -> int:
    """The size in bytes by which S3 limits it."""
    return sum(len(name) + len(value) for name, value in metadata.items())


def object_metadata(options: OptionValues) -> dict[str, str]:
    """The options of a run for a manifest of its rows: a copy of it starts a run with the same options."""
    return options_to_metadata(_needed(options))


def retry_options(options: OptionValues) -> dict[str, str]:
    """The same options as text under their own names."""
    return {name: _text(value) for name, value in _needed(options).items()}


def _needed(options: OptionValues) -> OptionValues:
    """The options that differ from their defaults, without `base_url`: the URLs of such a manifest are absolute."""
    defaults = Options()
    return {name: value for name, value in options.items() if name != "base_url" and _differs(defaults, name, value)}


def _differs(defaults: Options, name: str, value: object) -> bool:
    default = getattr(defaults, name, value)
    return bool((list(default) if isinstance(default, tuple) else default) != value)


_UNCHANGED = re.compile(r"(?!.*=\?)(?:[!-~](?:[ -~]*[!-~])?)?")
"""Values that a header has as they are."""


def encoded(text: str) -> str:
    """A value as a header has it."""
    if _UNCHANGED.fullmatch(text):
        return text
    return f"=?UTF-8?B?{base64.b64encode(text.encode()).decode()}?="


def _decoded(value: str) -> str:
    """The text of a value; what is not encoded, or not correctly, stays as it is."""
    try:
        parts = decode_header(value) if "=?" in value else ((value, None),)
        return "".join(part if isinstance(part, str) else part.decode(charset or "ascii") for part, charset in parts)
    except (HeaderParseError, LookupError, UnicodeError):
        return value


def _text(value: JsonValue) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    if isinstance(value, Mapping):
        return json.dumps(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
