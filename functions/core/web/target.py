"""The request target of a URL: its path and query as they are written.

`requests` and urllib3 rewrite them: they decode unreserved characters, write escape sequences in upper case, and encode
a percent sign. A server that compares the bytes, or verifies a signature, then refuses the request. Here only the
characters that a request line may not have are encoded, as browsers do (url.spec.whatwg.org, the path and the query
percent-encode sets), and the segments `.` and `..` are resolved (RFC 3986, section 5.2.4).
"""

import re
from collections.abc import Mapping
from typing import Self
from urllib.parse import quote, urlsplit

from requests.structures import CaseInsensitiveDict

from functions.core.model.urls import ascii_address

_PATH_SAFE = "!$%&'()*+,-./:;=@[\\]_|~"
_QUERY_SAFE = _PATH_SAFE + "?^`{}"
_AS_WRITTEN = re.compile(r"/[\w!$%&'()*+,\-./:;=@|~]*(?:\?[\w!$%&'()*+,\-./:;=@|~?]*)?", re.ASCII)
_DOT_SEGMENT = re.compile(r"/\.\.?(?:/|$)")


class TargetHeaders(CaseInsensitiveDict[str]):
    """Headers of a request, with its `target`: urllib3 hands them on to the connection unchanged."""

    def __init__(self, headers: Mapping[str, str], target: str) -> None:
        super().__init__(headers)
        self.target = target

    def copy(self) -> Self:
        return type(self)(self, self.target)


def request_target(url: str) -> str:
    """Path and query of a valid URL, as they are sent."""
    parts = urlsplit(url)
    path = _without_dot_segments(parts.path) if _DOT_SEGMENT.search(parts.path) else parts.path or "/"
    target = f"{path}?{parts.query}" if "?" in url.partition("#")[0] else path
    if _AS_WRITTEN.fullmatch(target):
        return target
    path, question_mark, query = target.partition("?")
    return quote(path, safe=_PATH_SAFE) + question_mark + quote(query, safe=_QUERY_SAFE)


def connection_url(url: str) -> str:
    """Scheme, user info, host and port of a valid URL, the host in ASCII."""
    parts = urlsplit(url)
    user_info, at, address = parts.netloc.rpartition("@")
    return f"{parts.scheme}://{user_info}{at}{ascii_address(address)}/"


def _without_dot_segments(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments:
        if segment == "..":
            kept = kept[:-1] if len(kept) > 1 else kept
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/".join(kept)
