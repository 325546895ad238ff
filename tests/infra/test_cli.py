"""`python -m cdk.cli`: what it refuses before it starts the CDK CLI."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cdk.cli import local_endpoint

ROOT = Path(__file__).parents[2]


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
        [sys.executable, "-m", "cdk.cli", command, "--force"],
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
