"""`X-Robots-Tag`: whether the owner of an image opts out of what it might be used for."""

OPT_OUTS = frozenset({"noai", "noimageai", "noimageindex"})
AGENT = "image-mirror"


def opted_out(header: str | None, agent: str = AGENT) -> str | None:
    """The directive that opts out, or None.

    A directive may be addressed: `googlebot: noai, noindex` speaks to googlebot until the next name.
    `requests` joins repeated headers by commas, so an address holds until another one comes.
    """
    addressed = ""
    for part in (header or "").lower().split(","):
        name, colon, rest = part.partition(":")
        if colon and name.strip() not in {
            "unavailable_after",
            "max-snippet",
            "max-image-preview",
            "max-video-preview",
        }:
            addressed, part = name.strip(), rest
        directive = part.strip()
        if directive in OPT_OUTS and (addressed in ("", "*") or addressed in agent.lower()):
            return directive
    return None
