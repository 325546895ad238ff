"""A local AWS of its own for each test: its template has a fault."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from local.aws.cloud import Cloud
from local.commands.env_file import write_env_file
from tests.integration.conftest import assembly

__all__ = ["assembly"]

TEMPLATE = "ImageMirror.template.json"

Edit = Callable[[dict[str, Any]], object]
"""Changes a template in place."""


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The output folder of the running `up`."""
    return tmp_path / "out"


@pytest.fixture
def deploy(assembly: Path, tmp_path: Path, out: Path) -> Iterator[Callable[..., Cloud]]:
    """Deploys the stack after an edit of its template, and writes OUT/local.env as `up` does."""
    with ExitStack() as cleanup:

        def deploy(edit: Edit | None = None, allow: str = "127.0.0.0/8") -> Cloud:
            folder = assembly if edit is None else edited(assembly, tmp_path / "assembly", edit)
            cloud = cleanup.enter_context(Cloud(assembly=folder, allow=allow))
            write_env_file(out, cloud.environment())
            return cloud

        yield deploy


def edited(assembly: Path, folder: Path, edit: Edit) -> Path:
    """A copy of the assembly with another template. The functions run from the checkout, so assets are not copied."""
    folder.mkdir()
    for file in assembly.glob("*.json"):
        (folder / file.name).write_bytes(file.read_bytes())
    template = json.loads((assembly / TEMPLATE).read_text())
    edit(template)
    (folder / TEMPLATE).write_text(json.dumps(template))
    return folder
