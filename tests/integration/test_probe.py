"""A probe of a list on the local AWS: the result, what it leaves behind, and what it does not."""

import json
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from local.aws.cloud import Cloud
from tests.support.api import Api
from tests.support.arrow import file_of
from tests.support.images import png
from tests.support.pipeline import is_reconciled, mirror
from tests.support.site import Answer, Site

ROOT = Path(__file__).parents[2]
ROWS, SAMPLE = 60, 24
OPTIONS = {"passes": "0", "rounds": "1", "probe": str(SAMPLE)}


def _list(site: Site, *, good: int, bad: int) -> str:
    """A manifest with rows that succeed and rows that fail, mixed."""
    urls = [site.put(f"/good-{number}.png", png(6, 4)) for number in range(good)]
    urls += [site.put(f"/bad-{number}.png", Answer(b"", 404)) for number in range(bad)]
    urls.sort(key=lambda url: zlib.crc32(url.rpartition("/")[2].encode()))
    return "url,name\n" + "".join(f"{url},{url.rpartition('/')[2]}\n" for url in urls)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_true_success_rate_is_inside_the_interval(cloud: Cloud, site: Site, seed: int) -> None:
    run = mirror(cloud, "probed.csv", _list(site, good=45, bad=15), {**OPTIONS, "probe-seed": str(seed)})

    summary, probe = run.summary, run.summary["probe"]
    assert run.status == "SUCCEEDED"
    assert is_reconciled(summary)
    assert (summary["rows"], probe["rows"], probe["probed"], probe["seed"]) == (SAMPLE, ROWS, SAMPLE, seed)
    assert probe["success"]["low"] <= 0.75 <= probe["success"]["high"]
    assert probe["failure_shares"].keys() == {"http_4xx"}
    assert probe["worst_hosts"][0]["rows"] == ROWS
    assert sum(site.asked.values()) - site.asked["/robots.txt"] == SAMPLE


def test_a_probe_leaves_no_image_and_no_record(cloud: Cloud, site: Site) -> None:
    before = _objects(cloud)
    run = mirror(cloud, "kept.csv", _list(site, good=30, bad=0), OPTIONS)

    urls = [line["url"] for line in run.outcomes().values()]
    assert len(urls) == run.summary["stored"] == SAMPLE
    assert _objects(cloud) == before
    assert all(run.row(url) is None for url in urls)
    assert all(line["object_key"] is None for line in run.outcomes().values())


def test_a_run_after_a_probe_stores_all_rows_and_skips_none(cloud: Cloud, site: Site) -> None:
    manifest = _list(site, good=8, bad=0)

    mirror(cloud, "later.csv", manifest, OPTIONS)
    run = mirror(cloud, "later.csv", manifest)

    assert (run.summary["stored"], run.summary["skipped"], run.summary["probe"]) == (8, 0, None)


def test_a_probe_downloads_what_is_mirrored_already(cloud: Cloud, site: Site) -> None:
    manifest = _list(site, good=8, bad=0)

    mirror(cloud, "before.csv", manifest)
    run = mirror(cloud, "before.csv", manifest, OPTIONS)

    assert (run.summary["stored"], run.summary["skipped"]) == (8, 0)
    assert set(site.asked.values()) - {site.asked["/robots.txt"]} == {2}


def test_the_reports_have_the_number_of_a_row_in_the_list(cloud: Cloud, site: Site) -> None:
    manifest = _list(site, good=40, bad=20)

    run = mirror(cloud, "numbered.csv", manifest, OPTIONS)

    names = [line.split(",")[1] for line in manifest.splitlines()]
    failures = run.failures()
    assert failures
    assert all(names[int(row["manifest_row"])] == row["name"] for row in failures)


def test_a_list_of_failures_is_a_result_and_no_failed_run(cloud: Cloud, site: Site) -> None:
    run = mirror(cloud, "all-bad.csv", _list(site, good=2, bad=28), OPTIONS)

    assert (run.status, run.summary["status"]) == ("SUCCEEDED", "succeeded")
    assert any("TooManyFailures" in note for note in run.summary["probe"]["notes"])
    assert run.summary["retry_manifest"] is None
    assert "can be mirrored" in run.file("report.html").decode()


def test_a_sample_of_all_rows_has_an_interval_without_width(cloud: Cloud, site: Site) -> None:
    run = mirror(cloud, "small.csv", _list(site, good=3, bad=1), {**OPTIONS, "probe": "10000"})

    assert run.summary["probe"]["success"] == {"share": 0.75, "low": 0.75, "high": 0.75}


def test_parquet_is_refused_with_what_to_do(cloud: Cloud, site: Site) -> None:
    run = mirror(cloud, "list.parquet", file_of({"url": ["http://a.example/1.png"]}), OPTIONS)

    assert (run.execution["error"], run.summary["probe"]) == ("InvalidManifest", None)
    assert "./image-mirror probe" in run.cause


def _objects(cloud: Cloud) -> int:
    pages = cloud.client("s3").get_paginator("list_objects_v2").paginate(Bucket=cloud.outputs["ImagesBucket"])
    return sum(page["KeyCount"] for page in pages)


def test_a_probe_by_the_api_says_that_it_is_one_and_what_it_has_found(cloud: Cloud, site: Site) -> None:
    api = Api(cloud)
    urls = _list(site, good=12, bad=4).split()[1:]
    options = {"passes": 0, "rounds": 1, "probe_seed": 3}

    answer = api.request(
        "POST", "/runs", {"urls": [line.split(",")[0] for line in urls], "probe": 8, "options": options}
    )
    run_id = answer.json()["run_id"]
    api.finish(run_id)
    run = api.describe(run_id)

    assert (answer.status_code, answer.json()["probe"]) == (202, 8)
    assert (run["status"], run["probe"], run["rows"]) == ("succeeded", 8, 8)
    assert (run["probe_result"]["rows"], run["probe_result"]["seed"]) == (16, 3)
    assert run["probe_result"]["success"]["low"] <= 0.75 <= run["probe_result"]["success"]["high"]
    assert {"probe": 8, "run_id": run_id}.items() <= api.request("GET", "/runs?limit=1").json()["runs"][0].items()
    assert api.request("POST", f"/runs/{run_id}/retry").status_code == 409


def test_the_command_estimates_a_list_in_a_folder_of_its_own(site: Site, tmp_path: Path) -> None:
    """Also of Parquet, whose rows the command draws before the run."""
    manifest, out = tmp_path / "list.parquet", tmp_path / "out"
    urls = [line.split(",")[0] for line in _list(site, good=15, bad=5).split()[1:]]
    manifest.write_bytes(file_of({"url": urls}))
    arguments = [*("--rows", "10"), *("--seed", "1"), *("--passes", "0"), *("--allow", "127.0.0.0/8")]

    done = subprocess.run(
        [sys.executable, "-m", "local.commands", "probe", str(manifest), *arguments, "--out", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["probe"]["rows"], summary["probe"]["probed"], summary["rows"]) == (20, 10, 10)
    assert "of 20 rows can be mirrored (between " in done.stdout
    assert "A run of the list, estimated by the sample" in done.stdout
    assert [path for path in out.rglob("*") if "images" in path.parts and path.is_file()] == []
    run = next((out / "runs").iterdir())
    assert (run / "results.csv").exists()
    assert not (run / "croissant.json").exists()
