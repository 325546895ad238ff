"""The pages for people in a hurry: every option, setting, reason, command, message and file that they name exists."""

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

from cdk.account.settings import settings
from cdk.settings import Settings
from functions.core.model.option_validation import validate_options
from functions.core.model.options import LIST_CHOICES, Options
from functions.core.model.outcomes import OUTCOME_MEANINGS
from functions.core.model.reasons import Reason
from functions.core.summary.index.columns import COLUMNS
from local.commands.__main__ import commands
from tests.unit.source_tree import ROOT, sources

FAQ = ROOT / "docs" / "faq.md"
COMING_FROM = ROOT / "docs" / "coming-from.md"
EXAMPLES = ROOT / "examples" / "README.md"
PAGES = pytest.mark.parametrize("page", [FAQ, COMING_FROM, EXAMPLES], ids=lambda page: page.stem)

OPTIONS = {option.name for option in fields(Options)}
SETTINGS = {setting.name for setting in fields(Settings)}
VALUES = {"any", "record", "ignore", "refresh", "skip", *chain.from_iterable(LIST_CHOICES.values())}
COLUMNS_OF_ROWS = {"url", "key", "size", "md5", "sha256"}
KNOWN = (
    OPTIONS
    | SETTINGS
    | VALUES
    | COLUMNS_OF_ROWS
    | set(map(str, Reason))
    | set(OUTCOME_MEANINGS)
    | {column.name for column in COLUMNS}
    | {name.replace("-", "_") for name in commands.commands}
)
OTHERS = {"aws", "image_urls"}
"""Names of other programs: the command of AWS, and a field of Scrapy, which is a name of the URL column."""

SHORTEST = 20
"""Minimum number of characters of a message that are not values."""


def lines(page: Path) -> Iterator[str]:
    """Those that are about this project: the first column of a table of coming-from.md is about another program."""
    for line in page.read_text().splitlines():
        yield line.split("|", 2)[2] if page == COMING_FROM and line.startswith("| ") else line


def names(page: Path, pattern: str) -> list[re.Match[str]]:
    """The inline code of a page that is of this pattern."""
    spans = [span for line in lines(page) if not line.startswith("    ") for span in re.findall(r"`([^`]+)`", line)]
    return [found for span in spans if (found := re.fullmatch(pattern, span))]


def check_pair(name: str, value: str) -> None:
    """Raises for an option or a setting that does not exist, or has not this value."""
    if name in OPTIONS:
        validate_options({name: value})
    else:
        settings({name: value})


@PAGES
def test_a_name_is_an_option_a_setting_a_reason_a_column_or_a_command(page: Path) -> None:
    found = {match[0] for match in names(page, r"[a-z][a-z0-9]*(_[a-z0-9]+)*")}

    assert sorted(found - KNOWN - OTHERS) == []


@PAGES
def test_an_option_or_a_setting_can_have_the_value(page: Path) -> None:
    for match in names(page, r"(\w+)=(\S+)"):
        check_pair(match[1], match[2])


def test_wrong_pairs_would_be_found() -> None:
    for name, value in (("per_hosts", "1"), ("per_host", "many"), ("robots", "disobey"), ("log_level", "LOUD")):
        with pytest.raises(Exception, match=f"{name}|{value}"):
            check_pair(name, value)


@PAGES
def test_a_flag_is_one_of_a_command(page: Path) -> None:
    flags = {flag for command in commands.commands.values() for each in command.params for flag in each.opts}

    found = [match[1] for match in names(page, r"(--[a-z-]+)( .*)?")]
    assert [flag for flag in found if flag not in flags] == []


@cache
def message_patterns() -> tuple[re.Pattern[str], ...]:
    """The texts of the code, in which a value may be anything."""
    texts = (node for path in sources("functions").values() for node in ast.walk(ast.parse(path.read_text())))
    parts = (_parts(node) for node in texts)
    return tuple(re.compile(".+".join(map(re.escape, each)), re.S) for each in parts if len("".join(each)) >= SHORTEST)


def _parts(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if not isinstance(node, ast.JoinedStr):
        return []
    text = "".join(str(part.value) if isinstance(part, ast.Constant) else "\0" for part in node.values)
    return text.split("\0")


def is_message(text: str) -> bool:
    return any(pattern.fullmatch(text) for pattern in message_patterns())


def test_a_message_is_one_of_the_code() -> None:
    messages = [line.removeprefix("> ") for line in lines(FAQ) if line.startswith("> ")]

    assert len(messages) >= 9
    assert [message for message in messages if not is_message(message)] == []
    assert not is_message("Connection refused: the host resolves to a non-public address.")


@PAGES
def test_a_file_of_a_run_is_written_by_the_code(page: Path) -> None:
    written = "\n".join(path.read_text() for path in sources("functions").values())
    own = {"list.csv", "retry.csv", "Makefile", "cdk.json"}  # retry.csv has the extension of the manifest

    found = {match[0].rpartition("/")[2] for match in names(page, r"[\w/]+\.(csv|json|html|sql|parquet)")}
    assert sorted(name for name in found - own if name not in written) == []
