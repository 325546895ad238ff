"""`kill -9` of `up` at random moments, while runs are started through the API: nothing recorded is fetched again.

`KILLS=20 python -m pytest tests/integration/test_kills_of_up.py -s --timeout 3600` kills it more often, and prints
figures; SEED repeats the random moments.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.local_process import SlowSite, Up, check_out, kill, recorded_rows
from tests.support.site import Site

KILLS = int(os.environ.get("KILLS", "2"))
SEED = int(os.environ.get("SEED", "0")) or random.randrange(1, 10**6)
ROWS = 80
"""New images of each round."""

LATENCY = 0.03
START_SECONDS = 5.0
"""A kill before the program serves happens within this time after its start."""

OPTIONS = {"batch_size": 40, "concurrency": 8}
IN_A_RUN, AT_THE_START = "in a run", "at the start"


@dataclass
class Rounds:
    """Starts and kills of `up` in one OUT folder, and what was recorded before each kill."""

    out: Path
    site: SlowSite
    rng: random.Random
    urls: list[str] = field(default_factory=list)
    submitted: list[str] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    requests_for_recorded: Counter[str] = field(default_factory=Counter)
    recorded: dict[str, int] = field(default_factory=dict)
    """URLs that were recorded before a kill, and the number of their requests until then."""

    def kill_at_the_start(self) -> None:
        up = Up(self.out)
        time.sleep(self.rng.uniform(0, START_SECONDS))
        self._kill(up, AT_THE_START)

    def kill_in_a_run(self) -> None:
        """Starts two runs, one of new images and one of all earlier ones, and kills the process in between."""
        up = Up(self.out).ready()
        self.check(up)
        new = self.site.urls(f"round-{len(self.urls)}", ROWS)
        requests = self.rng.randrange(ROWS)
        for urls in filter(None, (self.urls, new)):
            self.submitted.append(up.submit(urls, **OPTIONS))
        self.urls += new
        self.site.wait_for(requests, up.process)
        self._kill(up, IN_A_RUN)

    def finish(self) -> dict[str, dict[str, Any]]:
        """Lets a last run of all images end. Returns the runs by ID."""
        up = Up(self.out).ready()
        self.check(up)
        last = up.submit(self.urls, **OPTIONS)
        while up.runs()[0]["ended_at"] is None:
            time.sleep(0.5)
        runs = {run["run_id"]: run for run in up.runs()}
        self.check(up)
        up.stop()
        assert runs[last]["status"] == "succeeded"
        assert runs[last]["counts"]["stored"] + runs[last]["counts"]["skipped"] == len(self.urls)
        return runs

    def check(self, up: Up) -> None:
        """After a start: the runs of killed processes are summarized, and OUT is as it must be."""
        check_out(self.out)
        runs = up.runs()
        assert [run for run in runs if run["ended_at"] is None] == []
        assert {run["run_id"] for run in runs} >= set(self.submitted)
        self._count_requests()

    def _kill(self, up: Up, moment: str) -> None:
        kill(up.process)
        self.kills[moment] += 1
        self._count_requests()
        counts = self.site.requests()
        self.recorded |= {url: counts[url] for url in recorded_rows(self.out)}

    def _count_requests(self) -> None:
        """Counts the requests for images that had been recorded."""
        counts = self.site.requests()
        for url, before in self.recorded.items():
            if counts[url] > before:
                self.requests_for_recorded[url] += counts[url] - before
                self.recorded[url] = counts[url]


@pytest.fixture
def rounds(tmp_path: Path) -> Iterator[Rounds]:
    with Site() as site:
        yield Rounds(tmp_path / "out", SlowSite(site, LATENCY), random.Random(SEED))


def test_up_that_is_killed_at_random_moments_loses_no_recorded_image_and_no_run(rounds: Rounds) -> None:
    print(f"KILLS={KILLS} SEED={SEED}")  # noqa: T201
    rounds.kill_in_a_run()
    for _ in range(KILLS - 1):
        rounds.rng.choices((rounds.kill_in_a_run, rounds.kill_at_the_start), (3, 1))[0]()
    runs = rounds.finish()
    summaries = {summary["run_id"]: summary for summary in check_out(rounds.out)}

    assert rounds.requests_for_recorded == Counter(), SEED
    assert set(summaries) == set(runs)
    interrupted = [summary for summary in summaries.values() if summary["status"] != "succeeded"]
    for summary in interrupted:
        assert (summary["status"], summary["error"]) == ("cancelled", "Interrupted"), SEED
        retry = rounds.out / summary["retry_manifest"] if summary["failed"] else rounds.out
        assert retry.exists(), summary
        assert summary["retry_rows"] == summary["failed"], SEED
    counts = Counter(run["status"] for run in runs.values())
    total = sum(rounds.site.requests().values())
    print(f"kills {dict(rounds.kills)}, runs {dict(counts)}, images {len(rounds.urls)}, requests {total}")  # noqa: T201
    print(f"recorded before a kill {len(rounds.recorded)}, requests for them afterwards 0")  # noqa: T201
