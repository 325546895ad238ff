"""A manifest of many rows with tiny images through `make run`.

`python -m bench.measures.rows [--rows 100000] [--out FOLDER]`

Prints the duration, and whether the outcomes add up to the rows. The images are served on loopback by another process.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.rig.origin import origin
from functions.core.model.types import RunSummary
from local.commands.run import LOOPBACK

IMAGES, LOW, HIGH = 1000, 200, 400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--out", type=Path, help="folder for the output (default: a temporary one, which is deleted)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, origin(IMAGES, LOW, HIGH) as (site, *_):
        manifest = Path(folder, "rows.csv")
        with manifest.open("w") as file:
            file.write("url,title\n")
            file.writelines(f"{site}/{row}.jpg?{row},Row {row}\n" for row in range(arguments.rows))
        out = arguments.out or Path(folder, "out")
        started = time.perf_counter()
        subprocess.run(_command(manifest, out), check=True)
        _print_result(json.loads((out / "summary.json").read_text()), time.perf_counter() - started)


def _command(manifest: Path, out: Path) -> list[str]:
    """The command of `make run`."""
    options = ("--out", str(out), "--allow", LOOPBACK, "--batch-size", "100", "--per-host", "32")
    return [sys.executable, "-m", "local.commands", "run", str(manifest), *options]


def _print_result(summary: RunSummary, seconds: float) -> None:
    counts = {
        "stored": summary["stored"],
        "unchanged": summary["unchanged"],
        "skipped": summary["skipped"],
        "duplicate": summary["duplicate"],
        "failed": summary["failed"],
    }
    print(f"{summary['rows']} rows in {seconds:.0f} s: {counts}")
    reconciled = summary["rows"] == sum(counts.values())
    print(
        "Reconciled: the outcomes add up to the rows." if reconciled else "ERROR: outcomes do not add up to the rows."
    )
    sys.exit(not reconciled)


if __name__ == "__main__":
    main()
