"""The local AWS ignores the user's own AWS settings and leaves them unchanged."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.aws.clients import Clients, Credentials
from local.aws_settings import without_aws_settings

IMPORTS_THE_CLOUD_AND_CREATES_A_SESSION_AND_A_CLIENT = """
import os
before = dict(os.environ)
import local.aws.cloud
assert dict(os.environ) == before

from local.aws_settings import without_aws_settings
with without_aws_settings():
    import boto3
    boto3.Session().get_available_regions("ec2")

from local.aws.clients import Clients, Credentials
Clients("http://127.0.0.1:1", Credentials.random())("s3")
"""


@pytest.mark.parametrize(
    "settings", [{"AWS_PROFILE": "missing"}, {"AWS_DEFAULT_PROFILE": "missing"}, {"AWS_CONFIG_FILE": "BROKEN"}]
)
def test_a_missing_profile_or_a_malformed_configuration_file_is_ignored(
    settings: dict[str, str], tmp_path: Path
) -> None:
    broken = tmp_path / "config"
    broken.write_text("[default\n")
    chosen = {name: value.replace("BROKEN", str(broken)) for name, value in settings.items()}
    script = IMPORTS_THE_CLOUD_AND_CREATES_A_SESSION_AND_A_CLIENT
    subprocess.run([sys.executable, "-c", script], env={**os.environ, **chosen}, check=True)


def test_the_settings_are_hidden_and_then_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/etc/aws")
    monkeypatch.delenv("AWS_DEFAULT_PROFILE", raising=False)
    before = dict(os.environ)

    with without_aws_settings():
        inside = dict(os.environ)

    assert "AWS_PROFILE" not in inside
    assert inside["AWS_CONFIG_FILE"] == os.devnull
    assert dict(os.environ) == before


def test_a_proxy_of_the_machine_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:3128")
    clients = Clients("http://127.0.0.1:1", Credentials.random())
    assert clients("s3").meta.config.proxies == {}
    clients.close()


def test_a_service_has_one_client() -> None:
    clients = Clients("http://127.0.0.1:1", Credentials.random())
    assert clients("sqs") is clients("sqs")
    clients.close()
