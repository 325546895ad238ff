"""The measurement of the local run: its rate, its check of the output, its ratios."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from bench.contenders.local_commands import ROOT, Img2Dataset, this_release
from bench.measures.local_run import LocalRun, RequestCurve, WrongOutputError, _check, ratios
from bench.rig.origin import origin
from bench.rig.process_tree import CommandUsage
from bench.rig.servers import ServerStats

IMAGE = b"an image"
SHA256 = hashlib.sha256(IMAGE).hexdigest()
URL = "http://127.0.0.1/1.jpg"


def local_run(steady: float, seconds: float, memory: float) -> LocalRun:
    return LocalRun(1000, steady, CommandUsage(seconds, 1, memory, memory), 0.1)


def test_the_steady_rate_leaves_out_the_first_and_the_last_tenth(monkeypatch: pytest.MonkeyPatch) -> None:
    """100 requests: 10 in the first 10 seconds, then 80 in 8 seconds, then 10 in 20 seconds."""
    stats = iter([ServerStats(), *(ServerStats(requests=count, first=100.0) for count in (10, 40, 40, 10))])
    times = iter([110.0, 114.0, 118.0, 138.0])
    monkeypatch.setattr("bench.measures.local_run.take_stats", lambda address: next(stats))
    monkeypatch.setattr("bench.measures.local_run.time.monotonic", lambda: next(times))
    curve = RequestCurve("http://origin")

    for _ in range(4):
        curve.sample()

    assert curve.steady_rate() == pytest.approx(10)
    assert curve.seconds == 38


def test_ratios_compare_runs_of_the_same_round() -> None:
    runs = {
        "this": [local_run(800, 10, 300), local_run(400, 20, 300)],
        "before": [local_run(400, 20, 600), local_run(200, 40, 600)],
        "img2dataset": [],
    }

    assert dict(ratios(runs)) == {"steady_vs_before": 2, "wall_vs_before": 0.5, "memory_vs_before": 0.5}


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Path]:
    """The output of a run that has stored URL."""
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "1.jpg").write_bytes(IMAGE)
    row = {"url": URL, "object_key": "images/1.jpg", "sha256": SHA256}
    (tmp_path / "images.jsonl").write_text(json.dumps(row) + "\n")
    return tmp_path


def test_an_output_with_every_image_passes(out: Path) -> None:
    _check(this_release(), out, {URL: SHA256, "http://127.0.0.1/missing/2.jpg": SHA256})


def test_an_image_that_is_missing_is_an_error(out: Path) -> None:
    with pytest.raises(WrongOutputError, match=r"has not stored 1 images, such as http://127\.0\.0\.1/2\.jpg"):
        _check(this_release(), out, {URL: SHA256, "http://127.0.0.1/2.jpg": SHA256})


def test_a_file_that_is_not_that_of_its_row_is_an_error(out: Path) -> None:
    (out / "images" / "1.jpg").write_bytes(b"another image")

    with pytest.raises(WrongOutputError, match=r"1\.jpg is not the image of http://127.0.0.1/1.jpg"):
        _check(this_release(), out, {URL: SHA256})


def test_the_output_of_img2dataset_is_read_from_its_metadata(tmp_path: Path) -> None:
    shard = tmp_path / "00000"
    shard.mkdir()
    (shard / "000000000.jpg").write_bytes(IMAGE)
    (shard / "000000000.json").write_text(json.dumps({"status": "success", "url": URL, "sha256": SHA256}))
    (shard / "000000001.json").write_text(json.dumps({"status": "failed_to_download", "url": f"{URL}?2"}))
    command = Img2Dataset(ROOT / "python")

    assert [image.url for image in command.stored(tmp_path)] == [URL]
    _check(command, tmp_path, {URL: SHA256})


def test_the_requests_of_a_real_origin_are_counted() -> None:
    with origin(2, 200, 400, hosts=1) as (site,):
        curve = RequestCurve(site)
        for number in range(20):
            with urlopen(f"{site}/{number}.jpg", timeout=5) as response:
                response.read()
            curve.sample()

    assert curve.steady_rate() > 0
