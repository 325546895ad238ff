"""The spinner and the bar in a pseudo-terminal: what is seen, and what is left after Ctrl-C."""

import re

import pytest

from tests.support.terminal import INTERRUPT, Terminal

BAR = """
import time
from local.commands.terminal import Terminal
from local.commands.watcher import ExecutionStatus, RunProgress

COUNTS = {"stored": 1_100_000, "unchanged": 12_345, "skipped": 1_234, "duplicate": 321, "failed": 345}
def polls():
    for finished in (1_000_000, 1_126_245):
        yield RunProgress(ExecutionStatus("RUNNING"), 10_000_000, finished, COUNTS)
        time.sleep(0.2)
    wait_for_enter()
    yield RunProgress(ExecutionStatus("SUCCEEDED"), 10_000_000, 10_000_000, COUNTS)

try:
    Terminal().follow(polls())
except KeyboardInterrupt:
    print("Interrupted.")
"""
SPINNER = """
import sys
from local.startup import spinner
try:
    with spinner("Deploying a stack with a long name") as show:
        print("a line", file=sys.stderr, flush=True)
        show("Creating the table of the images")
        wait_for_enter()
except KeyboardInterrupt:
    print("Interrupted.")
"""
ACCOUNT = """
import sys
from cdk.account import assembly, aws, cdk_cli, destroy
from cdk.account.aws import Account
from local.commands.__main__ import main

aws.account = lambda *_: Account(lambda name: None, "eu-west-1")
aws.check_credentials = lambda *_: None
cdk_cli.install = cdk_cli.run = assembly.synthesize = destroy.contents = wait_for_enter
sys.exit(main([{command!r}]))
"""
VERIFY = """
import sys
from unittest.mock import MagicMock, Mock
from local.verify import command
from local.verify.table import Output

command.Removal = Mock(return_value=Mock(remove=lambda: []))
stack = MagicMock(region="eu-west-1", is_local=True)
stack.name = "ImageMirror"
checked = command.Verification(stack, Output(), ["alarms"])
checked._begin = wait_for_enter
sys.exit(checked.run())
"""


def _is_drawn(lines: list[str]) -> bool:
    return len(lines) == 2 and "1126245/10000000" in lines[0] and "left" in lines[0]


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_the_bar_keeps_one_line_of_figures_and_one_of_outcomes(columns: int) -> None:
    with Terminal(BAR, columns=columns, echo=False) as terminal:
        terminal.wait_for(_is_drawn)
        figures, outcomes = terminal.screen.text
        terminal.press(b"\n")
        assert terminal.ended() == 0

    rate, elapsed = (r" [\d,.]+ rows/s", r" \d:\d\d:\d\d") if columns >= 80 else (" +", " *")
    assert re.search(f"1126245/10000000{rate} [\\d:]+ left{elapsed}$", figures)
    if columns >= 80:
        assert outcomes == "1,100,000 stored, 12,345 unchanged, 1,234 skipped, 321 duplicate, 345 failed"
    assert max(map(len, (figures, outcomes))) <= columns
    assert terminal.screen.text == [], "the result follows in its place"
    assert terminal.screen.cursor_visible


def test_a_spinner_has_one_line_with_the_time_below_what_is_printed() -> None:
    with Terminal(SPINNER, columns=40, echo=False) as terminal:
        terminal.wait_for(lambda lines: len(lines) == 2 and "Creating" in lines[1] and "0:" in lines[1])
        printed, line = terminal.screen.text
        terminal.press(b"\n")
        assert terminal.ended() == 0

    assert printed == "a line"
    assert re.fullmatch(r". Creating the table of the i… 0:00:\d\d", line)
    assert terminal.screen.text == ["a line"]
    assert terminal.screen.cursor_visible


CDK = """
import sys
from pathlib import Path
from cdk.account import cdk_cli

cdk_cli.install = lambda: None
code = "print(chr(27) + '[?25l' + 'Deploy?', end='', flush=True); input()"
cdk_cli.node.command = lambda *_: [sys.executable, "-c", code]
try:
    cdk_cli.run("deploy", assembly=Path("."))
except KeyboardInterrupt:
    print()
    print("Interrupted.")
"""

PHASES = {
    "bar": (BAR, "rows/s", 0),
    "deploy": (ACCOUNT.format(command="deploy"), "Synthesizing the stack", 130),
    "bootstrap": (ACCOUNT.format(command="bootstrap"), "Synthesizing the stack", 130),
    "destroy": (ACCOUNT.format(command="destroy"), "Counting the objects", 130),
    "verify": (VERIFY, "Starting runs", 130),
    "cdk": (CDK, "Deploy?", 0),
}


@pytest.mark.parametrize("phase", PHASES)
def test_after_ctrl_c_the_cursor_is_visible_and_no_line_is_left(phase: str) -> None:
    code, text, status = PHASES[phase]

    with Terminal(code) as terminal:
        terminal.wait_for(lambda lines: any(text in line for line in lines))
        before = terminal.screen
        terminal.press(INTERRUPT)
        found = terminal.ended()

    assert (found, before.cursor_visible, terminal.screen.cursor_visible) == (status, False, True)
    assert any(text in line for line in before.text)
    assert not any(text in line for line in terminal.screen.text if phase != "cdk")  # its question stays
    assert any(line.startswith("Interrupted.") for line in terminal.screen.text)
    assert phase == "cdk" or not any("Traceback" in line for line in terminal.screen.text)


@pytest.mark.parametrize("code", [BAR, SPINNER], ids=["bar", "spinner"])
def test_a_terminal_that_cannot_move_its_cursor_gets_plain_lines(code: str) -> None:
    with Terminal(code, echo=False, variables={"TERM": "dumb"}) as terminal:
        terminal.press(b"\n")
        assert terminal.ended() == 0

    assert "\x1b" not in terminal.output
    assert ("1,000,000 of 10,000,000 rows" in terminal.output) == (code is BAR)


def test_without_colours_the_bar_moves_all_the_same() -> None:
    with Terminal(BAR, echo=False, variables={"NO_COLOR": "1"}) as terminal:
        terminal.wait_for(_is_drawn)
        terminal.press(b"\n")
        assert terminal.ended() == 0

    assert "\x1b[?25l" in terminal.output
    assert re.findall("\x1b\\[[\\d;]*[39][0-7][\\d;]*m", terminal.output) == []
