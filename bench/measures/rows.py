"""A manifest of many rows, tiny images, through `make run`: `python -m bench.measures.rows [--rows 100000] [--out FOLDER]`.

Prints whether the books balance, and how long it took. The images come from loopback, in a process of their own.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.rig.origin import origin
from local.commands.run import LOOPBACK

IMAGES, LOW, HIGH = 1000, 200, 400
ENDINGS = ("stored", "unchanged", "skipped", "duplicate", "failed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--out", type=Path, help="a folder that stays; otherwise one that is deleted")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, origin(IMAGES, LOW, HIGH) as (site, *_):
        manifest = Path(folder, "rows.csv")
        with manifest.open("w") as file:
            file.write("url,title\n")
            file.writelines(f"{site}/{row}.jpg?{row},Row {row}\n" for row in range(arguments.rows))
        out = arguments.out or Path(folder, "out")
        started = time.perf_counter()
        subprocess.run(_command(manifest, out), check=True)
        _tell(json.loads((out / "summary.json").read_text()), time.perf_counter() - started)


def _command(manifest: Path, out: Path) -> list[str]:
    """What `make run` runs."""
    named = ("--manifest", str(manifest), "--out", str(out), "--allow", LOOPBACK)
    return [sys.executable, "-m", "local.commands", "run", *named, "--options", "batch-size=100 per-host=32"]


def _tell(summary: dict[str, int], seconds: float) -> None:
    ends = {ending: summary[ending] for ending in ENDINGS}
    print(f"{summary['rows']} rows in {seconds:.0f} s: {ends}")
    balanced = summary["rows"] == sum(ends.values())
    print("the books balance" if balanced else "THE BOOKS DO NOT BALANCE")
    sys.exit(not balanced)


if __name__ == "__main__":
    main()
