"""`make watch` beside `make up`: a process of its own that knows only OUT/local.env."""

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from local.aws.cloud import Cloud
from local.commands.watcher import MOST_PARTS, Parts, Places, Watcher
from tests.support.pipeline import mirror, start
from tests.support.site import Site

ROOT = Path(__file__).parents[2]
IMAGE = (ROOT / "manifests" / "demo" / "dune.jpg").read_bytes()


@pytest.fixture
def out(cloud: Cloud, tmp_path: Path) -> Path:
    """A folder as `make up` keeps it."""
    _write(tmp_path, cloud.environment())
    return tmp_path


def _write(out: Path, variables: Mapping[str, str]) -> None:
    lines = (f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
    (out / "local.env").write_text("".join(lines))


def _watch(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """With no AWS settings but those given."""
    command = [sys.executable, "-m", "local.commands", "watch", *map(str, arguments)]
    mine = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    nobody = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull}
    environment = mine | nobody | {"AWS_SHARED_CREDENTIALS_FILE": os.devnull} | variables
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_a_run_is_followed_to_its_end_and_told(cloud: Cloud, site: Site, out: Path) -> None:
    run = mirror(cloud, "watched.csv", f"url\n{site.put('/a.jpg', IMAGE)}\n{site.url}/gone.jpg\n")

    done = _watch("--out", out, "--run", run.run_id)

    assert done.returncode == 0, done.stderr
    assert "2 of 2 rows, 1 stored, 1 failed" in done.stdout
    assert f"s3://{cloud.outputs['InputBucket']}/runs/{run.run_id}/report.html" in done.stdout


def test_without_a_name_the_latest_run_is_followed_and_its_failure_is_the_exit_status(cloud: Cloud, out: Path) -> None:
    run = mirror(cloud, "refused.csv", "title\na\n")

    done = _watch("--out", out)

    assert done.returncode == 1
    assert f"Watching {run.run_id}" in done.stdout
    assert "The run failed: InvalidManifest. The manifest has no url column" in done.stdout


def test_a_run_that_is_not_there_is_told_with_those_that_are(cloud: Cloud, site: Site, out: Path) -> None:
    run = mirror(cloud, "there.csv", f"url\n{site.put('/a.jpg', IMAGE)}\n")

    done = _watch("--out", out, "--run", "nowhere")

    assert done.returncode == 2
    assert done.stderr.startswith("There is no run nowhere. The latest ones:")
    assert run.run_id in done.stderr


def test_without_an_up_the_stack_of_the_account_is_asked(cloud: Cloud, site: Site, tmp_path: Path) -> None:
    run = mirror(cloud, "account.csv", f"url\n{site.put('/a.jpg', IMAGE)}\n")
    account = {name: value for name, value in cloud.environment().items() if name.startswith("AWS_")}

    done = _watch("--out", tmp_path, "--run", run.run_id, **account)

    assert done.returncode == 0, done.stderr
    assert "The run succeeded" in done.stdout


def test_without_credentials_one_sentence_says_so(tmp_path: Path) -> None:
    done = _watch("--out", tmp_path, AWS_REGION="us-east-1", AWS_DEFAULT_REGION="us-east-1")

    assert done.returncode == 2
    assert "Unable to locate credentials" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_up_that_has_gone_is_told(cloud: Cloud, out: Path) -> None:
    _write(out, {**cloud.environment(), "AWS_ENDPOINT_URL": "http://127.0.0.1:9"})

    done = _watch("--out", out)

    assert done.returncode == 2
    assert "Nobody answers" in done.stderr
    assert "Traceback" not in done.stderr


def test_while_a_run_goes_on_its_rows_are_counted_by_outcome(cloud: Cloud, site: Site) -> None:
    urls = [site.put(f"/{n}.jpg", IMAGE) for n in range(6)]
    execution = start(cloud, "counted.csv", "url\n" + "\n".join([*urls, urls[0]]) + "\n", {"batch-size": "2"})
    watcher = Watcher(cloud.client, Places.of(cloud.outputs), execution)

    looks = list(watcher.watch(0.05))

    finished = [look.finished for look in looks]
    assert finished == sorted(finished)
    assert (looks[-1].rows, looks[-1].finished, looks[-1].running) == (7, 7, False)
    assert looks[-1].counts == {"stored": 6, "duplicate": 1}


def test_a_run_of_very_many_batches_is_told_by_its_rows_alone(cloud: Cloud) -> None:
    s3, bucket = cloud.client("s3"), cloud.outputs["InputBucket"]
    s3.put_object(Bucket=bucket, Key="runs/large/results/part-1.jsonl", Body=b'{"outcome":"stored"}\n')
    parts = Parts(s3, bucket, "large")
    before = parts.counts()

    for number in range(2, MOST_PARTS + 2):
        s3.put_object(Bucket=bucket, Key=f"runs/large/results/part-{number}.jsonl", Body=b"")

    assert (before, parts.counts()) == ({"stored": 1}, {})
