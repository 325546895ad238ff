"""Small files of types that are not images."""

import gzip
import io
import struct
import wave
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class OtherSample:
    """`has_end`: a file that is cut can be told from a whole one."""

    name: str
    content_type: str
    data: bytes
    has_end: bool = True


def archive(files: Mapping[str, bytes], comment: bytes = b"") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as written:
        for name, content in files.items():
            written.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)
        written.comment = comment
    return file.getvalue()


def office(part: str) -> bytes:
    return archive({"[Content_Types].xml": b"<Types/>", "_rels/.rels": b"<Relationships/>", part: b"<document/>"})


def box(name: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(content), name) + content


def iso_video(brand: bytes) -> bytes:
    return box(b"ftyp", brand + bytes(4) + brand) + box(b"mdat", b"m" * 100) + box(b"moov", box(b"mvhd", bytes(100)))


def matroska(document: bytes, *, has_length: bool = True) -> bytes:
    content = b"\x42\x82" + bytes([0x80 | len(document)]) + document
    length = bytes([0x80 | 100]) if has_length else b"\x01" + b"\xff" * 7
    return b"\x1aE\xdf\xa3" + bytes([0x80 | len(content)]) + content + b"\x18S\x80g" + length + b"s" * 100


def sound() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(8000)
        written.writeframes(bytes(200))
    return file.getvalue()


def seven_zip() -> bytes:
    return b"7z\xbc\xaf'\x1c\x00\x04" + bytes(4) + struct.pack("<QQI", 100, 20, 0) + b"c" * 120


_OFFICE = "application/vnd.openxmlformats-officedocument"

OTHER_SAMPLES = (
    OtherSample("pdf", "application/pdf", b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\nstartxref\n9\n%%EOF\n"),
    OtherSample("mov", "video/quicktime", iso_video(b"qt  ")),
    OtherSample("m4a", "audio/mp4", iso_video(b"M4A ")),
    OtherSample("mp4", "video/mp4", iso_video(b"isom")),
    OtherSample("webm", "video/webm", matroska(b"webm")),
    OtherSample("mkv", "video/x-matroska", matroska(b"matroska")),
    OtherSample("avi", "video/x-msvideo", b"RIFF" + struct.pack("<I", 104) + b"AVI " + bytes(100)),
    OtherSample("wav", "audio/wav", sound()),
    OtherSample("mp3", "audio/mpeg", b"ID3\x04" + bytes(100), has_end=False),
    OtherSample("flac", "audio/flac", b"fLaC" + bytes(100), has_end=False),
    OtherSample("ogg", "application/ogg", b"OggS" + bytes(100), has_end=False),
    OtherSample("epub", "application/epub+zip", archive({"mimetype": b"application/epub+zip", "a": b"b"})),
    OtherSample("docx", f"{_OFFICE}.wordprocessingml.document", office("word/document.xml")),
    OtherSample("xlsx", f"{_OFFICE}.spreadsheetml.sheet", office("xl/workbook.xml")),
    OtherSample("pptx", f"{_OFFICE}.presentationml.presentation", office("ppt/presentation.xml")),
    OtherSample("zip", "application/zip", archive({"a.txt": b"a"}, comment=b"a comment")),
    OtherSample("7z", "application/x-7z-compressed", seven_zip()),
    OtherSample("gz", "application/gzip", gzip.compress(b"text" * 100, mtime=0), has_end=False),
    OtherSample("glb", "model/gltf-binary", b"glTF" + struct.pack("<II", 2, 112) + bytes(100)),
    OtherSample("html", "text/html", b"<!DOCTYPE html><title>Please log in</title>", has_end=False),
    OtherSample("xml", "application/xml", b'<?xml version="1.0"?><catalog/>', has_end=False),
    OtherSample("json", "application/json", b'{"a": 1}', has_end=False),
)
