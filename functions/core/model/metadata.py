"""Options in the user-defined metadata of a manifest object."""

import json
import re
from collections.abc import Mapping

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
    entries = {name.strip().lower(): value for name, value in metadata.items()}
    if _COPY_SERVICE in entries:
        entries.pop("user-agent", None)
    return {name: value for name, value in entries.items() if not _OTHER_TOOLS.fullmatch(name.replace("_", "-"))}


def options_to_metadata(options: OptionValues) -> dict[str, str]:
    """Options as object metadata: names with hyphens, values as text. `validate_options` reads them back."""
    return {name.replace("_", "-"): _text(value) for name, value in options.items()}


def _text(value: JsonValue) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    if isinstance(value, Mapping):
        return json.dumps(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
