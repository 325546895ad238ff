"""What a command does before it runs the stack."""

import subprocess
import sys
from typing import Any

import click
import pytest

from local.startup import ROOT, drawn, synthesize


class FakeMake:
    """Keeps the arguments of `subprocess.run`, and fails if it has an output."""

    def __init__(self, output: bytes | None = None) -> None:
        self.output = output
        self.arguments: dict[str, Any] = {}

    def __call__(self, command: list[str], **arguments: Any) -> None:
        self.arguments = arguments
        if self.output is not None:
            raise subprocess.CalledProcessError(2, command, output=self.output if arguments["stdout"] else None)


@pytest.fixture(params=[True, False], ids=["terminal", "file"])
def is_terminal(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: request.param)
    return bool(request.param)


def test_a_terminal_shows_a_spinner_and_not_what_make_prints(
    is_terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = FakeMake()
    monkeypatch.setattr(subprocess, "run", make)

    assert synthesize() == ROOT / "cdk.out"
    expected = (subprocess.PIPE, subprocess.STDOUT) if is_terminal else (None, None)
    assert (make.arguments["stdout"], make.arguments["stderr"]) == expected


def test_if_make_fails_what_it_printed_is_shown(is_terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", FakeMake(b"No rule to make target.\n"))

    with pytest.raises(click.ClickException) as caught:
        synthesize()

    printed = "No rule to make target.\n" if is_terminal else ""
    assert caught.value.message == f"{printed}Cannot synthesize the stack: make has failed."


class InterruptedDisplay:
    """Receives Ctrl-C while it starts."""

    stopped = False

    def start(self) -> None:
        raise KeyboardInterrupt

    def stop(self) -> None:
        self.stopped = True


def test_a_display_that_is_interrupted_while_it_starts_is_stopped() -> None:
    display: Any = InterruptedDisplay()

    with pytest.raises(KeyboardInterrupt), drawn(display):
        pass

    assert display.stopped
