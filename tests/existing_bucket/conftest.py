"""Local clouds whose images go to a bucket with objects of its owner, under a prefix."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from cdk.settings import Settings
from functions.core.model.runs import LocalRun
from local.aws.cloud import Cloud
from tests.infra.conftest import synthesized
from tests.integration.conftest import site

__all__ = ["site"]

BUCKET = "company-media"
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture(scope="module")
def assembly_with(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Synthesizes the stack with the bucket and a prefix, once for each prefix."""

    @cache
    def synthesize(prefix: str) -> Path:
        folder = tmp_path_factory.mktemp("cdk.out")
        synthesized(Settings(images_bucket=BUCKET, images_prefix=prefix, images_bucket_key_arn=KEY), folder)
        return folder

    return synthesize


@pytest.fixture
def cloud_with(assembly_with: Callable[[str], Path], out: Path) -> Callable[..., object]:
    """Deploys the stack with the bucket and a prefix. Clouds of one test have the same OUT."""

    @contextmanager
    def deploy(prefix: str) -> Iterator[Cloud]:
        local_run = LocalRun(command="up", out=str(out), allow="127.0.0.0/8").as_text()
        with Cloud(assembly=assembly_with(prefix), allow="127.0.0.0/8", out=out, local_run=local_run) as cloud:
            yield cloud

    return deploy
