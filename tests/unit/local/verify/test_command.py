"""The command without a stack: one sentence, exit status 2, nothing else."""

import os
from pathlib import Path

import pytest

from local.commands.__main__ import main
from local.commands.env_file import write_env_file
from local.verify.command import EVIDENCE_LINES, LINES

LOCAL = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ACCESS_KEY_ID": "LOCAL",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_REGION": "us-east-1",
}


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No AWS settings of the user, and no credentials of a machine in EC2."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The sentence of the command."""
    status = main(["verify", *arguments])
    shown = capsys.readouterr()
    assert (status, shown.out, len(shown.err.splitlines())) == (2, "", 1), shown.err
    return shown.err


def test_without_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")

    sentence = refused(capsys, "--out", str(tmp_path))

    assert sentence.startswith("AWS request failed: Unable to locate credentials. Set AWS_PROFILE, or")


def test_without_a_region(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "You must specify a region. Set AWS_PROFILE, or AWS_REGION" in refused(capsys, "--out", str(tmp_path))


def test_with_a_profile_that_does_not_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "missing")

    assert "The config profile (missing) could not be found" in refused(capsys, "--out", str(tmp_path))


def test_with_an_up_that_has_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_env_file(tmp_path, LOCAL)

    sentence = refused(capsys, "--out", str(tmp_path))

    assert sentence.startswith("Cannot connect to http://127.0.0.1:")
    assert "is `./image-mirror up` still running? If it has stopped, delete local.env in its output folder." in sentence


def test_with_a_damaged_local_env(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_env_file(tmp_path, {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"})

    assert refused(capsys, "--out", str(tmp_path)).startswith("local.env does not set AWS_ACCESS_KEY_ID.")


def test_every_line_says_what_it_proves() -> None:
    assert all(proves.endswith(".") for proves in LINES.values())
    assert list(LINES)[-len(EVIDENCE_LINES) :] == list(EVIDENCE_LINES)
