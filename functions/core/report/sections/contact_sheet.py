"""The contact sheet: images of the run, from the files of a local run."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from functions.core.model.types import RunSummary
from functions.core.report.charts import Rectangle, outline
from functions.core.report.formatting import size
from functions.core.report.links import IMAGES
from functions.core.report.samples import ImageSample, ImageSamples

MAX_LINK_CHARACTERS = 20_000
"""Maximum length of all links together. It limits the number of images only if their keys are very long."""

NO_BREAK = "\N{NO-BREAK SPACE}"

SHOWN_TYPES = frozenset({"jpeg", "png", "gif", "webp", "avif", "bmp", "x-icon", "svg+xml"})
"""Types that browsers show. The others have a frame of their proportions."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A stored image. `link` is relative to the page: it works in the folder of a local run."""

    row: int
    url: str
    facts: str
    type: str
    link: str
    shown: bool
    outline: Rectangle


@dataclass(frozen=True, slots=True)
class ContactSheet:
    """`in_shards` is the number of images that are in shards, of which there is no file."""

    tiles: Sequence[Tile]
    stored: int
    in_shards: int


def contact_sheet(summary: RunSummary, images: ImageSamples, prefix: str, *, local: bool) -> ContactSheet | None:
    """None if no image was stored; without images if their files are not on this machine."""
    if not summary["stored"]:
        return None
    tiles: list[Tile] = []
    characters = 0
    for image in images.chosen() if local else ():
        tile = _tile(image, prefix)
        characters += len(tile.link)
        if characters > MAX_LINK_CHARACTERS:
            break
        tiles.append(tile)
    return ContactSheet(tiles, summary["stored"], images.in_shards)


def _tile(image: ImageSample, prefix: str) -> Tile:
    width, height = image["width"], image["height"]
    image_type = image["content_type"].rpartition("/")[2]
    facts = [f"{width} x {height}" if width and height else "", image_type, size(image["bytes"])]
    return Tile(
        row=image["row"],
        url=image["url"],
        facts=" · ".join(fact.replace(" ", NO_BREAK) for fact in facts if fact),
        type=image_type,
        link=f"{IMAGES}{quote(image['object_key'].removeprefix(prefix), errors='replace')}",
        shown=image_type in SHOWN_TYPES,
        outline=outline(width or 1, height or 1),
    )
