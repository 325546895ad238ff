"""Files of many formats, which people name as manifests: a list of the URLs in each format, or something else."""

import bz2
import gzip
import io
import json
import lzma
import pickle
import sqlite3
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
from pyarrow import orc

from tests.support.arrow import file_of
from tests.support.images import png

URLS = ("http://a.example/1.png", "http://a.example/2.png")
SUPPORTED = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".parquet")
GZIPPED = tuple(f"{suffix}.gz" for suffix in SUPPORTED[:-1])
UNSUPPORTED = ("", ".dat", ".xlsx", ".geojson", ".parquet.gz", ".csv.gz.gz", ".csv.zst", ".json.bz2", ".html", ".gz")


@dataclass(frozen=True)
class File:
    """`runs_as` are the extensions with which it is a manifest. `words` name it in the message of any other one, and
    `advice` is in the message too; both are empty for what only its own format can describe."""

    data: bytes
    runs_as: tuple[str, ...] = ()
    words: str = ""
    advice: str = ""


ROWS = [{"url": url, "title": f"Image {n}"} for n, url in enumerate(URLS)]
TABLES = (".csv", ".tsv")
DELIMITED = (*TABLES, ".txt")
JSON_LINES = (".jsonl", ".ndjson")


def _table(delimiter: str) -> bytes:
    lines = [delimiter.join(ROWS[0]), *(delimiter.join(row.values()) for row in ROWS)]
    return "".join(f"{line}\n" for line in lines).encode()


def _zip(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, b"content")
    return file.getvalue()


def _tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        info = tarfile.TarInfo("list.csv")
        info.size = len(CSV)
        archive.addfile(info, io.BytesIO(CSV))
    return file.getvalue()


def _sqlite() -> bytes:
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE TABLE images (url TEXT)")
        return database.serialize()


def _orc() -> bytes:
    file = io.BytesIO()
    orc.write_table(pa.table({"url": list(URLS)}), file)
    return file.getvalue()


def _arrow(new: Callable[[io.BytesIO, Any], Any]) -> bytes:
    file, table = io.BytesIO(), pa.table({"url": list(URLS)})
    with new(file, table.schema) as writer:
        writer.write_table(table)
    return file.getvalue()


CSV, TSV = _table(","), _table("\t")
JSON = json.dumps(ROWS, indent=1).encode()
JSONL = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
PARQUET = file_of({"url": list(URLS)})
HTML = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><form></form></body></html>\n"
XML = b'<?xml version="1.0" encoding="UTF-8"?>\n<!-- made by a shop -->\n'

FILES: Mapping[str, File] = {
    "csv": File(CSV, TABLES, "is CSV", "Name it 'list.csv"),
    "semicolons": File(_table(";"), TABLES, "is CSV", "Name it 'list.csv"),
    "pipes": File(_table("|"), TABLES, "is CSV", "Name it 'list.csv"),
    "tsv": File(TSV, DELIMITED, "is TSV", "Name it 'list.tsv"),
    "marked csv": File(b"\xef\xbb\xbf" + CSV, TABLES, "is CSV", "Name it 'list.csv"),
    "urls": File("\n".join(URLS).encode(), DELIMITED, "is a list of URLs", "Name it 'list.txt"),
    "url list": File(f"TsvHttpData-1.0\n{URLS[0]}\t1\n".encode(), DELIMITED, "is a URL list", "Name it 'list.tsv"),
    "json": File(JSON, (".json",), "is a JSON array", "Name it 'list.json"),
    "compact json": File(json.dumps(ROWS).encode(), (".json",), "is a JSON array", "Name it 'list.json"),
    "json of strings": File(json.dumps(URLS).encode(), (".json",), "is a JSON array", "Name it 'list.json"),
    "json lines": File(JSONL, JSON_LINES, "is JSON Lines", "Name it 'list.jsonl"),
    "strings": File(
        "".join(f'"{url}"\n' for url in URLS).encode(),
        (*JSON_LINES, *DELIMITED),
        "is JSON Lines",
        "Name it 'list.jsonl",
    ),
    "json object": File(b'{"images": [\n"http://a.example/1.png"\n]}', (), "JSON", "array"),
    "parquet": File(PARQUET, (".parquet",), "is Parquet", "Name it 'list.parquet'"),
    "encrypted parquet": File(b"PARE" + bytes(50) + b"PARE", (), "encrypted Parquet", "without encryption"),
    "gzip": File(gzip.compress(CSV, mtime=0), (".csv.gz", ".tsv.gz"), "is compressed with gzip", ""),
    "gzipped json": File(gzip.compress(JSON, mtime=0), (".json.gz",), "is compressed with gzip", ""),
    "zstandard": File(b"\x28\xb5\x2f\xfd" + bytes(60), (), "is compressed with Zstandard", "Decompress it"),
    "bzip2": File(bz2.compress(CSV * 99), (), "is compressed with bzip2", "Decompress it"),
    "xz": File(lzma.compress(CSV), (), "is compressed with xz", "Decompress it"),
    "zlib": File(zlib.compress(CSV * 99), (), "is compressed with zlib", "Decompress it"),
    "snappy": File(b"\xff\x06\x00\x00sNaPpY" + bytes(60), (), "is compressed with Snappy", "Decompress it"),
    "zip": File(_zip("list.csv"), (), "is a ZIP archive", "Extract the list"),
    "tar": File(_tar(), (), "is a tar archive", "Extract the list"),
    "xlsx": File(_zip("[Content_Types].xml", "xl/workbook.xml"), (), "is an Excel workbook (xlsx)", "save it as CSV"),
    "ods": File(
        _zip("mimetype").replace(b"mimetype", b"application/vnd.oasis.opendocument.spreadsheet", 1),
        (),
        "is an OpenDocument spreadsheet",
        "save it as CSV",
    ),
    "xls": File(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), (), "is an Excel workbook (xls)", "save it as CSV"),
    "html": File(HTML, (), "is HTML", "Upload a list"),
    "html table": File(b"\n<table><tr><td>url</td></tr></table>", (), "is HTML", "Upload a list"),
    "xml": File(XML + b"<images><image>http://a.example/1.png</image></images>", (), "is XML", "Export its rows"),
    "rss": File(XML + b'<rss version="2.0"><channel/></rss>', (), "is an RSS feed (XML)", "Export its rows"),
    "atom": File(XML + b'<feed xmlns="http://www.w3.org/2005/Atom"/>', (), "is an Atom feed (XML)", "Export its rows"),
    "sitemap": File(XML + b"<urlset><url><loc>http://a.example/</loc></url></urlset>", (), "is a sitemap", "Export"),
    "excel xml": File(
        XML + b'<?mso-application progid="Excel.Sheet"?><Workbook/>', (), "is an Excel workbook (XML)", ""
    ),
    "pdf": File(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", (), "is a PDF", "Export its rows"),
    "image": File(png(), (), "is an image", "Upload a list"),
    "jpeg": File(b"\xff\xd8\xff\xe0" + bytes(100), (), "is an image", "Upload a list"),
    "heic": File(b"\x00\x00\x00\x18ftypheic" + bytes(100), (), "is an image or a video", "Upload a list"),
    "mp3": File(b"ID3\x04\x00" + bytes(100), (), "is a video or a sound", "Upload a list"),
    "sqlite": File(_sqlite(), (), "is an SQLite database", "Export its rows"),
    "avro": File(b"Obj\x01\x04\x14avro.codec\x08null", (), "is Avro", "Export its rows"),
    "orc": File(_orc(), (), "is ORC", "Export its rows"),
    "feather": File(_arrow(pa.ipc.new_file), (), "is Arrow or Feather", "Export its rows"),
    "feather 1": File(b"FEA1" + bytes(60) + b"FEA1", (), "is Arrow or Feather", "Export its rows"),
    "arrow stream": File(_arrow(pa.ipc.new_stream), (), "is an Arrow stream", "Export its rows"),
    "pickle": File(pickle.dumps(ROWS), (), "is a pickle of Python", "Export its rows"),
    "numpy": File(b"\x93NUMPY\x01\x00v\x00{'descr': '<U22'}\n" + bytes(88), (), "is a NumPy array", "Export its rows"),
    "git lfs": File(
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", (), "is a pointer of Git LFS", "lfs pull"
    ),
    "macos": File(bytes.fromhex("00051607") + bytes(78), (), "AppleDouble", "Upload a list"),
    "utf-16": File(CSV.decode().encode("utf-16")),
    "random": File(bytes(range(255, 0, -1)) * 3),
}
"""By a name of the test."""
