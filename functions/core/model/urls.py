"""URLs of a manifest: resolved against the base URL, validated, and redacted for display."""

import re
from urllib.parse import SplitResult, urljoin, urlsplit

from functions.core.model.errors import RowError
from functions.core.model.limits import MAX_URL_BYTES
from functions.core.model.reasons import Reason

_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f]")
_QUERY_PAIR = re.compile(r"([^&;=]*)(=?)([^&;]*)")
_SECRET_NAME = re.compile(r"sig|token|key|secret|pass|pw|auth|cred|session|jwt|code|policy|hash|hmac", re.I)
_NOTHING_TO_REDACT = re.compile(r"https?://[a-z0-9.-]+(?::[0-9]{1,4})?(?:/[\w./%~+-]*)?", re.ASCII)
"""URLs without user info, query and fragment."""

_HARMLESS = re.compile(r"[\w.,:+%-]{0,24}")
"""Names and values of a query that are too short to be a credential."""

_FORBIDDEN_IN_HOST = re.compile(r"""[\x00-\x20"#%/:<>?@\[\\\]^`{|}\x7f]""")
"""Forbidden domain code points (url.spec.whatwg.org): UTS 46 maps a full-width slash to a slash."""

MAX_LABEL = 63
"""Maximum length of a label of a host name (RFC 1035, section 2.3.4)."""

_BETWEEN_URLS = re.compile(r"(?<![\s|;,])[\s|;,]+(?=(?:https?:)?//)", re.I)
_BETWEEN_NAMES = re.compile(r"\.(?:jpe?g|png|gif|webp|avif|heic|tiff?|bmp|ico|svg)[^\S\n]*[\n|;,]\s*\S", re.I)
_URL_IN_URL = re.compile(r"[=/]https?:", re.I)
_LIST = re.compile(r"""\[\s*(["']).*\1\s*\]""", re.S)
_BETWEEN_ITEMS = re.compile(r"""(?<=["'])\s*(?:,\s*)?(?=["'])""")
_ATTACHMENT = re.compile(r"\((https?://[^\s()]+)\)", re.I)
"""`name.jpg (https://...),other.jpg (https://...)`, as Airtable exports attachments."""

_AROUND_URL = "\ufeff \t\r\n|;,\"'"

_MALFORMED = "The URL is malformed: check its host, port and brackets."


def absolute_url(text: str, base_url: str = "") -> str:
    """The URL to fetch. A relative URL is appended to the path of `base_url`, as the upstream project does.

    Raises RowError(INVALID_URL).
    """
    url = text.strip().lstrip("\ufeff")
    if not url:
        raise _invalid("The row has no URL.")
    if base_url and "://" not in url.split("?", 1)[0] and not _scheme_of(url):
        url = _join(base_url, url)
    if _FORBIDDEN.search(url) or "\\" in url:
        raise _invalid("The URL contains a control character or a backslash.")
    if (size := length_in_bytes(url)) > MAX_URL_BYTES:
        raise _invalid(f"The URL has {size:,} bytes; at most {MAX_URL_BYTES:,} are possible.")
    _validate(url)
    return url


def length_in_bytes(url: str) -> int:
    """In UTF-8. A lone surrogate, which JSON allows, counts as three."""
    return len(url.encode("utf-8", "surrogatepass"))


def has_several_urls(text: str) -> bool:
    """True if a value has more than one URL, or is a list of URLs, in a form that `urls_in` can take apart."""
    if text.count("//") < 2 and not text.endswith((")", "]")):
        return "//" not in text and _BETWEEN_NAMES.search(text) is not None
    text = text.strip(_AROUND_URL)
    if _LIST.fullmatch(text) or _has_attachments(text):
        return True
    between = _BETWEEN_URLS.search(text)
    return between is not None and (between[0].isspace() or not _URL_IN_URL.search(text, 0, between.start()))


def _has_attachments(text: str) -> bool:
    return text[-1:] == ")" and text[:4].lower() != "http" and _ATTACHMENT.search(text) is not None


def urls_in(text: str) -> list[str]:
    """The URLs of a value: separated by white space, commas, semicolons or pipes, or a list in JSON or Python.

    One URL is returned as it is. Commas in a URL are part of it: a separator is followed by the next URL.
    """
    if not has_several_urls(text):
        return [text]
    text = text.strip(_AROUND_URL)
    if _LIST.fullmatch(text):
        parts = _BETWEEN_ITEMS.split(text[1:-1].replace("\\/", "/"))  # PHP writes slashes in JSON so
    elif _has_attachments(text):
        parts = _ATTACHMENT.findall(text)
    elif "//" in text:
        parts = _BETWEEN_URLS.split(text)
    else:
        parts = text.split(next(separator for separator in "\n|;," if separator in text))
    return [url for part in parts if (url := part.strip(_AROUND_URL))] or [text]


def _join(base_url: str, url: str) -> str:
    if not url.startswith("//"):
        return f"{base_url.rstrip('/')}/{url.lstrip('/')}"
    try:
        return urljoin(base_url, url)
    except ValueError as error:
        raise _invalid(_MALFORMED) from error


def _validate(url: str) -> None:
    """Raises RowError. Python's own message is not used, since it may quote user info."""
    try:
        url.encode()
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises ValueError for an invalid port
    except ValueError as error:
        raise _invalid(_MALFORMED) from error
    if parts.scheme not in ("http", "https"):
        scheme = f"scheme '{parts.scheme}:'" if parts.scheme else "no scheme (set base_url for relative URLs)"
        raise _invalid(f"The URL has {scheme}; only http and https are supported.")
    if not parts.hostname:
        raise _invalid("The URL has no host.")
    if not parts.hostname.isascii():
        ascii_host(parts.hostname)


def _scheme_of(url: str) -> str:
    match = re.match(r"([a-zA-Z][a-zA-Z0-9+.-]*):", url)
    return match[1] if match else ""


def _invalid(message: str) -> RowError:
    return RowError(Reason.INVALID_URL, message)


def ascii_host(host: str) -> str:
    """`host` or `host:port` as browsers write it: lower case, mapped by UTS 46, its labels in Punycode.

    Browsers also accept what IDNA 2008 does not, such as emoji (url.spec.whatwg.org, "domain to ASCII"). Raises
    RowError(INVALID_URL).
    """
    if host.isascii():
        return host.lower()
    import idna  # its tables take a cold start 40 ms, and few lists need them

    try:
        mapped = idna.uts46_remap(host, std3_rules=False)
        labels = [
            label if label.isascii() else f"xn--{label.encode('punycode').decode()}" for label in mapped.split(".")
        ]
    except UnicodeError as error:
        raise _invalid(f"The host name cannot be written in ASCII: {error}.") from error
    if not any(labels) or _FORBIDDEN_IN_HOST.search(".".join(labels)) or max(map(len, labels)) > MAX_LABEL:
        raise _invalid("The host name is not valid after Unicode mapping (UTS 46).")
    return ".".join(labels)


def host_of(url: str) -> str:
    """`host` or `host:port` in ASCII and lower case: the unit of rate limits and of reports."""
    return ascii_address(_netloc(urlsplit(url)))


def ascii_address(address: str) -> str:
    """`host` or `host:port`, its host as of `ascii_host`."""
    if address.isascii():
        return address.lower()
    host, colon, port = address.partition(":")
    return f"{ascii_host(host)}{colon}{port}"


def display_host(url: str) -> str:
    """The host for display, or `(none)`."""
    try:
        return host_of(url) or "(none)"
    except (ValueError, RowError):
        return "(none)"


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port. Credentials and the headers of a row are sent to this origin only."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, ascii_host(parts.hostname or ""), port


def _netloc(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2].lower()


def redact(url: str) -> str:
    """The URL for display: without user info and fragment, and with only short, harmless parts of its query."""
    if _NOTHING_TO_REDACT.fullmatch(url):
        return url
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - an invalid port means that a slash has cut the user info in two
    except ValueError:
        return "(malformed URL)"
    netloc = parts.netloc.rpartition("@")[2]
    redacted = parts._replace(netloc=netloc, query=_QUERY_PAIR.sub(_mask, parts.query), fragment="").geturl()
    return redacted.encode("utf-8", "replace").decode()  # a lone surrogate, which JSON allows, cannot be printed


def _mask(pair: re.Match[str]) -> str:
    """Masks the name too unless it is harmless: it may be a token without a value, or base64 padded with `=`."""
    name, equals, value = pair.groups()
    masked_name = name if _HARMLESS.fullmatch(name) else "…"
    harmless = _HARMLESS.fullmatch(value) and not _SECRET_NAME.search(name)
    return f"{masked_name}{equals}{value if harmless else '…'}"
