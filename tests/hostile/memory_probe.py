"""Mirror the URLs of the command line concurrently; print the peak memory in bytes and the reasons of failures."""

import json
import resource
import sys
from collections import Counter
from pathlib import Path

from functions.core.model.ports import ImageUpload
from tests.hostile.engine import Engine

MAX_BYTES = 4 * 1024 * 1024


class DiscardingStore:
    """A store that reads each image and stores nothing."""

    def put(self, upload: ImageUpload, if_match: str | None) -> str:
        while upload.file.read(64 * 1024):
            pass
        return '"0"'

    def head(self, key: str) -> None:
        """There is no object."""


def peak() -> int:
    """Peak memory of this process: on Linux, `ru_maxrss` starts with the value of the parent process."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(urls: list[str]) -> None:
    engine = Engine(store=DiscardingStore())
    result = engine.mirror(*urls, rounds=1, concurrency=64, per_host=64, max_bytes=MAX_BYTES, timeout=60)
    engine.close()
    reasons = Counter(line["reason"] for line in result.failures)
    sys.stdout.write(json.dumps({"peak": peak(), "reasons": reasons}))


if __name__ == "__main__":
    main(sys.argv[1:])
