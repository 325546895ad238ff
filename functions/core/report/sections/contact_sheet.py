"""The contact sheet: images of the run, from the files of a local run."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from functions.core.model.types import RunSummary
from functions.core.report.charts import Rectangle, outline
from functions.core.report.formatting import number, size
from functions.core.report.links import IMAGES
from functions.core.report.samples import ImageSample, ImageSamples

MAX_LINK_CHARACTERS = 20_000
"""Maximum length of all links together. It limits the number of images only if their keys are very long."""

TIMES = "\N{MULTIPLICATION SIGN}"

NO_BREAK = "\N{NO-BREAK SPACE}"

MAX_PATH = 28
"""Characters of a path that a tile shows: its end, which has the name of the file as a rule."""

SHOWN_TYPES = frozenset({"jpeg", "png", "gif", "webp", "avif", "bmp", "x-icon", "svg+xml"})
"""Types that browsers show. The others have a frame of their proportions."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A stored image. `path` is the end of the path of its URL, `facts` are lines of text. `link` is relative to the
    page: it works in the folder of a local run."""

    row: int
    host: str
    path: str
    facts: Sequence[str]
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
    name = image_type.removeprefix("x-").partition("+")[0]
    host, _, path = image["url"].partition("://")[2].partition("/")
    dimensions = f"{number(width)} {TIMES} {number(height)}" if width and height else ""
    bytes_text = size(image["bytes"]).replace(" ", NO_BREAK)
    return Tile(
        row=image["row"],
        host=host,
        path=f"/{path}" if len(path) < MAX_PATH else f"…{path[1 - MAX_PATH :]}",
        facts=[*filter(None, [dimensions]), ", ".join(filter(None, (name, bytes_text)))],
        type=name,
        link=f"{IMAGES}{quote(image['object_key'].removeprefix(prefix), errors='replace')}",
        shown=image_type in SHOWN_TYPES,
        outline=outline(width or 1, height or 1),
    )
