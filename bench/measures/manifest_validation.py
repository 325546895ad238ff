"""Time and memory of validating manifests of 10,000 and of 1,000,000 rows.

`python -m bench.measures.manifest_validation`

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
from pathlib import Path

from bench.contenders.job import peak_mb
from functions.core.manifests.validation import validate_manifest
from functions.core.model.runs import ManifestObject
from local.manifest_files import ManifestFiles

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
HEADERS = {"rows.csv": "url,title,album\n", "quoted.csv": "url,title,album\n", "rows.tsv": "url\ttitle\talbum\n"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        _measure(arguments.one)
        return
    print(f"{'manifest':12}{'rows':>11}{'MB':>7}{'seconds':>9}{'peak MB':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for name in ROW_MAKERS:
            for size in SIZES:
                path = Path(folder, name)
                megabytes = _write_manifest(path, size) / 1e6
                command = [sys.executable, "-m", __spec__.name, "--one", str(path)]
                result = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
                assert result["rows"] == size, result
                print(f"{name:12}{size:11,}{megabytes:7.0f}{result['seconds']:9.2f}{result['megabytes']:9.1f}")


def _write_manifest(path: Path, rows: int) -> int:
    with path.open("w") as file:
        file.write(HEADERS.get(path.name, ""))
        file.writelines(map(ROW_MAKERS[path.name], range(rows)))
        file.write("]\n" * path.name.endswith(".json"))
    return path.stat().st_size


def _measure(path: Path) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    before = peak_mb()
    started = time.process_time()
    validated = validate_manifest(
        ManifestFiles(), ManifestObject(str(path.parent), path.name, size=path.stat().st_size)
    )
    seconds = time.process_time() - started
    print(json.dumps({"rows": validated.contents.rows, "seconds": seconds, "megabytes": peak_mb() - before}))


if __name__ == "__main__":
    main()
