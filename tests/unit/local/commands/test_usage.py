"""Wrong usage is one sentence that says what is wrong, where, and how to fix it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from local.commands import usage
from local.commands.usage import UsageError


@pytest.mark.parametrize(
    ("check", "text", "message"),
    [
        (usage.networks, "127.0.0.1/8", "ALLOW takes comma-separated CIDR blocks such as 127.0.0.0/8: "),
        (usage.options, "concurrency", "OPTIONS takes name=value pairs separated by spaces; 'concurrency' is not"),
        (
            usage.options,
            "a='b",
            'OPTIONS takes name=value pairs separated by spaces; in "a=\'b": No closing quotation.',
        ),
        (usage.port_number, "70000", "--port takes a number from 0 to 65535, not '70000'."),
        (usage.port_number, "http", "--port takes a number from 0 to 65535, not 'http'."),
        (usage.out_folder, __file__, f"OUT takes a folder; {__file__} is a file."),
        (usage.manifest_file, "", "MANIFEST is missing: give the path of a manifest, such as MANIFEST=my.csv."),
        (usage.manifest_file, "no.csv", "There is no manifest no.csv. MANIFEST takes the path of a file."),
    ],
)
def test_wrong_usage(check: Callable[[str], object], text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        check(text)

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("content", [None, "{", "[]", "{}", '{"context": 1}'])
def test_settings_that_cannot_be_read(content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "cdk.json"
    if content is not None:
        file.write_text(content)
    monkeypatch.setattr(usage, "SETTINGS_FILE", file)

    with pytest.raises(UsageError, match=r"Cannot read the settings from .*cdk\.json"):
        usage.stack_settings()


def test_options_become_metadata() -> None:
    assert usage.options("batch_size=5  user-agent='a b'") == {"batch-size": "5", "user-agent": "a b"}
