"""A local AWS of its own for each test: its limits differ."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from local.aws.cloud import Cloud
from local.limits import Limits
from tests.integration.conftest import assembly, site

__all__ = ["assembly", "site"]


@pytest.fixture
def cloud_with(assembly: Path) -> Iterator[Callable[..., Cloud]]:
    """Deploys the stack under these limits. The other arguments are those of Cloud."""
    with ExitStack() as cleanup:

        def deploy(limits: Limits, **settings: Any) -> Cloud:
            return cleanup.enter_context(Cloud(assembly=assembly, allow="127.0.0.0/8", limits=limits, **settings))

        yield deploy
