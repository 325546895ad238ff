"""PrepareRun with small files that stand for a lot of data: they are rejected, in less memory than a function has."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAX_BYTES = 200 * 1000 * 1000
TIMEOUT_SECONDS = 120
MEBIBYTE = 1024 * 1024
GIBIBYTE = 1024 * MEBIBYTE


def gzipped(beginning: bytes, repeated: bytes, size: int) -> bytes:
    """A gzip file with `size` bytes after the beginning, compressed once for every 16 MiB."""
    block = repeated * (16 * MEBIBYTE // len(repeated))
    member = gzip.compress(block, 1, mtime=0)
    return gzip.compress(beginning, mtime=0) + member * (size // len(block))


def schema(elements: int) -> bytes:
    """A Parquet file whose footer is a schema of empty elements."""
    footer = b"\x15\x02\x19\xfc" + varint(elements) + bytes(elements)
    return b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def varint(number: int) -> bytes:
    content = bytearray()
    while number > 0x7F:
        content.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*content, number])


CASES = {
    "one-line.csv.gz": (lambda: gzipped(b"url\n", b"a", GIBIBYTE), "is longer than 1.1 MB"),
    "one-line.txt.gz": (lambda: gzipped(b"", b"a", GIBIBYTE), "is longer than 1.1 MB"),
    "one-line.jsonl.gz": (lambda: gzipped(b'"', b"a", GIBIBYTE), "is longer than 1.1 MB"),
    "columns.csv.gz": (lambda: gzipped(b"url", b",a", 32 * MEBIBYTE), "is longer than 1.1 MB"),
    "columns.csv": (lambda: b"url" + b"".join(b",c%d" % n for n in range(10_000_000)), "is longer than 1.1 MB"),
    "header.csv": (lambda: b"url" + b"".join(b",c%d" % n for n in range(100_000)), "longer than 10 KB"),
    "fields.csv.gz": (lambda: gzipped(b'url\n"', b'\n","', GIBIBYTE), "Line 2 of the manifest is larger than 180 KB"),
    "blank.csv.gz": (lambda: gzipped(b"url\n", b"\n", GIBIBYTE), "Remove the blank lines"),
    "blank.txt.gz": (lambda: gzipped(b"", b"\r\n", GIBIBYTE), "Remove the blank lines"),
    "blank.jsonl.gz": (lambda: gzipped(b"", b" \n", GIBIBYTE), "Remove the blank lines"),
    "errors.jsonl.gz": (lambda: gzipped(b"", b"x\n", GIBIBYTE), "are not valid JSON"),
    "numbers.jsonl.gz": (lambda: gzipped(b"", b"1\n", GIBIBYTE), "None of the first 100000 items"),
    "lists.jsonl.gz": (
        lambda: gzipped(b"", b'{"a": [' + b"[]," * 350_000 + b"[]]}\n", GIBIBYTE),
        "and at least 1 more of the manifest are larger than 180 KB",
    ),
    "lists.json": (lambda: b"[" + b"[]," * 10_000_000, "None of the first 100000 items"),
    "list.json": (lambda: b"[[" + b"[]," * 10_000_000, "Item 1 of the manifest is larger than 180 KB"),
    "deep.json": (lambda: b"[" * 100 * MEBIBYTE, "nested too deeply"),
    "members.csv.gz": (lambda: gzip.compress(b"", mtime=0) * MEBIBYTE, "almost no data"),
    "schema.parquet": (lambda: schema(4 * MEBIBYTE), "larger than 512 KB"),
    "footer.parquet": (lambda: schema(60 * MEBIBYTE), "of which Step Functions reads"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_manifest_that_cannot_be_run_is_rejected_in_bounded_memory(name: str, tmp_path: Path) -> None:
    make, sentence = CASES[name]
    path = tmp_path / name
    path.write_bytes(make())

    result = prepared(path)

    assert result["end"].startswith("InvalidManifest: "), result
    assert sentence.partition(".*")[0] in result["end"], result
    assert result["peak"] < MAX_BYTES, result


def prepared(path: Path) -> dict[str, object]:
    command = [sys.executable, "-m", "tests.support.prepare_probe", str(path)]
    environment = {**os.environ, "AWS_DEFAULT_REGION": "us-east-1", "AWS_CONFIG_FILE": os.devnull}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, timeout=TIMEOUT_SECONDS, check=True
    )
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found
