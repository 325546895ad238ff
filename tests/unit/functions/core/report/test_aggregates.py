"""Figures of the page that the summary does not have, in bounded memory."""

import json
import random
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.model.types import ResultLine
from functions.core.report.aggregates import (
    BUCKETS,
    FIRST_WIDTH,
    MAX_HOSTS,
    MIN_SHOWN_BUCKETS,
    RunAggregates,
    SlowHosts,
    Timeline,
)
from functions.core.summary.reconciliation import MAX_HOSTS as MAX_FAILING_HOSTS
from functions.core.summary.reconciliation import Reconciliation
from tests.unit.functions.core.report.run import START, STARTED, aggregates, failed, stored

END = START + timedelta(seconds=10)


@given(times=st.lists(st.floats(-5, 1e7), max_size=50), seconds=st.floats(0, 1e7))
def test_every_image_is_in_one_bucket_and_there_are_never_more_buckets(times: list[float], seconds: float) -> None:
    timeline = Timeline(START)
    for at in times:
        timeline.add(START + timedelta(seconds=at))

    shown = timeline.until(START + timedelta(seconds=seconds))

    assert sum(shown) == len(times)
    assert len(shown) <= BUCKETS
    assert len(shown) * timeline.width >= seconds


def test_buckets_double_their_width_and_keep_what_they_hold() -> None:
    timeline = Timeline(START)
    for at in (0, 0.13, 5, 7.4):
        timeline.add(START + timedelta(seconds=at))

    timeline.add(START + timedelta(seconds=8))

    assert timeline.width == 2 * FIRST_WIDTH
    assert [(n * timeline.width, count) for n, count in enumerate(timeline.counts) if count] == [
        (0, 2),
        (5, 1),
        (7.25, 1),
        (8, 1),
    ]


def test_the_time_after_the_last_image_is_shown_too() -> None:
    timeline = Timeline(START)
    timeline.add(START)

    assert len(timeline.until(START + timedelta(seconds=5))) == 5 / FIRST_WIDTH + 1


def test_a_short_run_has_a_chart_too() -> None:
    timeline = Timeline(START)
    timeline.add(START)

    assert timeline.until(START) == [1] + [0] * (MIN_SHOWN_BUCKETS - 1)


def test_the_slowest_host_is_the_one_that_took_longest_for_an_image() -> None:
    run = aggregates(*(stored(host="a.example", ms=ms) for ms in (100, 300)), stored(host="b.example", ms=250))

    slowest = run.hosts.slowest(5)

    assert [(host.host, host.images, host.mean, host.longest) for host in slowest] == [
        ("b.example", 1, 250, 250),
        ("a.example", 2, 200, 300),
    ]


def test_the_times_of_a_host_and_of_all_hosts_are_known() -> None:
    run = aggregates(*(stored(host="a.example", ms=ms) for ms in (100, 300)), stored(host="b.example", ms=500))

    assert (run.hosts.of("a.example").mean, run.hosts.of("gone.example").mean) == (200, 0)
    assert (run.hosts.all().images, run.hosts.all().mean, run.hosts.all().longest) == (3, 300, 500)


def test_of_too_many_hosts_those_are_kept_where_the_time_went() -> None:
    hosts = SlowHosts()
    hosts.add("slow.example", 10_000)
    for number in range(3 * MAX_HOSTS):
        hosts.add(f"{number}.example", 10)

    assert len(hosts) <= 2 * MAX_HOSTS
    assert hosts.slowest(1)[0].host == "slow.example"


def test_reconciling_too_many_hosts_keeps_those_with_the_most_failures() -> None:
    run = Reconciliation()
    for number in range(3 * MAX_FAILING_HOSTS):
        run.add(failed(url=f"https://{number}.example/") | {"retryable": False})
        run.add(failed(url="https://bad.example/") | {"retryable": False})

    assert len(run.hosts) <= 2 * MAX_FAILING_HOSTS
    assert run.hosts.most_common(1) == [("bad.example", 3 * MAX_FAILING_HOSTS)]


def test_lines_without_a_time_count_as_far_as_they_go() -> None:
    line = stored()
    del line["ms"], line["downloaded_at"]

    run = aggregates(line, {"row": 2, "url": "", "outcome": "skipped"})

    assert (len(run.images.chosen()), len(run.hosts), sum(run.timeline.until(END))) == (1, 0, 0)


@pytest.mark.parametrize(("hosts", "kept"), [(3, 3), (4, 4), (5, 2), (6, 3)])
def test_hosts_are_left_out_once_there_are_more_than_twice_as_many(
    hosts: int, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.core.report.aggregates.MAX_HOSTS", 2)
    monkeypatch.setattr("functions.core.summary.reconciliation.MAX_HOSTS", 2)
    slow, reconciliation = SlowHosts(), Reconciliation()
    for number in range(hosts):
        slow.add(f"{number}.example", number)
        reconciliation.add(failed(url=f"https://{number}.example/"))

    assert (len(slow), len(reconciliation.hosts)) == (kept, kept)


@given(seed=st.integers(0, 2**32))
def test_the_figures_do_not_depend_on_how_the_rows_are_grouped(seed: int) -> None:
    numbers = random.Random(seed)
    lines = [random_line(numbers, row) for row in range(1, numbers.randrange(2, 200))]
    cuts = sorted(numbers.choices(range(len(lines) + 1), k=3))

    merged = aggregates()
    for begin, end in pairwise([0, *cuts, len(lines)]):
        part = json.loads(json.dumps(aggregates(*lines[begin:end]).as_json()))
        merged.merge(RunAggregates.from_json(part, STARTED))

    assert merged.as_json() == aggregates(*lines).as_json()
    assert merged.images.chosen() == aggregates(*lines).images.chosen()


def random_line(numbers: random.Random, row: int) -> ResultLine:
    host = f"{numbers.randrange(numbers.choice([2, 100]))}.example"
    if numbers.random() < 0.5:
        reason = numbers.choice(["dns", "tls"])
        return failed(row, url=f"https://{host}/", reason=reason, retryable=numbers.random() < 0.5)
    size, kind = 10 ** numbers.randrange(9), numbers.choice(["image/png", "image/gif"])
    return stored(row, host=host, bytes=size, content_type=kind, width=2 ** numbers.randrange(12), seconds=row / 10)
