"""Names of objects in the images bucket."""

import hashlib
import re
import unicodedata

from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason

PREFIX = "images/"
MAX_KEY_BYTES = 1024
"""S3's limit for the whole key, prefix included."""


_DEFAULT = re.compile(r"[0-9a-f]{2}/[0-9a-f]{64}\.[^/]*")
"""Such a name could be that of another URL's image, which is stored without looking what is there."""


def default_key(url: str, extension: str) -> str:
    """`images/<2 hex>/<sha256 of the URL>.<extension>`: 256 prefixes along which S3 can split."""
    digest = hashlib.sha256(url.encode()).hexdigest()
    return f"{PREFIX}{digest[:2]}/{digest}.{extension}"


def requested_key(text: object) -> str:
    """The row's own name under `images/`, its extension as written. Raises RowError(INVALID_ROW) where it is unsafe."""
    if not isinstance(text, str):
        raise _unsafe("is not text")
    name = unicodedata.normalize("NFC", text.strip()).removeprefix("/").removeprefix(PREFIX)
    if re.search(r"[\x00-\x1f\x7f\\]", name):
        raise _unsafe("holds a control character or a backslash")
    if _DEFAULT.fullmatch(name):
        raise _unsafe("is of the form of names without a key")
    if any(part in ("", ".", "..") for part in name.split("/")):
        raise _unsafe("has an empty part, or one that is . or ..")
    if len((PREFIX + name).encode("utf-8", "surrogatepass")) > MAX_KEY_BYTES:
        raise _unsafe(f"is longer than the {MAX_KEY_BYTES} bytes that S3 takes")
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise _unsafe("is no valid Unicode") from error
    return PREFIX + name


def _unsafe(why: str) -> RowError:
    return RowError(Reason.INVALID_ROW, f"key {why}.")
