"""`X-Robots-Tag`: whether the owner of an image opts out of what it might be used for."""

import re
from collections.abc import Iterable

OPT_OUTS = frozenset({"noai", "noimageai", "noimageindex"})
AGENT = "image-mirror"

_VALUED = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})
_ADDRESSED = re.compile(r"\s*([\w.*-]+)(?:/[\w.]+)?\s*:(.*)", re.ASCII | re.DOTALL)


def opted_out(headers: Iterable[str], agent: str = AGENT) -> str | None:
    """The directive that opts out, or None. `headers` are the values of each such header, not joined:

    A directive may be addressed: `googlebot: noai, noindex` speaks to googlebot until the next name or header.
    """
    for header in headers:
        addressed = ""
        for part in header.lower().split(","):
            address = _ADDRESSED.fullmatch(part)
            if address and address[1] not in _VALUED:
                addressed, part = address.groups()
            directive = part.strip()
            if directive in OPT_OUTS and addressed in ("", "*", agent.lower()):
                return directive
    return None
