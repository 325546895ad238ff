"""The commands of all pages: our own ones, those of the AWS CLI, and requests to the API."""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any

import pytest
from awscli.clidriver import create_clidriver

from cdk.account.settings import given_settings, settings
from functions.core.model.option_validation import validate_options
from functions.core.model.options import Options
from local.commands.__main__ import commands
from local.commands.usage import given_options
from tests.unit.source_tree import ROOT

PAGES = [*sorted(ROOT.glob("docs/*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "examples" / "README.md"]
OPTIONS = {option.name for option in fields(Options)}
ONLY_VERSION_2 = {"logs tail", "--cli-binary-format"}
"""What version 1 of the AWS CLI, which the tests have, does not know."""

OUTPUT_FILE = "outfile"
"""An argument without a name."""


def lines(start: str) -> list[str]:
    """The commands of all pages that match `start`, each as one line. A usage with brackets is no command."""
    found = []
    for page in PAGES:
        text = page.read_text().replace(" \\\n", " ")
        blocks = [line.strip() for line in text.splitlines() if line.startswith("    ")]
        found += [line for line in blocks if re.search(start, line) and "[--" not in line]
    assert found
    return sorted(set(found))


def words(line: str) -> list[str]:
    return shlex.split(line, comments=True)


@pytest.mark.parametrize("line", lines(r"^\./image-mirror "))
def test_a_command_can_be_parsed_and_its_options_are_valid(line: str) -> None:
    _, name, *arguments = words(line)
    group = commands.make_context("image-mirror", [name])  # its settings hold for the command

    with commands.commands[name].make_context(name, arguments, parent=group) as context:
        pairs = context.params.get("pairs", ())
        if name == "deploy":
            settings(given_settings(pairs, "", name="--setting"))
        elif "pairs" in context.params:
            flags = {key: value for key, value in context.params.items() if key in OPTIONS}
            validate_options(given_options(pairs, flags))


def aws_commands() -> list[list[str]]:
    found = [command for line in lines(r"(^|\()aws ") for command in re.findall(r"(?:^|\()aws (.*)", line)]
    return [words(command.rstrip(")")) for command in found]


@cache
def aws_help() -> Any:
    """Has the services of the AWS CLI as `command_table`, and the arguments that all commands have as `arg_table`."""
    return create_clidriver().create_help_command()


@cache
def operations(service: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = aws_help().command_table[service].create_help_command().command_table
    return found


@pytest.mark.parametrize("command", aws_commands(), ids=lambda command: " ".join(command[:2]))
def test_a_command_of_the_aws_cli_has_the_arguments_that_it_needs_and_no_others(command: list[str]) -> None:
    service, operation, *arguments = command
    if f"{service} {operation}" in ONLY_VERSION_2:
        return
    given = {each[2:] for each in arguments if each.startswith("--") and each not in ONLY_VERSION_2}
    known = operations(service)[operation].arg_table
    required = {name for name, each in known.items() if each.required and not each.positional_arg} - {OUTPUT_FILE}

    assert given <= set(known) | set(aws_help().arg_table)
    assert required <= given


def test_metadata_of_an_upload_are_options() -> None:
    for command in aws_commands():
        if "--metadata" in command and "--metadata-directive" not in command:
            pairs = command[command.index("--metadata") + 1].split(",")
            validate_options(dict(pair.split("=", 1) for pair in pairs))


METHODS = ((r"-X (\w+)", r"\1"), (r"-s?G", "GET"), (r"(-d|--data) ", "POST"), ("", "GET"))
"""Arguments of curl, and the method of the request with the first one that it has."""


@pytest.mark.parametrize("line", lines(r"curl .*\$API_URL/"))
def test_a_request_is_one_of_the_api(line: str) -> None:
    paths = json.loads((ROOT / "docs" / "openapi.json").read_text())["paths"]
    (path,) = re.findall(r"\$API_URL([\w/$]*)", line)
    pattern, method = next(row for row in METHODS if re.search(row[0], line))
    called = re.search(pattern, line)
    assert called

    methods = [set(paths[each]) for each in paths if re.fullmatch(re.sub(r"\{\w+\}", r"[^/]+", each), path)]

    assert [each for each in methods if called.expand(method).lower() in each]
