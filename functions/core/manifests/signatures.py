"""What a file is, told by its first bytes: for a manifest whose name says something else."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from functions.core.manifests.detection import HEAD_BYTES
from functions.core.manifests.json_rows import parse_json

Matches = Callable[[bytes], bool]


@dataclass(frozen=True, slots=True)
class Content:
    """A row of the tables. `name` follows "The manifest is". `extension` is the right one, if there is one; otherwise
    `fix` says what to do."""

    name: str
    matches: Matches
    extension: str = ""
    fix: str = ""


def _starts_with(*signatures: bytes) -> Matches:
    return lambda head: head.startswith(signatures)


def _binary(*signatures: bytes, at: int = 0) -> Matches:
    """For signatures that a text could have there: the beginning of the file has a control character too."""
    return lambda head: head.startswith(signatures, at) and bool(_CONTROL.search(head[:512]))


def _zip_with(*names: bytes) -> Matches:
    """A ZIP archive with one of the names of files, or parts of them, in its first bytes."""
    return lambda head: head.startswith(b"PK\x03\x04") and any(name in head for name in names)


def _pattern(pattern: bytes) -> Matches:
    compiled = re.compile(_TEXT_BEGINNING + pattern, re.IGNORECASE | re.DOTALL)
    return lambda head: bool(compiled.match(head))


def _is_json_lines(head: bytes) -> bool:
    """True if the first line is a string, or if it is an object or an array and another one follows."""
    first, _, rest = head.removeprefix(_BOM).lstrip().partition(b"\n")
    if not first.startswith(_JSON_STARTS):
        return False
    try:
        value = parse_json(first.decode())
    except (ValueError, RecursionError):
        return False
    return isinstance(value, str) or rest.lstrip().startswith(_JSON_STARTS[1:])


def _is_text(head: bytes) -> bool:
    try:
        head.decode()
    except UnicodeDecodeError as error:
        if len(head) < HEAD_BYTES or error.start < len(head) - 3:  # the last character may be incomplete
            return False
    return bool(head.strip()) and not _CONTROL.search(head)


_JSON_STARTS = (b'"', b"{", b"[")
_BOM = b"\xef\xbb\xbf"
_TEXT_BEGINNING = rb"(\xef\xbb\xbf)?\s*"
_XML = rb"(<\?xml[^>]*>\s*)?(?>(<!--.*?-->\s*)*)"
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a]")
_SPREADSHEET = "In the program that made it, save it as CSV in UTF-8."
_EXTRACT = "Extract the list from it, and upload that alone."
_COMPRESS = "Decompress it; a list of text may be compressed with gzip."
_EXPORT = "Export its rows as CSV, JSON Lines or Parquet."
_LIST = "Upload a list of the URLs of images."

BINARY = (
    Content("Parquet", _starts_with(b"PAR1"), ".parquet"),
    Content("encrypted Parquet", _starts_with(b"PARE"), fix="Write it without encryption."),
    Content("compressed with gzip", _starts_with(b"\x1f\x8b"), ".gz"),
    Content("compressed with Zstandard", _starts_with(b"\x28\xb5\x2f\xfd"), fix=_COMPRESS),
    Content("compressed with bzip2", _binary(b"BZh"), fix=_COMPRESS),
    Content("compressed with xz", _starts_with(b"\xfd7zXZ\x00"), fix=_COMPRESS),
    Content("compressed with LZ4", _starts_with(b"\x04\x22\x4d\x18"), fix=_COMPRESS),
    Content("compressed with Snappy", _starts_with(b"\xff\x06\x00\x00sNaPpY"), fix=_COMPRESS),
    Content("compressed with zlib", _binary(b"x\x01", b"x\x9c", b"x\xda"), fix=_COMPRESS),
    Content("compressed with compress", _starts_with(b"\x1f\x9d"), fix=_COMPRESS),
    Content("a 7-Zip archive", _starts_with(b"7z\xbc\xaf\x27\x1c"), fix=_EXTRACT),
    Content("a RAR archive", _starts_with(b"Rar!\x1a\x07"), fix=_EXTRACT),
    Content("a tar archive", _binary(b"ustar", at=257), fix=_EXTRACT),
    Content("an Excel workbook (xlsx)", _zip_with(b"xl/"), fix=_SPREADSHEET),
    Content("an OpenDocument spreadsheet (ods)", _zip_with(b"opendocument.spreadsheet"), fix=_SPREADSHEET),
    Content("a Numbers spreadsheet", _zip_with(b".iwa"), fix=_SPREADSHEET),
    Content("an Office document", _zip_with(b"[Content_Types].xml", b"opendocument"), fix=_SPREADSHEET),
    Content("a NumPy archive (npz)", _zip_with(b".npy"), fix=_EXPORT),
    Content("a ZIP archive", _starts_with(b"PK\x03\x04", b"PK\x05\x06"), fix=_EXTRACT),
    Content(
        "an Excel workbook (xls) or another Office document",
        _starts_with(
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\t\x00\x04\x00", b"\t\x02\x06\x00", b"\t\x04\x06\x00", b"\t\x08"
        ),
        fix=_SPREADSHEET,
    ),
    Content("a PDF", _pattern(rb"%PDF-"), fix=_EXPORT),
    Content("an RTF document", _pattern(rb"\{\\rtf"), fix=_EXPORT),
    Content("an SQLite database", _starts_with(b"SQLite format 3\x00"), fix=_EXPORT),
    Content("a DuckDB database", _binary(b"DUCK", at=8), fix=_EXPORT),
    Content("an Access database", _starts_with(b"\x00\x01\x00\x00Standard "), fix=_EXPORT),
    Content("Avro", _binary(b"Obj\x01"), fix=_EXPORT),
    Content("ORC", _binary(b"ORC"), fix=_EXPORT),
    Content("Arrow or Feather", _binary(b"ARROW1", b"FEA1"), fix=_EXPORT),
    Content("an Arrow stream", _starts_with(b"\xff\xff\xff\xff"), fix=_EXPORT),
    Content("a pickle of Python", _starts_with(*(b"\x80%c" % version for version in range(2, 6))), fix=_EXPORT),
    Content("a NumPy array", _starts_with(b"\x93NUMPY"), fix=_EXPORT),
    Content("HDF5", _starts_with(b"\x89HDF\r\n\x1a\n"), fix=_EXPORT),
    *(
        Content("an image", matches, fix=_LIST)
        for matches in (
            _starts_with(b"\xff\xd8\xff", b"\x89PNG\r\n", b"II*\x00", b"MM\x00*", b"\x00\x00\x01\x00"),
            _starts_with(b"\x00\x00\x00\x0cjP  ", b"\x00\x00\x00\x0cJXL ", b"\xff\x0a", b"\xff\x4f\xff\x51"),
            _binary(b"GIF87a", b"GIF89a", b"BM", b"8BPS"),
            _binary(b"WEBP", at=8),
        )
    ),
    Content("an image or a video", _binary(b"ftyp", at=4), fix=_LIST),
    Content("a video or a sound", _binary(b"\x1aE\xdf\xa3", b"ID3", b"OggS", b"RIFF", b"fLaC"), fix=_LIST),
    Content("a property list of Apple", _starts_with(b"bplist0"), fix=_EXPORT),
    Content("a file of macOS about another file (AppleDouble)", _starts_with(b"\x00\x05\x16\x07"), fix=_LIST),
    Content("a program", _binary(b"MZ", b"\x7fELF"), fix=_LIST),
)
"""Contents that are not text. The first match applies."""

MARKUP = (
    Content("a pointer of Git LFS", _pattern(rb"version https://git-lfs\."), fix="Upload what `git lfs pull` brings."),
    Content("HTML", _pattern(_XML + rb"<(!doctype\s+html|html|head|body|script|meta|title|table)\b"), fix=_LIST),
    Content("a sitemap (XML)", _pattern(_XML + rb"<(\w+:)?(urlset|sitemapindex)\b"), fix=_EXPORT),
    Content("an RSS feed (XML)", _pattern(_XML + rb"<(rss|rdf:RDF)\b"), fix=_EXPORT),
    Content("an Atom feed (XML)", _pattern(_XML + rb"<feed\b"), fix=_EXPORT),
    Content("an Excel workbook (XML)", _pattern(_XML + rb"(<\?mso-[^>]*>\s*)?<(\w+:)?Workbook\b"), fix=_SPREADSHEET),
    Content("XML", _pattern(_XML + rb"<(\?xml\b|!DOCTYPE\s|[a-z][\w:.-]*(\s[^<>]*)?>)"), fix=_EXPORT),
)
"""Texts that are no list of any format."""

_AS_ROWS = "Write its rows as an array, and name it .json, or as an object on each line, and name it .jsonl."

OBJECT_ON_LINES = Content("a JSON object on several lines", _pattern(rb"\{([^\n]*[\[{,])?[ \t\r]*\n"), fix=_AS_ROWS)

JSON = (
    Content("JSON Lines", _is_json_lines, ".jsonl"),
    Content("a JSON array", _pattern(rb"\[\s*(\[|\{|\"|\]|-?\d|true|false|null)"), ".json"),
    OBJECT_ON_LINES,
    Content("a JSON object", _pattern(rb"\{\s*[\"}]"), fix=_AS_ROWS),
)

ANY_TEXT = Content("text", _is_text, fix="Name a list of URLs .txt, and a table with a header .csv.")

TEXT = (
    Content("text in UTF-16", _starts_with(b"\xff\xfe", b"\xfe\xff"), fix="Save it as UTF-8, and name it .csv."),
    ANY_TEXT,
)
"""Any other text."""


def identify(head: bytes, contents: tuple[Content, ...]) -> Content | None:
    """The content of a file that begins with `head`."""
    return next((content for content in contents if content.matches(head)), None)
