"""Time and memory of validating manifests of 10,000 and of 1,000,000 rows, and of larger ones by ranges.

`python -m bench.measures.manifest_validation`
`python -m bench.measures.manifest_validation --ranges 10000000`

By ranges, `range s` is the time of the slowest one of up to 256 MB; `join s` that of the last step, which adds up all
of them, and reads one of them again if there is an error in it. In `error.csv`, the last row has one: a byte that is
not UTF-8. `hosts.txt` has 300,000 hosts, and `lines.csv` values of several lines.

Each validation is a process of its own, pinned to one core if the system supports it. Memory is the increase of its
peak during the validation. The manifests are written to a temporary folder first.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

from bench.contenders.job import peak_mb
from functions.core.manifests.ranges.check import RangeCheck
from functions.core.manifests.validation import MAX_WHOLE_CHECK_BYTES, range_format, validate_manifest
from functions.core.model.errors import InvalidManifest
from functions.core.model.ports import CheckFiles
from functions.core.model.rows import DEFAULT_RULES
from functions.core.model.runs import ManifestObject
from local.manifest_files import ManifestFiles

T = TypeVar("T")

SIZES = (10_000, 1_000_000)
ROW_MAKERS = {
    "rows.csv": lambda row: (
        f"https://images.example.org/{row % 100:02d}/{row:07d}.jpg,Title of {row},Album {row % 50}\n"
    ),
    "quoted.csv": lambda row: f'"https://images.example.org/{row:07d}.jpg","Title, ""{row}""","Album"\n',
    "rows.tsv": lambda row: f"https://images.example.org/{row:07d}.jpg\tTitle of {row}\tAlbum {row % 50}\n",
    "rows.txt": lambda row: f"https://images.example.org/{row % 100:02d}/{row:07d}.jpg\n",
    "rows.jsonl": lambda row: f'{{"url": "https://images.example.org/{row:07d}.jpg", "title": "Title of {row}"}}\n',
    "rows.json": lambda row: f'{"[,"[row > 0]}{{"url": "https://images.example.org/{row:07d}.jpg", "id": {row}}}\n',
}
LARGE_ROW_MAKERS = {
    **{name: maker for name, maker in ROW_MAKERS.items() if name != "rows.json"},
    "lines.csv": lambda row: f'https://images.example.org/{row:07d}.jpg,"Title\nof {row}\n\n<p class=""x"">"\n',
    "hosts.txt": lambda row: f"https://images-{row % 300_000}.example.org/{row:07d}.jpg\n",
    "error.csv": ROW_MAKERS["rows.csv"],
}
HEADERS = {
    "lines.csv": "url,title\n",
    "error.csv": "url,title,album\n",
    "rows.csv": "url,title,album\n",
    "quoted.csv": "url,title,album\n",
    "rows.tsv": "url\ttitle\talbum\n",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranges", type=int, metavar="ROWS", help="validate manifests of so many rows by ranges")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        (_measure_ranges if arguments.ranges else _measure)(arguments.one)
    elif arguments.ranges:
        _validate_by_ranges(arguments.ranges)
    else:
        _validate()


def _validate() -> None:
    print(f"{'manifest':12}{'rows':>11}{'MB':>7}{'seconds':>9}{'peak MB':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for name in ROW_MAKERS:
            for size in SIZES:
                path = Path(folder, name)
                megabytes = _write_manifest(path, size) / 1e6
                result = _in_a_process("--one", str(path))
                assert result["rows"] == size, result
                print(f"{name:12}{size:11,}{megabytes:7.0f}{result['seconds']:9.2f}{result['megabytes']:9.1f}")


def _validate_by_ranges(rows: int) -> None:
    print(f"{'manifest':12}{'MB':>7}{'ranges':>8}{'plan s':>8}{'range s':>9}{'join s':>8}{'peak MB':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for name in LARGE_ROW_MAKERS:
            path = Path(folder, name)
            megabytes = _write_manifest(path, rows) / 1e6
            if name == "error.csv":
                with path.open("ab") as file:
                    file.write(b"\xff\n")
            result = _in_a_process("--ranges", str(rows), "--one", str(path))
            assert result["rows"] in (rows, None), result
            times = f"{result['plan']:8.2f}{result['range']:9.2f}{result['join']:8.2f}"
            print(f"{name:12}{megabytes:7.0f}{result['ranges']:8}{times}{result['megabytes']:9.1f}")
            path.unlink()


def _in_a_process(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", __spec__.name, *arguments]
    result: dict[str, Any] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return result


def _write_manifest(path: Path, rows: int) -> int:
    with path.open("w") as file:
        file.write(HEADERS.get(path.name, ""))
        file.writelines(map((ROW_MAKERS | LARGE_ROW_MAKERS)[path.name], range(rows)))
        file.write("]\n" * path.name.endswith(".json"))
    return path.stat().st_size


def _measure(path: Path) -> None:
    _use_one_core()
    before = peak_mb()
    started = time.process_time()
    validated = validate_manifest(
        ManifestFiles(), ManifestObject(str(path.parent), path.name, size=path.stat().st_size)
    )
    seconds = time.process_time() - started
    print(json.dumps({"rows": validated.contents.rows, "seconds": seconds, "megabytes": peak_mb() - before}))


class _Files:
    """The files of a run, in memory as JSON lines."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def write(self, name: str, lines: Iterable[object]) -> None:
        self._texts[name] = "".join(json.dumps(line) + "\n" for line in lines)

    def read_lines(self, name: str) -> list[object]:
        return list(map(json.loads, self._texts[name].splitlines()))


def _measure_ranges(path: Path) -> None:
    _use_one_core()
    before, files = peak_mb(), cast(CheckFiles, _Files())
    manifest = ManifestObject(str(path.parent), path.name, size=path.stat().st_size)

    def timed(step: Callable[[RangeCheck], T]) -> tuple[float, T]:
        """With the detection of the format, which is part of each step."""
        started = time.process_time()
        form = range_format(ManifestFiles(), manifest)
        assert form is not None
        found = step(RangeCheck(ManifestFiles(), manifest, files, form, DEFAULT_RULES))
        return time.process_time() - started, found

    plan, ranges = timed(lambda check: check.plan(MAX_WHOLE_CHECK_BYTES))
    assert isinstance(ranges, list), ranges
    slowest = max(timed(partial(_checked, number))[0] for number in ranges)
    join, rows = timed(_joined)
    result = {"ranges": len(ranges), "plan": plan, "range": slowest, "join": join, "rows": rows}
    print(json.dumps(result | {"megabytes": peak_mb() - before}))


def _checked(number: int, check: RangeCheck) -> None:
    check.check(number)


def _joined(check: RangeCheck) -> int | None:
    """The number of rows, or None for an invalid manifest."""
    try:
        return check.join().rows
    except InvalidManifest:
        return None


def _use_one_core() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


if __name__ == "__main__":
    main()
