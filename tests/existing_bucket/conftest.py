"""Local clouds whose images go to a bucket with objects of its owner, under a prefix."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cdk.settings import Settings
from local.aws.cloud import Cloud
from tests.infra.conftest import synthesized
from tests.integration.conftest import site

__all__ = ["site"]

BUCKET = "company-media"
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def cloud_with(tmp_path_factory: pytest.TempPathFactory, out: Path) -> Callable[..., object]:
    """Deploys the stack with the bucket and a prefix. Clouds of one test have the same OUT."""

    @contextmanager
    def deploy(prefix: str) -> Iterator[Cloud]:
        folder = tmp_path_factory.mktemp("cdk.out")
        synthesized(Settings(images_bucket=BUCKET, images_prefix=prefix, images_bucket_key_arn=KEY), folder)
        with Cloud(assembly=folder, allow="127.0.0.0/8", out=out) as cloud:
            yield cloud

    return deploy
