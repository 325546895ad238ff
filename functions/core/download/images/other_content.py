"""What a body is that is not a supported image, by its first bytes: for the message of the row."""

import re

from functions.core.download.images.other_types import is_html, is_json, is_xml
from functions.core.download.images.raw_photos import raw_photo
from functions.core.download.images.signatures import Matches, brand, has_at, riff, starts_with

HEAD_BYTES = 512
"""Number of bytes that identify what is in the tables."""

_BOM = b"\xef\xbb\xbf"
_CSV = re.compile(rb"[\w \"'-]+([,;\t][\w \"'-]*){2,}\r?\n")
_NETPBM = re.compile(rb"P[1-7]\s")

_IMAGE_FORMATS: tuple[tuple[str, Matches], ...] = (
    ("PSD", starts_with(b"8BPS")),
    ("CR3", brand(b"crx ")),
    ("RAF", starts_with(b"FUJIFILMCCD-RAW")),
    ("ORF", starts_with(b"IIRO", b"IIRS", b"MMOR")),
    ("RW2", starts_with(b"IIU\x00")),
    ("JPEG XR", starts_with(b"II\xbc")),
    ("OpenEXR", starts_with(b"v/1\x01")),
    ("Radiance HDR", starts_with(b"#?RADIANCE", b"#?RGBE")),
    ("DDS", starts_with(b"DDS ")),
    ("XCF", starts_with(b"gimp xcf ")),
    ("QOI", starts_with(b"qoif")),
    ("ICNS", starts_with(b"icns")),
    ("a Windows cursor", starts_with(b"\x00\x00\x02\x00")),
    ("Netpbm", lambda head: bool(_NETPBM.match(head))),
    ("FITS", starts_with(b"SIMPLE  =")),
    ("DICOM", has_at(128, b"DICM")),
    ("DjVu", starts_with(b"AT&TFORM")),
    ("EPS or PostScript", starts_with(b"%!PS", b"\xc5\xd0\xd3\xc6")),
    ("EMF", has_at(40, b" EMF")),
    ("WMF", starts_with(b"\xd7\xcd\xc6\x9a")),
    ("BPG", starts_with(b"BPG\xfb")),
)
"""Images of formats that are not supported."""

_OTHER_CONTENT: tuple[tuple[str, Matches], ...] = (
    ("HTML", is_html),
    ("XML", is_xml),
    ("JSON", is_json),
    ("a PDF", starts_with(b"%PDF-")),
    ("an MP4 or MOV video", has_at(4, b"ftyp", b"moov", b"mdat", b"wide")),
    ("a WebM or Matroska video", starts_with(b"\x1aE\xdf\xa3")),
    ("an AVI video", riff(b"AVI ")),
    ("an FLV video", starts_with(b"FLV\x01")),
    ("an MPEG video", starts_with(b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3")),
    ("a Windows Media file", starts_with(b"0&\xb2u\x8ef\xcf\x11")),
    ("Ogg audio or video", starts_with(b"OggS")),
    ("MP3 audio", starts_with(b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")),
    ("WAV audio", riff(b"WAVE")),
    ("FLAC audio", starts_with(b"fLaC")),
    ("an HLS playlist", starts_with(b"#EXTM3U")),
    ("a ZIP archive", starts_with(b"PK\x03\x04", b"PK\x05\x06")),
    ("a RAR archive", starts_with(b"Rar!\x1a\x07")),
    ("a 7z archive", starts_with(b"7z\xbc\xaf'\x1c")),
    ("a tar archive", has_at(257, b"ustar")),
    ("gzip data", starts_with(b"\x1f\x8b")),
    ("bzip2 data", starts_with(b"BZh")),
    ("xz data", starts_with(b"\xfd7zXZ\x00")),
    ("Zstandard data", starts_with(b"(\xb5/\xfd")),
    ("an Office document", starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")),
    ("RTF", starts_with(b"{\\rtf")),
    ("a program", starts_with(b"MZ", b"\x7fELF")),
    ("a font", starts_with(b"wOFF", b"wOF2", b"OTTO", b"\x00\x01\x00\x00\x00")),
    ("a Git LFS pointer", starts_with(b"version https://git-lfs.github.com/spec/")),
    ("CSV", lambda head: bool(_CSV.match(head.removeprefix(_BOM)))),
)


def describe_unsupported(head: bytes) -> str:
    """A sentence about a body that is not a supported image, with its format where its first bytes identify it."""
    head = head[:HEAD_BYTES]
    name = raw_photo(head) or next((name for name, matches in _IMAGE_FORMATS if matches(head)), None)
    if name:
        return f"The response body is {name}, an image format that is not supported (Content-Type is ignored)."
    name = next((name for name, matches in _OTHER_CONTENT if matches(head)), None)
    if name:
        return f"The response body is {name}, not an image (Content-Type is ignored)."
    return "The response body is not an image (Content-Type is ignored)."
