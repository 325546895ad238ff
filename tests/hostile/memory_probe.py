"""Mirrors the URLs that are its arguments, all at once, and prints its peak of memory in bytes and their reasons."""

import json
import resource
import sys
from collections import Counter
from pathlib import Path

from functions.core.model.ports import ImageUpload
from tests.hostile.engine import Engine

MAX_BYTES = 4 * 1024 * 1024


class Nowhere:
    """A store that reads what it gets and keeps nothing."""

    def put(self, upload: ImageUpload) -> None:
        while upload.file.read(64 * 1024):
            pass


def peak() -> int:
    """Of this program alone: on Linux, `ru_maxrss` begins with that of the process that started it."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(urls: list[str]) -> None:
    engine = Engine(store=Nowhere())
    made = engine.mirror(*urls, rounds=1, concurrency=64, per_host=64, max_bytes=MAX_BYTES, timeout=60)
    engine.close()
    reasons = Counter(line["reason"] for line in made.failures)
    sys.stdout.write(json.dumps({"peak": peak(), "reasons": reasons}))


if __name__ == "__main__":
    main(sys.argv[1:])
