"""What it costs to load each handler, in fresh interpreters: `python -m bench.measures.cold_start`.

`download_batch` is held against the libraries that it cannot do without. Loading is CPU's work, so it is CPU time that
is measured: it minds other processes less than a clock does. Rounds are interleaved; medians are printed.
"""

import argparse
import subprocess
import sys
from statistics import median

LIBRARIES = "import boto3, requests, aws_lambda_powertools"
HANDLERS = ("prepare_run", "download_batch", "summarize_run", "api")
LIMIT = 1.25
SCRIPT = """
import time
begun = time.process_time()
{statement}
print(time.process_time() - begun)
"""


def seconds(statement: str) -> float:
    """In an interpreter of its own. Python's caches are warm: the bundle has none, but then the libraries' are not."""
    command = [sys.executable, "-c", SCRIPT.format(statement=statement)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def measured(statements: dict[str, str], rounds: int) -> dict[str, float]:
    found: dict[str, list[float]] = {name: [] for name in statements}
    for _ in range(rounds):
        for name, statement in statements.items():
            found[name].append(seconds(statement))
    return {name: median(times) for name, times in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    statements = {"libraries": LIBRARIES, **{name: f"import functions.{name}" for name in HANDLERS}}
    statements["X-Ray SDK, on top"] = f"{LIBRARIES}; import aws_xray_sdk.core"
    found = measured(statements, parser.parse_args().rounds)
    for name, time in found.items():
        print(f"  {name:<18} {time * 1000:6.0f} ms")
    ratio = found["download_batch"] / found["libraries"]
    print(f"  download_batch_vs_libraries {ratio:.2f} (at most {LIMIT})")


if __name__ == "__main__":
    main()
