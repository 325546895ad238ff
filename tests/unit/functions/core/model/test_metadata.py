"""Options in the metadata of an object."""

import pytest

from functions.core.model.metadata import options_from_metadata
from functions.core.model.options import Options

OTHER_TOOLS = [
    "mtime", "s3cmd-attrs", "uid", "gid", "mode", "file-mtime", "file-permissions", "File-Owner", "Md5Chksum",
    "rclone-x", "cb-modifiedtime", "src_last_modified_millis", "goog-reserved-file-mtime", "x-amz-meta", "sha256",
]  # fmt: skip


@pytest.mark.parametrize("name", OTHER_TOOLS)
def test_what_other_tools_write_is_not_an_option(name: str) -> None:
    assert options_from_metadata({name: "x", "batch-size": "5"}) == {"batch-size": "5"}


@pytest.mark.parametrize("name", [*Options.__dataclass_fields__, "conzurrency", "lambdaConcur"])
def test_everything_else_is_an_option(name: str) -> None:
    for spelling in (name, name.replace("_", "-")):
        assert options_from_metadata({spelling: "x"}) == {spelling.lower(): "x"}


def test_the_user_agent_of_a_copy_service_is_not_an_option() -> None:
    assert options_from_metadata({"user-agent": "aws-datasync", "user-agent-id": "aws-datasync"}) == {}
    assert options_from_metadata({"user-agent": "Mine/1.0"}) == {"user-agent": "Mine/1.0"}
