"""The embedded AWS is deaf to the machine's own AWS settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.aws.clients import Clients

USES_A_SESSION = "import local.aws, boto3; boto3.Session().get_available_regions('ec2')"


@pytest.mark.parametrize(
    "settings", [{"AWS_PROFILE": "nobody"}, {"AWS_DEFAULT_PROFILE": "nobody"}, {"AWS_CONFIG_FILE": "BROKEN"}]
)
def test_a_profile_or_configuration_that_is_broken_does_not_matter(settings: dict[str, str], tmp_path: Path) -> None:
    broken = tmp_path / "config"
    broken.write_text("[default\n")
    chosen = {name: value.replace("BROKEN", str(broken)) for name, value in settings.items()}
    subprocess.run([sys.executable, "-c", USES_A_SESSION], env={**os.environ, **chosen}, check=True)


def test_a_proxy_of_the_machine_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:3128")
    clients = Clients("http://127.0.0.1:1")
    assert clients("s3").meta.config.proxies == {}
    clients.close()


def test_a_service_has_one_client() -> None:
    clients = Clients("http://127.0.0.1:1")
    assert clients("sqs") is clients("sqs")
    clients.close()
