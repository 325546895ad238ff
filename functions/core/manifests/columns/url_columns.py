"""The URL column of a manifest in which it is not called url: by known names of exports, and by its values."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from functions.core.model.errors import InvalidManifest
from functions.core.model.rows import RowRules, classify_columns, comparable
from functions.core.model.urls import has_several_urls, urls_in

EXPORTS: Mapping[str, tuple[str, ...]] = {
    "Shopify": ("Image Src",),
    "Google Merchant, Facebook, Pinterest": ("image_link",),
    "Hugging Face, img2dataset": ("img_url", "img_src"),
    "Unsplash": ("photo_image_url",),
    "Magento": ("base_image",),
    "Etsy": ("IMAGE1",),
    "eBay": ("PicURL", "Item photo URL"),
    "Amazon": ("main_image_url", "imUrl"),
    "Squarespace": ("Hosted Image URLs",),
    "Wix, BigCommerce": ("productImageUrl", "Product Image URL - 1"),
    "Open Images": ("OriginalURL",),
    "Metropolitan Museum of Art": ("primaryImage",),
    "Cleveland Museum of Art": ("image_web",),
    "Flickr": ("url_o",),
    "COCO": ("coco_url",),
    "Airbnb": ("picture_url",),
    "Pixabay": ("largeImageURL",),
    "Book-Crossing": ("Image-URL-L",),
    "Audubon Core": ("accessURI",),
    "PrestaShop": ("Image URLs (x,y,z...)",),
}
"""Names of the column in the exports of these programs and data sets. They are taken whatever the values are."""

AMBIGUOUS = (
    *(
        "image",
        "images",
        "image_urls",
        "img",
        "photo",
        "photos",
        "picture",
        "pictures",
        "pic",
        "src",
        "poster",
        "attachments",
    ),
    *("main_image", "featured_image", "product_image", "cover_image", "photo_url", "file_url", "download_url"),
    *("display_url", "media_url", "identifier"),  # identifier: GBIF and Darwin Core
)
"""Names that are taken if nearly all values are URLs: elsewhere they are names of files, or identifiers."""

KNOWN_NAMES = frozenset(comparable(name) for names in EXPORTS.values() for name in names)
_AMBIGUOUS_NAMES = frozenset(map(comparable, AMBIGUOUS))

MAX_SAMPLE_ROWS = 500
"""Number of rows at the beginning of a manifest whose values are looked at."""

NEARLY_ALL = 0.9
"""Share of the values of a column that have to be URLs."""

MANY = 0.1
"""Share of the values with several URLs from which the manifest is rejected. Below it, these rows fail."""

MAX_LISTED_COLUMNS = 10
MAX_SHOWN_CHARACTERS = 100
_SCHEMES = ("http://", "https://", "//")


def may_be_header(names: Sequence[str], rules: RowRules) -> bool:
    """True if a name is that of the URL column, and no value is a URL."""
    if any(is_url(name) for name in names):
        return False
    if classify_columns(tuple(names), rules).urls:
        return True
    return not rules.url_column and len(names) > 1 and any(comparable(name) in KNOWN_NAMES for name in names)


def is_url(value: object) -> bool:
    """True for text that begins with an absolute http or https URL, or for several of them."""
    if isinstance(value, list):
        return bool(value) and all(map(is_url, value))
    return isinstance(value, str) and urls_in(value)[0].lstrip("\ufeff ").lower().startswith(_SCHEMES)


@dataclass(slots=True)
class UrlSample:
    """The values of the first rows, by column."""

    rows: int = 0
    _filled: Counter[str] = field(default_factory=Counter)
    _urls: Counter[str] = field(default_factory=Counter)
    _several: Counter[str] = field(default_factory=Counter)

    def add(self, item: Mapping[str, object]) -> None:
        self.rows += 1
        for name, value in item.items():
            if value not in ("", None):
                self._filled[name] += 1
                self._urls[name] += is_url(value)
                self._several[name] += isinstance(value, list) or (isinstance(value, str) and has_several_urls(value))

    def names(self) -> list[str]:
        """The columns that have values."""
        return list(self._filled)

    def columns(self) -> list[str]:
        """The columns of which nearly all values are URLs."""
        return [name for name, filled in self._filled.items() if self._urls[name] >= NEARLY_ALL * filled]

    def has_several(self, name: str) -> bool:
        """True if many values of the column are several URLs."""
        return self._several[name] > MANY * self._filled[name]


def possible_url_columns(names: Iterable[str], rules: RowRules) -> tuple[str, ...]:
    """The columns of which `resolve` may take one as that of the URLs: one alone, unless their values decide it."""
    known = tuple(names)
    urls = classify_columns(known, rules).urls
    if urls or rules.url_column:
        return urls[:1]
    return tuple(name for name in known if comparable(name) in KNOWN_NAMES | _AMBIGUOUS_NAMES)


def resolve(names: Iterable[str], rules: RowRules, sample: UrlSample, where: str = "its first line has") -> RowRules:
    """The rules with the name of the URL column, if it has another one than `url`. Raises InvalidManifest."""
    known = tuple(names)
    columns = classify_columns(known, rules)
    if columns.conflicting is not None:
        raise InvalidManifest(
            f"Both '{columns.urls[0]}' and '{columns.conflicting}' could be the URL column. Name one of them 'url', "
            f"or give the option {_option(columns.urls[0])}."
        )
    if columns.urls:
        return replace(rules, url_column=columns.urls[0]) if rules.url_column else rules
    if rules.url_column:
        raise InvalidManifest(
            f"The manifest has no column '{rules.url_column}', which the option url_column names: "
            f"{where} {_listed(known)}.{_proposal(sample, ' Give the option {}.')}"
        )
    with_urls = sample.columns()
    candidates = [name for name in known if comparable(name) in KNOWN_NAMES] or [
        name for name in known if comparable(name) in _AMBIGUOUS_NAMES and name in with_urls
    ]
    if not candidates:
        proposal = _proposal(sample, ", or give the option {}") or ", or give its name with the option url_column"
        raise InvalidManifest(
            f"The manifest has no url column: {where} {_listed(known)}. Name the column of the URLs 'url'{proposal}."
        )
    if len(candidates) > 1:
        choices = " or ".join(map(_option, candidates))
        raise InvalidManifest(
            f"The columns {_listed(candidates)} could all be the URL column. Give the option {choices}."
        )
    return replace(rules, url_column=candidates[0])


def reject_several_urls(names: Iterable[str], rules: RowRules, sample: UrlSample) -> None:
    """Raises InvalidManifest if many values of the URL column have several URLs that the run does not split."""
    for name in classify_columns(tuple(names), rules).urls[:1]:
        if rules.split_urls or not sample.has_several(name):
            continue
        raise InvalidManifest(
            f"The column '{name}' has several URLs in one value. With the option split_urls=true, each of them becomes "
            "a row of its own."
        )


def _proposal(sample: UrlSample, sentence: str) -> str:
    columns = sample.columns()[:MAX_LISTED_COLUMNS]
    if not columns:
        return ""
    split = " and split_urls=true" if any(map(sample.has_several, columns)) else ""
    noun = "values" if len(columns) == 1 else "values of each"
    return sentence.format(f"{' or '.join(map(_option, columns))}{split} (nearly all {noun} are URLs)")


def _option(name: str) -> str:
    shown = name[:MAX_SHOWN_CHARACTERS]
    return f"url_column={shown!r}" if " " in shown else f"url_column={shown}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(name[:MAX_SHOWN_CHARACTERS] for name in names[:MAX_LISTED_COLUMNS])
