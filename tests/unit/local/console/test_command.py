"""`./image-mirror console`: its arguments, and what it says where there is no stack."""

import os
from pathlib import Path
from typing import Any

import pytest

from cdk.account import aws
from local.commands.__main__ import main
from local.commands.env_file import write_env_file
from local.console import command


@pytest.fixture
def without_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of AWS, and no request for credentials to another machine."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


def test_the_stack_of_a_running_up_comes_before_that_of_the_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[dict[str, Any]] = []
    monkeypatch.setattr(command, "console", lambda **arguments: given.append(arguments) or 0)

    statuses = [main(["console", "--out", str(tmp_path), "--stack-name", "Mine"])]
    write_env_file(tmp_path, {"API_URL": "http://127.0.0.1:1/v1"})
    statuses.append(main(["console", "--out", str(tmp_path), "--port", "0"]))

    assert statuses == [0, 0]
    assert given == [
        {"out": tmp_path, "variables": None, "stack_name": "Mine", "port": 4567},
        {"out": tmp_path, "variables": {"API_URL": "http://127.0.0.1:1/v1"}, "stack_name": "ImageMirror", "port": 0},
    ]


@pytest.mark.parametrize("port", ["-1", "65536", "http", "1.5"])
def test_a_port_that_is_none_is_wrong_usage(port: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["console", "--out", str(tmp_path), f"--port={port}"]) == 2
    assert "--port" in capsys.readouterr().err


@pytest.mark.usefixtures("without_aws")
@pytest.mark.parametrize(
    ("region", "message"), [("", "You must specify a region."), ("eu-west-1", "Unable to locate credentials.")]
)
def test_without_settings_of_aws_it_says_what_to_set(
    region: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", region)

    status = main(["console", "--out", str(tmp_path)])

    assert status == 2
    assert capsys.readouterr().err.startswith(f"AWS request failed: {message}")


@pytest.mark.parametrize(
    ("outputs", "missing"),
    [
        ([], "ApiUrl"),
        ([{"OutputKey": "ApiUrl", "OutputValue": "https://a.example"}], "InputBucket"),
        ([{"OutputKey": "InputBucket", "OutputValue": "input"}], "ApiUrl"),
    ],
    ids=["none", "another-stack", "earlier-version"],
)
@pytest.mark.usefixtures("without_aws")
def test_a_stack_that_is_not_complete_is_named_with_what_to_do(
    outputs: list[dict[str, str]],
    missing: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setattr(
        aws, "stack", lambda *_: {"StackName": "Mine", "StackStatus": "ROLLBACK_COMPLETE", "Outputs": outputs}
    )

    assert main(["console", "--stack-name", "Mine", "--out", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"The stack Mine (ROLLBACK_COMPLETE) has no output {missing}: ")
    assert "--stack-name" in error


def test_variables_of_another_version_are_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_env_file(tmp_path, {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"})

    assert main(["console", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("local.env does not set AWS_ACCESS_KEY_ID.")
