"""The examples of `examples/`, as a user runs them, against the local AWS."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request

import pytest
import yaml

import examples.mirror as mirror_example
from local.aws.backend import ACCOUNT, REGION
from local.aws.cloud import Cloud
from local.aws.permissions.documents import Grant, Source, statements
from local.aws.permissions.evaluator import Permissions
from local.aws.permissions.identities import session
from tests.support.aws_calls import Calls
from tests.support.images import jpeg
from tests.support.indexes import wait_for_index
from tests.support.pipeline import OUTCOMES, FinishedRun, mirror
from tests.support.site import Answer, Site

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
WORKFLOW = EXAMPLES / "github" / "mirror-nightly.yml"
ROLE_POLICY = EXAMPLES / "github" / "role-policy.json"
RESULTS = ROOT / "docs" / "results.md"
TERRAFORM = EXAMPLES / "terraform" / "main.tf"
SUMMARY = re.compile(r"^(?P<run>[\w-]+) (?P<status>\w+): (?P<counts>[\w, ]+)$", re.M)
SECONDS = 120


def variables(cloud: Cloud) -> dict[str, str]:
    """The environment of a shell that has sourced `local.env`, without the settings of an AWS account."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return own | cloud.environment() | {"NO_PROXY": "127.0.0.1", "PYTHONPATH": ""}


def run_mirror(cloud: Cloud, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / "mirror.py"), *arguments, "--interval", "0.2"]
    return subprocess.run(
        command, cwd=folder, env=variables(cloud), capture_output=True, text=True, timeout=SECONDS, check=False
    )


def write_list(folder: Path, *urls: str) -> None:
    (folder / "list.csv").write_text("\n".join(("url", *urls)))


def test_the_boto3_example_shows_the_counts_of_the_summary(cloud: Cloud, site: Site, tmp_path: Path) -> None:
    found = [site.put(f"/{number}.jpg", jpeg(note=f"example {number}".encode())) for number in range(3)]
    write_list(tmp_path, *found, found[0], f"{site.url}/missing.jpg")

    done = run_mirror(cloud, "list.csv", "--option", "rounds=1", "--option", "per-host=2", folder=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    (shown,) = SUMMARY.finditer(done.stdout)
    assert shown["status"] == "succeeded"
    assert shown["counts"] == "3 stored, 0 unchanged, 0 skipped, 1 duplicate, 1 failed"
    assert done.stdout.endswith("  http_4xx: 1\n")


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        pytest.param({"tolerated_failure_percentage": "10"}, ["http_4xx: 1"], id="too-many-failures"),
        pytest.param({"no_such_option": "1"}, [], id="invalid-manifest"),
    ],
)
def test_the_boto3_example_ends_with_status_1_if_the_run_failed(
    cloud: Cloud, site: Site, tmp_path: Path, options: dict[str, str], lines: list[str]
) -> None:
    write_list(tmp_path, f"{site.url}/missing.jpg")

    given = [part for name, value in options.items() for part in ("--option", f"{name}={value}")]
    done = run_mirror(cloud, "list.csv", *given, folder=tmp_path)

    assert (done.returncode, done.stderr) == (1, "")
    (shown,) = SUMMARY.finditer(done.stdout)
    assert shown["status"] == "failed"
    assert [line.strip() for line in done.stdout.splitlines()[1:]] == lines


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        pytest.param(["missing.csv"], 2, "missing.csv is not a file", id="no-such-file"),
        pytest.param(["list.csv", "--option", "refresh"], 2, "--option takes NAME=VALUE", id="no-pair"),
        pytest.param(["list.csv", "--stack-name", "Other"], 1, "ClientError: ", id="no-such-stack"),
    ],
)
def test_the_boto3_example_says_what_is_wrong(
    cloud: Cloud, tmp_path: Path, arguments: list[str], status: int, message: str
) -> None:
    write_list(tmp_path, "https://a.example/1.jpg")

    done = run_mirror(cloud, *arguments, folder=tmp_path)

    assert (done.returncode, done.stdout) == (status, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def index(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> tuple[FinishedRun, Path]:
    """A finished run, and a folder with the files of its index."""
    with Site() as site:
        urls = [site.put(f"/{number}.jpg", jpeg(note=f"{number // 2}".encode())) for number in range(6)]
        lines = [*urls, urls[0], f"{site.url}/missing.jpg", site.put("/page", Answer(b"<html><p>No</p></html>"))]
        run = mirror(cloud, "notebook.csv", "\n".join(["url", *lines]), {"rounds": "1"})
    assert wait_for_index(run).status == "SUCCEEDED"
    folder = tmp_path_factory.mktemp("index")
    for name in run.names("index/"):
        (folder / name.rpartition("/")[2]).write_bytes(run.file(name))
    return run, folder


def cells(kind: str) -> list[dict[str, Any]]:
    notebook = json.loads((EXAMPLES / "index.ipynb").read_text())
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def run_notebook(monkeypatch: pytest.MonkeyPatch, folder: Path) -> list[Any]:
    """What each cell shows: the value of its last line."""
    monkeypatch.setenv("INDEX", str(folder))
    names: dict[str, Any] = {}
    shown = []
    for cell in cells("code"):
        *lines, last = ast.parse("".join(cell["source"])).body
        exec(compile(ast.Module(lines, []), "index.ipynb", "exec"), names)
        assert isinstance(last, ast.Expr)
        shown.append(eval(compile(ast.Expression(last.value), "index.ipynb", "eval"), names))
    return shown


def test_the_notebook_agrees_with_the_summary(monkeypatch: pytest.MonkeyPatch, index: tuple[FinishedRun, Path]) -> None:
    run, folder = index

    rows, outcomes, reasons, largest, copies, megapixels = run_notebook(monkeypatch, folder)

    assert rows == run.summary["rows"]
    assert outcomes["rows"].to_dict() == +Counter({name: run.summary[name] for name in OUTCOMES})
    assert outcomes["bytes"]["stored"] == run.summary["bytes"]
    assert reasons.groupby("reason").sum().to_dict() == run.summary["failures_by_reason"]
    assert len(largest) == 7
    assert sorted(copies["rows"]) == [2, 2, 3]
    assert megapixels["count"].to_dict() == {"image/jpeg": 7}


def test_the_line_of_the_docs_that_reads_the_index_shows_the_outcomes(
    capsys: pytest.CaptureFixture[str], index: tuple[FinishedRun, Path]
) -> None:
    run, folder = index
    (code,) = re.findall(r'python -c "(.*)"', RESULTS.read_text())

    exec(code.replace("out/runs/ID/index", str(folder)))

    shown = re.findall(r"^(\w+) +(\d+)$", capsys.readouterr().out, re.M)
    assert {name: int(rows) for name, rows in shown} == +Counter({name: run.summary[name] for name in OUTCOMES})


def test_the_notebook_has_no_output() -> None:
    """Outputs would be those of another run, and change with each one who opens it."""
    assert [cell["outputs"] for cell in cells("code")] == [[] for _ in cells("code")]


def test_the_workflow_runs_its_commands_every_night(cloud: Cloud, site: Site, tmp_path: Path) -> None:
    workflow = yaml.safe_load(WORKFLOW.read_text())
    triggers = workflow[True]  # YAML 1.1 reads `on` as true
    (job,) = workflow["jobs"].values()
    (command,) = [step["run"] for step in job["steps"] if "mirror.py" in step.get("run", "")]
    write_list(tmp_path, site.put("/nightly.jpg", jpeg(note=b"nightly")))
    shutil.copy(EXAMPLES / "mirror.py", tmp_path)

    script = command.replace("python ", f"{sys.executable} ", 1).replace("--interval 30", "--interval 0.2")
    done = subprocess.run(
        ["/bin/bash", "-e", "-c", script],
        cwd=tmp_path,
        env=variables(cloud),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )

    assert [re.fullmatch(r"\d+ \d+ \* \* \*", each["cron"]) is not None for each in triggers["schedule"]] == [True]
    assert workflow["permissions"] == {"contents": "read", "id-token": "write"}
    assert (done.returncode, done.stderr) == (0, "")
    assert "succeeded: 1 stored" in done.stdout


def test_the_workflow_names_the_versions_of_its_actions_as_our_own_does() -> None:
    own = (ROOT / ".github" / "workflows" / "ci.yml").read_text()

    used = re.findall(r"uses: (\S+)", WORKFLOW.read_text())

    assert used
    assert [each for each in used if not re.fullmatch(r"[\w-]+/[\w-]+@v\d+", each)] == []
    assert [each for each in used if each.startswith("actions/") and f"uses: {each}\n" not in own] == []


def test_the_policy_of_the_role_permits_what_the_workflow_does_and_nothing_else(
    cloud: Cloud, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_list(tmp_path, site.put("/role.jpg", jpeg(note=b"role")))
    monkeypatch.chdir(tmp_path)
    for name, value in variables(cloud).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["mirror.py", "list.csv", "--interval", "0.2"])
    calls = Calls()
    monkeypatch.setattr(mirror_example, "boto3", SimpleNamespace(Session=calls.session))
    requests = SimpleNamespace(urlopen=calls.urlopen, Request=Request)
    monkeypatch.setattr(mirror_example, "urllib", SimpleNamespace(request=requests))

    assert mirror_example.main() == 0

    api = urlsplit(cloud.api_url).path.split("/")[3]
    places = {"REGION": REGION, "ACCOUNT": ACCOUNT, "INPUT_BUCKET": cloud.outputs["InputBucket"], "API_ID": api}
    text = re.sub("|".join(places), lambda match: places[match[0]], ROLE_POLICY.read_text())
    role = f"arn:aws:iam::{ACCOUNT}:role/mirror"
    used: set[Grant] = set()
    source = Source(ROLE_POLICY.name, json.loads(text), ROLE_POLICY.name, role)
    permissions = Permissions(statements(source), lambda _, __, grants: used.update(grants))
    for action, resource in calls.found:
        permissions.check(session(role, "mirror"), action, resource)
    assert used == set(permissions.grants)


def test_terraform_refers_to_what_it_declares_and_to_outputs_that_the_stack_has(cloud: Cloud) -> None:
    import hcl2

    text = TERRAFORM.read_text()
    blocks = json.loads(json.dumps(hcl2.loads(text)).replace('\\"', ""))
    declared = {f"var.{name}" for block in blocks["variable"] for name in block}
    declared |= {f"local.{name}" for block in blocks["locals"] for name in block}
    declared |= {f"data.{kind}.{name}" for block in blocks["data"] for kind in block for name in block[kind]}
    declared |= {f"{kind}.{name}" for block in blocks["resource"] for kind in block for name in block[kind]}

    used = set(re.findall(r"\bdata\.\w+\.\w+|\b(?:var|local)\.\w+|(?<![.\w])aws_\w+\.\w+", text))

    assert used
    assert used <= declared
    assert set(re.findall(r'outputs\["(\w+)"\]', text)) <= set(cloud.outputs)


def test_terraform_is_formatted(tmp_path: Path) -> None:
    """Also finds syntax errors. `terraform validate` would have to download the AWS provider."""
    terraform = shutil.which("terraform")
    if terraform is None:
        pytest.skip("terraform is not installed")
    home = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "CHECKPOINT_DISABLE": "1"}
    done = subprocess.run(
        [terraform, "fmt", "-check", "-diff", str(TERRAFORM)], env=home, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
