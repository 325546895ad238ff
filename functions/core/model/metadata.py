"""Options in the metadata of a manifest's object, beside what other programs leave there."""

import re
from collections.abc import Mapping

from functions.core.model.types import JsonValue, OptionValues

_FOREIGN = re.compile(
    r"""
    s3cmd-.* | s3b-.* | s3fs-.* | rclone-.* | goog-.* | cb-.* | x-amz-.* | amz-.* | aws-.*  # their own prefixes
    | (file-)?(mtime|atime|ctime|birthtime|uid|gid|mode|owner|group|permissions|acl)      # rclone, s3fs, DataSync
    | md5chksum | md5 | sha1 | sha256 | src-last-modified-millis | user-agent-id         # checksums, copies
    """,
    re.VERBOSE,
)
"""Names that tools write by themselves; everything else is meant for us, and a slip in it ends the run."""

_COPIERS = "user-agent-id"
"""DataSync and Storage Gateway write it, and a `user-agent` of their own beside it."""


def options_from_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """What is not some other program's."""
    found = {name.strip().lower(): value for name, value in metadata.items()}
    if _COPIERS in found:
        found.pop("user-agent", None)
    return {name: value for name, value in found.items() if not _FOREIGN.fullmatch(name.replace("_", "-"))}


def options_to_metadata(options: OptionValues) -> dict[str, str]:
    """Options as object metadata: names with hyphens, values as text. `validate_options` reads them back."""
    return {name.replace("_", "-"): _text(value) for name, value in options.items()}


def _text(value: JsonValue) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
