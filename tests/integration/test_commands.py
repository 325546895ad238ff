"""`make run` and `make up` as processes: output, exit status, and the real `aws` command."""

import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from local.commands.env_file import read_env_file
from tests.support.images import jpeg
from tests.support.pipeline import is_reconciled
from tests.support.site import Answer, Site
from tests.unit.functions.core.report.run import commands

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "manifests" / "demo"
IMAGE = (DEMO / "dune.jpg").read_bytes()
PLACEHOLDER = jpeg(note=b"placeholder")
TIMEOUT_SECONDS = 120


def _local(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "local.commands", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)


def _lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def demo(assembly: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder and the output of a first run of the demo."""
    out = tmp_path_factory.mktemp("out")
    done = _local("run", "--out", out)
    assert done.returncode == 0, done.stdout + done.stderr
    return out, done.stdout


def test_the_demo_stores_every_image_as_it_was_served(demo: tuple[Path, str]) -> None:
    out, _ = demo
    served = {path.read_bytes() for path in DEMO.iterdir()}

    stored = {path.read_bytes() for path in (out / "images").rglob("*") if path.is_file()}

    assert stored == served


def test_the_demo_s_rows_are_reconciled_and_its_failures_are_as_intended(demo: tuple[Path, str]) -> None:
    out, _ = demo
    summary = json.loads((out / "summary.json").read_text())

    assert is_reconciled(summary)
    assert [summary[name] for name in ("rows", "stored", "duplicate", "failed")] == [33, 27, 1, 5]
    assert summary["failures_by_reason"] == {
        "blocked_address": 1,
        "http_4xx": 1,
        "http_5xx": 1,
        "not_an_image": 1,
        "opt_out": 1,
    }
    assert len(_lines(out / "images.jsonl")) == 27


def test_the_demo_s_messages_list_its_failures(demo: tuple[Path, str]) -> None:
    out, _ = demo
    messages = _lines(out / "messages.jsonl")
    failed = [failure for m in messages if m["type"] == "images_failed" for failure in m["message"]["failures"]]  # type: ignore[index]

    assert {failure["row"] for failure in failed} == {13, 16, 25, 27, 29}
    assert [message["type"] for message in messages if message["type"] != "images_failed"] == ["run_completed"]


def test_the_demo_prints_the_location_of_every_file(demo: tuple[Path, str]) -> None:
    output = demo[1]

    for name in ("images", "images.jsonl", "messages.jsonl", "summary.json", "failures.csv", "retry.csv"):
        assert any(line.endswith(name) for line in output.splitlines()), output


def test_the_demo_prints_its_report_first_and_the_links_of_the_report_are_files(demo: tuple[Path, str]) -> None:
    lines = demo[1].splitlines()

    page = Path(next(line for line in lines if line.startswith("Report:")).split()[1])

    links = re.findall(r'<a href="(.*?)"', page.read_text())
    assert page.name == "report.html"
    assert len(links) > 5
    assert all((page.parent / link).is_file() for link in links if link != "#failures")


def test_the_demo_prints_first_what_happened_and_how_to_retry_it(demo: tuple[Path, str]) -> None:
    out, output = demo
    lines = output[output.index("Succeeded") :].splitlines()
    retry = lines.index("Retry the row that may still succeed:")

    assert lines[0] == "Succeeded with failures. 27 images stored, 5 rows failed."
    assert lines[retry + 1].startswith(f"  ./image-mirror run {out}/runs/demo-")


def test_the_command_on_the_page_of_the_demo_retries_its_rows(demo: tuple[Path, str], tmp_path: Path) -> None:
    demo_out, output = demo
    first = json.loads((demo_out / "summary.json").read_text())
    (command,) = commands((demo_out / first["report"]).read_text())
    out = tmp_path / "out"  # other tests read the folder of the demo
    shutil.copytree(demo_out, out)

    done = _local(*(part.replace(str(demo_out), str(out)) for part in command[1:]))

    assert command[0] == "./image-mirror"
    assert shlex.join(command) in output
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 image stored, none failed." in done.stdout
    summary = json.loads((out / "summary.json").read_text())
    assert summary["run_id"] != first["run_id"]
    assert (summary["rows"], summary["stored"], summary["retry_manifest"]) == (1, 1, None)


def test_the_command_of_a_run_repeats_its_networks_and_options(assembly: Path, tmp_path: Path, site: Site) -> None:
    manifest, out = tmp_path / "one.csv", tmp_path / "my images"
    manifest.write_text(f"url\n{site.put('/a.jpg', Answer(b'', 500))}\n{site.put('/b.jpg', IMAGE)}\n")
    options = ("--option", "rounds=1", "--option", "user_agent=it is mine")
    _local("run", manifest, "--out", out, "--allow", "127.0.0.0/8", *options)
    report = json.loads((out / "summary.json").read_text())["report"]
    (command,) = commands((out / report).read_text())
    site.put("/a.jpg", IMAGE)

    done = _local(*command[1:])

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 image stored, none failed." in done.stdout
    assert site.asked["/a.jpg"] == 2
    assert command[3:] == [
        *("--out", str(out)),
        *("--allow", "127.0.0.0/8"),
        *("--option", "rounds=1"),
        *("--option", "passes=0"),
        *("--option", "user_agent=it is mine"),
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("manifests/sample.csv", "--demo"), "--demo is for a retry manifest of the demo."),
        (("missing.csv", "--demo"), "There is no manifest missing.csv."),
    ],
)
def test_the_site_of_the_demo_is_served_for_the_demo_alone(
    assembly: Path, tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    done = _local("run", *arguments, "--out", tmp_path / "out")

    assert done.returncode == 2
    assert done.stderr.startswith(sentence)
    assert len(done.stderr.splitlines()) == 1


def test_a_second_run_on_the_same_folder_skips_stored_images(assembly: Path, tmp_path: Path, site: Site) -> None:
    manifest = tmp_path / "two.csv"
    manifest.write_text(f"url\n{site.put('/a.jpg', IMAGE)}\n{site.put('/b.jpg', IMAGE)}\n")
    arguments = ("run", manifest, "--out", tmp_path / "out", "--allow", "127.0.0.0/8")
    _local(*arguments)

    done = _local(*arguments)

    assert done.returncode == 0
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["skipped"] == 2
    assert (site.asked["/a.jpg"], site.asked["/b.jpg"]) == (1, 1)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("missing.csv", None, "There is no manifest"),
        ("empty.csv", "", "is empty: 0 rows"),
        ("list.xlsx", "x", "has no supported extension"),
        ("list.csv", "title\na\n", "The manifest has no url column"),
    ],
)
def test_bad_input_gets_one_sentence_and_leaves_nothing(
    tmp_path: Path, name: str, content: str | None, sentence: str
) -> None:
    manifest = tmp_path / name
    if content is not None:
        manifest.write_text(content)

    done = _local("run", manifest, "--out", tmp_path / "out")

    assert done.returncode == 2
    assert sentence in done.stderr
    assert (done.stdout, len(done.stderr.splitlines())) == ("", 1)
    assert not (tmp_path / "out").exists()


def wait_for_summaries(out: Path, count: int) -> None:
    """Wait until the folder has the summaries of so many runs."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while len([*out.glob("input/runs/*/summary.json")]) < count:
        assert time.monotonic() < deadline, "no summary"
        time.sleep(0.1)


@dataclass(frozen=True)
class Up:
    """A running `make up`, and the variables of its `local.env`."""

    process: psutil.Popen
    out: Path
    environment: dict[str, str]

    def aws(self, *arguments: str) -> str:
        """The output of the real `aws`, started in a shell with only the variables of `local.env`."""
        command = f'. {self.out / "local.env"}; exec {Path(sys.executable).with_name("aws")} "$@"'
        done = subprocess.run(
            ["/bin/sh", "-c", command, "aws", *arguments],
            env={"PATH": os.environ["PATH"], "HOME": str(self.out), "AWS_PAGER": ""},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def up(assembly: Path, tmp_path: Path) -> Iterator[Up]:
    out = tmp_path / "out"
    command = [
        sys.executable,
        "-u",
        "-m",
        "local.commands",
        "up",
        "--out",
        str(out),
        "--allow",
        "127.0.0.0/8",
        "--port",
        "0",
    ]
    with psutil.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            for line in process.stdout:
                if line.startswith("Press Ctrl-C"):
                    break
            yield Up(process, out, read_env_file(out) or {})
        finally:
            if process.is_running():
                process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


def test_the_aws_command_line_uploads_a_manifest_and_finds_the_execution_rows_and_images(
    up: Up, site: Site, tmp_path: Path
) -> None:
    url = site.put("/a.jpg", IMAGE)
    manifest = tmp_path / "list.csv"
    manifest.write_text(f"url\n{url}\n")
    variables = up.environment

    up.aws("s3", "cp", str(manifest), f"s3://{variables['INPUT_BUCKET']}/manifests/")

    wait_for_summaries(up.out, 1)
    machine, status = variables["STATE_MACHINE_ARN"], "RUNNING"
    while status == "RUNNING":  # each poll starts a process: it needs no pause
        executions = json.loads(up.aws("stepfunctions", "list-executions", "--state-machine-arn", machine))
        [execution] = executions["executions"]
        status = execution["status"]
    assert status == "SUCCEEDED"
    key = json.dumps({"url": {"S": url}})
    row = json.loads(up.aws("dynamodb", "get-item", "--table-name", variables["IMAGES_TABLE"], "--key", key))["Item"]
    up.aws("s3", "cp", f"s3://{variables['IMAGES_BUCKET']}/{row['object_key']['S']}", str(tmp_path / "copy.jpg"))
    assert (tmp_path / "copy.jpg").read_bytes() == IMAGE


def test_the_commands_on_a_page_of_make_up_start_a_retry(up: Up, site: Site, tmp_path: Path) -> None:
    manifest = tmp_path / "one.csv"
    manifest.write_text(f"url\n{site.put('/a.jpg', Answer(b'', 500), IMAGE)}\n")
    variables = up.environment
    bucket = f"s3://{variables['INPUT_BUCKET']}"
    up.aws("s3", "cp", str(manifest), f"{bucket}/manifests/", "--metadata", "rounds=1")
    (first,) = _ended_runs(up, 1)
    up.aws("s3", "cp", f"{bucket}/runs/{first}/report.html", str(tmp_path / "report.html"))

    environment, retry = commands((tmp_path / "report.html").read_text())

    assert environment == ["source", str(up.out / "local.env")]
    up.aws(*retry[1:])
    second = next(run for run in _ended_runs(up, 2) if run != first)
    summary = json.loads(up.aws("s3", "cp", f"{bucket}/runs/{second}/summary.json", "-"))
    assert (summary["rows"], summary["stored"], summary["error"]) == (1, 1, None)


def _ended_runs(up: Up, count: int) -> list[str]:
    """The IDs of the runs, once there are `count` that have ended."""
    wait_for_summaries(up.out, count)
    query = ["--query", "Items[?ended_at].run_id.S", "--output", "json"]
    while True:  # each poll starts a process: it needs no pause
        runs: list[str] = json.loads(up.aws("dynamodb", "scan", "--table-name", up.environment["RUNS_TABLE"], *query))
        if len(runs) == count:
            return runs


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_and_leaves_no_process_and_no_environment_file(up: Up, number: signal.Signals) -> None:
    children = up.process.children(recursive=True)

    up.process.send_signal(number)

    assert up.process.wait(timeout=30) == 0
    assert not (up.out / "local.env").exists()
    assert not [child for child in children if child.is_running()]


def test_a_template_in_any_script_and_a_list_of_this_machine_hold_for_the_retry_too(
    assembly: Path, tmp_path: Path, site: Site
) -> None:
    manifest, out, known = tmp_path / "bilder.csv", tmp_path / "out", tmp_path / "schlechte bilder.txt"
    urls = [site.put("/a.jpg", Answer(b"", 500)), site.put("/b.jpg", IMAGE), site.put("/c.jpg", PLACEHOLDER)]
    manifest.write_text("url,Titel\n" + "\n".join(f"{url},\u732b" for url in urls))
    known.write_text(f"# Platzhalter\n{hashlib.sha256(PLACEHOLDER).hexdigest()}  c.jpg\n")
    options = ("--option", f"known-bad={known}", "--key-template", "Gr\u00f6\u00dfe/{Titel}-{row:03}.{ext}")
    first = _local("run", manifest, "--out", out, "--allow", "127.0.0.0/8", "--rounds", "1", *options)
    summary = json.loads((out / "summary.json").read_text())
    assert summary["failures_by_reason"] == {"http_5xx": 1, "placeholder": 1}, first.stdout + first.stderr
    site.put("/a.jpg", IMAGE)

    done = _local(*commands((out / summary["report"]).read_text())[0][1:])

    assert done.returncode == 0, done.stdout + done.stderr
    stored = {path.name for path in (out / "images" / "Gr\u00f6\u00dfe").iterdir()}
    assert stored == {"\u732b-001.jpg", "\u732b-002.jpg"}


def test_a_list_that_cannot_be_used_is_wrong_usage(tmp_path: Path) -> None:
    known = tmp_path / "known.txt"
    known.write_text("placeholder.png")

    done = _local("run", DEMO.parent / "sample.csv", "--out", tmp_path / "out", "--known-bad", known)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"known_bad: {known}, line 1: 'placeholder.png' is not a SHA-256 digest")
    assert len(done.stderr.splitlines()) == 1
