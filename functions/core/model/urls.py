"""URLs of a manifest: made absolute, checked, and redacted for everything that people read."""

import re
from urllib.parse import SplitResult, urljoin, urlsplit

from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason

MAX_URL_BYTES = 2048
"""DynamoDB's limit for a partition key, and the URL is ours."""

_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f]")
_QUERY_PAIR = re.compile(r"([^&;=]*)(=?)([^&;]*)")
_SECRET_NAME = re.compile(r"sig|token|key|secret|pass|pw|auth|cred|session|jwt|code|policy|hash|hmac", re.I)
_PLAIN = re.compile(r"https?://[a-z0-9.-]+(?::[0-9]{1,4})?(?:/[\w./%~+-]*)?", re.ASCII)
"""Nothing to redact: no user info, query or fragment."""

_HARMLESS = re.compile(r"[\w.,:+%-]{0,24}")

_UNPARSABLE = "The URL cannot be parsed: look at its host, its port and its brackets."


def absolute_url(text: str, base_url: str = "") -> str:
    """The URL to fetch. A relative one is appended to `base_url` as a path, as the upstream contract has it.

    Raises RowError(INVALID_URL).
    """
    url = text.strip().lstrip("\ufeff")
    if not url:
        raise _invalid("The row has no URL.")
    if base_url and "://" not in url.split("?", 1)[0] and not _scheme_of(url):
        url = _joined(base_url, url)
    if _FORBIDDEN.search(url) or "\\" in url:
        raise _invalid("The URL holds a control character or a backslash.")
    if len(url.encode("utf-8", "surrogatepass")) > MAX_URL_BYTES:
        raise _invalid(f"The URL is longer than {MAX_URL_BYTES} bytes, the longest key that the table takes.")
    _check(url)
    return url


def _joined(base_url: str, url: str) -> str:
    if not url.startswith("//"):
        return f"{base_url.rstrip('/')}/{url.lstrip('/')}"
    try:
        return urljoin(base_url, url)
    except ValueError as error:
        raise _invalid(_UNPARSABLE) from error


def _check(url: str) -> None:
    """What Python says of a URL that it cannot parse may hold user info: it is not told."""
    try:
        url.encode()
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises when it is no port
    except ValueError as error:
        raise _invalid(_UNPARSABLE) from error
    if parts.scheme not in ("http", "https"):
        found = f"'{parts.scheme}:'" if parts.scheme else "no scheme (set base_url for relative URLs)"
        raise _invalid(f"The URL has {found}; only http and https are fetched.")
    if not parts.hostname:
        raise _invalid("The URL names no host.")


def _scheme_of(url: str) -> str:
    match = re.match(r"([a-zA-Z][a-zA-Z0-9+.-]*):", url)
    return match[1] if match else ""


def _invalid(message: str) -> RowError:
    return RowError(Reason.INVALID_URL, message)


def host_of(url: str) -> str:
    """`host` or `host:port`, lower case: what politeness and reports count by."""
    return _netloc(urlsplit(url))


def display_host(url: str) -> str:
    """`(none)` where the URL names none."""
    try:
        return host_of(url) or "(none)"
    except ValueError:
        return "(none)"


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port: where credentials and a row's own headers may go."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").lower(), port


def _netloc(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2].lower()


def redact(url: str) -> str:
    """The URL as people may read it: no user info, no fragment, and of its query only what is short and harmless."""
    if _PLAIN.fullmatch(url):
        return url
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - where it is none, a slash has cut user info in two
    except ValueError:
        return "(unparsable URL)"
    netloc = parts.netloc.rpartition("@")[2]
    shown = parts._replace(netloc=netloc, query=_QUERY_PAIR.sub(_mask, parts.query), fragment="").geturl()
    return shown.encode("utf-8", "replace").decode()  # half a surrogate pair, which JSON allows, cannot be printed


def _mask(pair: re.Match[str]) -> str:
    """A name may be a secret itself: a bare token, padded by `=` where it is base64."""
    name, equals, value = pair.groups()
    shown = name if _HARMLESS.fullmatch(name) else "…"
    harmless = _HARMLESS.fullmatch(value) and not _SECRET_NAME.search(name)
    return f"{shown}{equals}{value if harmless else '…'}"
