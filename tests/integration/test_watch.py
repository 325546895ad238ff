"""`make watch`: for a run of `make up` by OUT/local.env, and for a run of an AWS account."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from werkzeug.wrappers import Request, Response

from local.aws.cloud import Cloud
from local.aws.http.server import Server
from local.commands.env_file import write_env_file
from local.commands.watcher import MAX_PARTS, ResultParts, StackOutputs, Watcher
from tests.support.pipeline import mirror, start
from tests.support.site import Answer, Site

ROOT = Path(__file__).parents[2]
IMAGE = (ROOT / "manifests" / "demo" / "dune.jpg").read_bytes()


@pytest.fixture
def out(cloud: Cloud, tmp_path: Path) -> Path:
    """The output folder of a running `make up`."""
    write_env_file(tmp_path, cloud.environment())
    return tmp_path


def _watch(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command with no AWS settings other than `variables`."""
    command = [sys.executable, "-m", "local.commands", "watch", *map(str, arguments)]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    no_settings = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull}
    environment = inherited | no_settings | {"AWS_SHARED_CREDENTIALS_FILE": os.devnull} | variables
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_a_run_is_followed_to_its_end_and_its_result_is_shown(cloud: Cloud, site: Site, out: Path) -> None:
    run = mirror(cloud, "watched.csv", f"url\n{site.put('/a.jpg', IMAGE)}\n{site.url}/gone.jpg\n")

    done = _watch("--out", out, "--run", run.run_id)

    assert done.returncode == 0, done.stderr
    assert "Succeeded with failures. 1 image stored, 1 row failed." in done.stdout
    assert f"  http_4xx: 1\n    row 2: {site.url}/gone.jpg\n" in done.stdout
    assert f"s3://{cloud.outputs['InputBucket']}/runs/{run.run_id}/report.html" in done.stdout
    assert "The console shows the report with the images. `up` has printed its address.\n" in done.stdout


def test_the_command_that_retries_a_run_of_make_up_needs_its_environment(cloud: Cloud, site: Site, out: Path) -> None:
    rows = f"url\n{site.put('/a.jpg', IMAGE)}\n{site.put('/b.jpg', Answer(b'', 500))}\n"
    run = mirror(cloud, "retried.csv", rows, {"rounds": "1"})
    bucket = f"s3://{cloud.outputs['InputBucket']}"

    lines = _watch("--out", out, "--run", run.run_id).stdout.splitlines()

    assert "Succeeded with failures. 1 image stored, 1 row failed." in lines
    first = next(number for number, line in enumerate(lines) if line.startswith("Retry"))
    assert lines[first : first + 2] == [
        f"Retry the row that may still succeed, after `source {out}/local.env`:",
        f"  aws s3 cp {bucket}/runs/{run.run_id}/retry.csv {bucket}/manifests/{run.run_id}-retry.csv",
    ]


def test_without_a_name_the_latest_run_is_followed_and_its_failure_is_the_exit_status(cloud: Cloud, out: Path) -> None:
    run = mirror(cloud, "refused.csv", "title\na\n")

    done = _watch("--out", out)

    assert done.returncode == 1
    assert f"Watching {run.run_id}" in done.stdout
    assert "InvalidManifest: The manifest has no url column" in done.stdout


def test_a_run_that_does_not_exist_is_an_error_that_names_the_latest_runs(cloud: Cloud, site: Site, out: Path) -> None:
    run = mirror(cloud, "there.csv", f"url\n{site.put('/a.jpg', IMAGE)}\n")

    done = _watch("--out", out, "--run", "nowhere")

    assert done.returncode == 2
    assert done.stderr.startswith("There is no run nowhere. The latest runs:")
    assert run.run_id in done.stderr


def test_without_make_up_the_stack_of_the_account_is_used(cloud: Cloud, site: Site, tmp_path: Path) -> None:
    run = mirror(cloud, "account.csv", f"url\n{site.put('/a.jpg', IMAGE)}\n")
    account = {name: value for name, value in cloud.environment().items() if name.startswith("AWS_")}

    done = _watch("--out", tmp_path, "--run", run.run_id, **account)

    assert done.returncode == 0, done.stderr
    assert "Succeeded. 1 image stored, none failed." in done.stdout


FORWARDED = ("content-type", "x-amz-target", "x-amz-query-mode", "range")


class SigningProxy:
    """Signs requests again and forwards them to the local AWS. `signatures` are the access keys and regions by which
    they were signed."""

    def __init__(self, cloud: Cloud) -> None:
        self._endpoint = cloud.endpoint
        self._credentials = Credentials(cloud.credentials.access_key, cloud.credentials.secret_key)
        self.signatures: set[tuple[str, str]] = set()
        self._session = requests.Session()
        self._session.trust_env = False
        self._server = Server()
        self.url = self._server.endpoint
        self._server.start(self._forward)

    def _forward(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        scope = re.search(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/", request.headers["Authorization"])
        assert scope is not None
        self.signatures.add((scope[1], scope[2]))
        url = self._endpoint + environ["REQUEST_URI"]
        kept = {name: value for name, value in request.headers if name.lower() in FORWARDED}
        signed = AWSRequest(request.method, url, headers=kept, data=request.get_data())
        signer = S3SigV4Auth if scope[3] == "s3" else SigV4Auth
        signer(self._credentials, scope[3], "us-east-1").add_auth(signed)
        answer = self._session.request(request.method, url, headers=dict(signed.headers.items()), data=signed.data)
        return Response(answer.content, answer.status_code, content_type=answer.headers["Content-Type"])(
            environ, start_response
        )

    def close(self) -> None:
        self._server.stop()
        self._session.close()


@pytest.fixture
def proxy(cloud: Cloud) -> Iterator[SigningProxy]:
    proxy = SigningProxy(cloud)
    yield proxy
    proxy.close()


def test_a_profile_in_a_file_gives_the_region_and_the_keys(
    cloud: Cloud, site: Site, proxy: SigningProxy, tmp_path: Path
) -> None:
    run = mirror(cloud, "profile.csv", f"url\n{site.put('/a.jpg', IMAGE)}\n")
    config, credentials = tmp_path / "config", tmp_path / "credentials"
    config.write_text("[profile mirror]\nregion = eu-west-3\n")
    credentials.write_text("[mirror]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = secret\n")

    done = _watch(
        "--out",
        tmp_path,
        "--run",
        run.run_id,
        AWS_PROFILE="mirror",
        AWS_CONFIG_FILE=str(config),
        AWS_SHARED_CREDENTIALS_FILE=str(credentials),
        AWS_ENDPOINT_URL=proxy.url,
    )

    assert done.returncode == 0, done.stderr
    assert "1 row of " in done.stdout
    assert proxy.signatures == {("AKIDPROFILE", "eu-west-3")}


def test_a_profile_that_does_not_exist_is_an_error_in_one_sentence(tmp_path: Path) -> None:
    done = _watch("--out", tmp_path, AWS_PROFILE="missing")

    assert done.returncode == 2
    assert done.stderr.startswith("AWS request failed: The config profile (missing) could not be found.")
    assert len(done.stderr.splitlines()) == 1


def test_beside_make_up_the_profile_of_the_user_is_ignored(cloud: Cloud, site: Site, out: Path) -> None:
    run = mirror(cloud, "ignored-profile.csv", f"url\n{site.put('/a.jpg', IMAGE)}\n")

    done = _watch("--out", out, "--run", run.run_id, AWS_PROFILE="missing")

    assert done.returncode == 0, done.stderr


def test_an_account_without_the_stack_is_an_error_that_says_what_to_do(cloud: Cloud, tmp_path: Path) -> None:
    account = {name: value for name, value in cloud.environment().items() if name.startswith("AWS_")}
    elsewhere = account | {"AWS_REGION": "eu-west-3", "AWS_DEFAULT_REGION": "eu-west-3"}

    done = _watch("--out", tmp_path, **elsewhere)

    assert done.returncode == 2
    assert done.stderr.startswith("There is no stack ImageMirror in eu-west-3. Deploy it with `./image-mirror deploy`")


def test_without_credentials_one_sentence_says_so(tmp_path: Path) -> None:
    done = _watch("--out", tmp_path, AWS_REGION="us-east-1", AWS_DEFAULT_REGION="us-east-1")

    assert done.returncode == 2
    assert "Unable to locate credentials" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_make_up_that_has_stopped_is_an_error(cloud: Cloud, out: Path) -> None:
    write_env_file(out, {**cloud.environment(), "AWS_ENDPOINT_URL": "http://127.0.0.1:9"})

    done = _watch("--out", out)

    assert done.returncode == 2
    assert done.stderr.startswith("Cannot connect to http://127.0.0.1:9: is `./image-mirror up` still running?")
    assert "Traceback" not in done.stderr


def test_during_a_run_its_rows_are_counted_by_outcome(cloud: Cloud, site: Site) -> None:
    urls = [site.put(f"/{n}.jpg", IMAGE) for n in range(6)]
    execution = start(cloud, "counted.csv", "url\n" + "\n".join([*urls, urls[0]]) + "\n", {"batch-size": "2"})
    watcher = Watcher(cloud.client, StackOutputs.from_outputs(cloud.outputs), execution)

    polls = list(watcher.watch(0.05))

    finished = [progress.finished for progress in polls]
    assert finished == sorted(finished)
    assert (polls[-1].rows, polls[-1].finished, polls[-1].running) == (7, 7, False)
    assert polls[-1].counts == {"stored": 6, "duplicate": 1}


@pytest.mark.parametrize(("size", "rows"), [(1_000_000, [1, 2, 3]), (150, [1])])
def test_the_first_failures_are_read_as_far_as_they_are_whole(
    cloud: Cloud, site: Site, monkeypatch: pytest.MonkeyPatch, size: int, rows: list[int]
) -> None:
    monkeypatch.setattr("local.commands.watcher.FAILURES_BYTES", size)
    urls = [f"{site.url}/gone-{number}.jpg" for number in range(3)]
    execution = start(cloud, f"failures-{size}.csv", "\n".join(["url", *urls]))
    watcher = Watcher(cloud.client, StackOutputs.from_outputs(cloud.outputs), execution)
    list(watcher.watch(0.05))

    summary = watcher.summary()
    assert summary
    assert [int(row["row"]) for row in watcher.failures(summary)] == rows


def test_the_outcomes_of_a_run_with_very_many_batches_are_not_counted(cloud: Cloud) -> None:
    s3, bucket = cloud.client("s3"), cloud.outputs["InputBucket"]
    s3.put_object(Bucket=bucket, Key="runs/large/results/part-1.jsonl", Body=b'{"outcome":"stored"}\n')
    parts = ResultParts(s3, bucket, "large")
    before = parts.counts()

    for number in range(2, MAX_PARTS + 2):
        s3.put_object(Bucket=bucket, Key=f"runs/large/results/part-{number}.jsonl", Body=b"")

    assert (before, parts.counts()) == ({"stored": 1}, {})
