"""Wrong usage is one sentence that says what is wrong, where, and how to fix it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from local.commands import usage
from local.errors import UsageError
from local.parameters import PairType


@pytest.mark.parametrize(
    ("check", "text", "message"),
    [
        (
            lambda text: usage.networks([text], "ALLOW"),
            "10.0.0.0/8,127.0.0.1/8",
            "ALLOW takes comma-separated CIDR blocks such as 127.0.0.0/8: 127.0.0.1/8 has host bits set.",
        ),
        (
            lambda text: usage.options([text], "--option"),
            "concurrency",
            "--option takes name=value, such as concurrency=16; 'concurrency' is not",
        ),
        (
            PairType("OPTIONS", ()).split_envvar_value,
            "a='b",
            'OPTIONS takes name=value pairs separated by spaces; in "a=\'b": No closing quotation.',
        ),
        (
            lambda text: usage.port_number(text, "--port"),
            "70000",
            "--port takes a number from 0 to 65535, not '70000'.",
        ),
        (lambda text: usage.port_number(text, "PORT"), "http", "PORT takes a number from 0 to 65535, not 'http'."),
        (lambda text: usage.out_folder(text, "OUT"), __file__, f"OUT takes a folder; {__file__} is a file."),
        (lambda text: usage.out_folder(text, "--out"), "x" * 300, "--out takes a folder; xxx"),
        (lambda text: usage.out_folder(text, "--out"), "~no-such-user/x", "~no-such-user/x is not a path: "),
        (usage.manifest_file, "", "MANIFEST is missing: give the path of a manifest, such as my.csv."),
        (usage.manifest_file, "no.csv", "There is no manifest no.csv. MANIFEST takes the path of a file."),
        (usage.manifest_file, "/", "There is no manifest /: it is a folder. MANIFEST takes the path of a file."),
        (usage.manifest_file, "x" * 300, "Cannot read the manifest xxx"),
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
    pairs = PairType("OPTIONS", ()).split_envvar_value("batch_size=5  user-agent='a b'")

    assert usage.options(pairs, "OPTIONS") == {"batch-size": "5", "user-agent": "a b"}


def test_networks_of_several_arguments_are_joined() -> None:
    assert usage.networks(["10.0.0.0/8, 127.0.0.0/8", "::1"], "--allow") == "10.0.0.0/8,127.0.0.0/8,::1/128"


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")

    assert usage.out_folder("~/pictures", "--out") == Path("/home/me/pictures")
