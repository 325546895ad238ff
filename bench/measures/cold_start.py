"""CPU time of importing each handler in a new interpreter: `python -m bench.measures.cold_start [--rounds 7]`.

`download_batch` is compared with the libraries that it requires. CPU time is measured, because other processes affect
it less than elapsed time. Rounds are interleaved, and the medians are printed.
"""

import argparse
import subprocess
import sys
from statistics import median

LIBRARIES = "import boto3, requests, aws_lambda_powertools"
HANDLERS = ("prepare_run", "download_batch", "summarize_run", "api")
MAX_RATIO = 1.25
SCRIPT = """
import time
started = time.process_time()
{statement}
print(time.process_time() - started)
"""


def cpu_seconds(statement: str) -> float:
    """Measure a statement in a new interpreter. Bytecode caches are warm, for libraries as well as for handlers."""
    command = [sys.executable, "-c", SCRIPT.format(statement=statement)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def measure(statements: dict[str, str], rounds: int) -> dict[str, float]:
    """Return the median CPU time of each statement in seconds."""
    times: dict[str, list[float]] = {name: [] for name in statements}
    for _ in range(rounds):
        for name, statement in statements.items():
            times[name].append(cpu_seconds(statement))
    return {name: median(each) for name, each in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    statements = {"libraries": LIBRARIES, **{name: f"import functions.{name}" for name in HANDLERS}}
    statements["with X-Ray SDK"] = f"{LIBRARIES}; import aws_xray_sdk.core"
    medians = measure(statements, parser.parse_args().rounds)
    for name, seconds in medians.items():
        print(f"  {name:<18} {seconds * 1000:6.0f} ms")
    ratio = medians["download_batch"] / medians["libraries"]
    print(f"  download_batch_vs_libraries {ratio:.2f} (at most {MAX_RATIO})")


if __name__ == "__main__":
    main()
