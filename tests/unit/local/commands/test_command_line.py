"""The command line: what each command receives, and what the wrong usage of it says."""

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest
from click.testing import CliRunner

from cdk.account.aws import EVENTS_DELAY, Account
from cdk.account.destroy import Contents
from functions.core.model.options import Options
from functions.version import VERSION
from local.commands import __main__ as command_line
from local.commands.__main__ import commands, main
from local.commands.usage import LIMITS
from local.errors import UsageError
from local.limits import Limits
from local.out_lock import lock_out, read_owner
from local.parameters import option_choices

ROOT = Path(__file__).parents[4]
COMMANDS = (
    *("run", "probe", "up", "watch", "console", "index", "verify", "plan", "cost"),
    *("bootstrap", "deploy", "destroy"),
)


class FakeCommand(ModuleType):
    """Replaces the module of a command, which is imported when it is needed, and keeps the arguments."""

    def __init__(self, name: str) -> None:
        super().__init__(f"local.commands.{name}")
        setattr(self, name, self._call)
        self.arguments: dict[str, Any] = {}
        self.owner: str = ""
        self.status = 0

    def _call(self, **arguments: Any) -> int:
        self.arguments = arguments
        if "out" in arguments and (owner := read_owner(arguments["out"])):
            self.owner = owner.command
        return self.status


@pytest.fixture
def fake(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> FakeCommand:
    """The command of that name; its stack is not synthesized."""
    fake = FakeCommand(request.param)
    monkeypatch.setitem(sys.modules, fake.__name__, fake)
    monkeypatch.setattr(command_line, "synthesize", lambda: Path("assembly"))
    return fake


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "my list.csv"
    path.write_text("url\nhttp://a.example/1\n")
    return path


def invoke(*arguments: str | Path, env: Mapping[str, str] | None = None) -> Any:
    """The value that the command returns."""
    result = CliRunner().invoke(commands, [*map(str, arguments)], env=env, standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.return_value


@pytest.mark.parametrize("fake", ["run"], indirect=True)
def test_run_takes_a_manifest_options_networks_and_a_folder(fake: FakeCommand, manifest: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    invoke(
        *("run", manifest, "--out", out, "--allow", "10.0.0.0/8,127.0.0.0/8", "--allow", "::1"),
        *("--option", "user_agent=a b", "--option", "Batch_Size=5", "--concurrency", "16", "--per_host=2"),
    )

    assert fake.arguments == {
        "assembly": Path("assembly"),
        "out": out,
        "allow": "10.0.0.0/8,127.0.0.0/8,::1/128",
        "manifest": str(manifest),
        "options": {"user-agent": "a b", "batch-size": "5", "concurrency": "16", "per-host": "2"},
        "demo": False,
        "limits": Limits(),
    }


@pytest.mark.parametrize("fake", ["run"], indirect=True)
def test_run_takes_the_same_from_the_environment(fake: FakeCommand, manifest: Path, tmp_path: Path) -> None:
    variables = {
        "IMAGE_MIRROR_MANIFEST": str(manifest),
        "IMAGE_MIRROR_OUT": str(tmp_path / "out"),
        "IMAGE_MIRROR_ALLOW": "10.0.0.0/8, 127.0.0.0/8",
        "IMAGE_MIRROR_OPTIONS": "user_agent='a b' batch-size=5",
        "IMAGE_MIRROR_CONCURRENCY": "16",
    }

    invoke("run", env=variables)

    assert fake.arguments == {
        "assembly": Path("assembly"),
        "out": tmp_path / "out",
        "allow": "10.0.0.0/8,127.0.0.0/8",
        "manifest": str(manifest),
        "options": {"user-agent": "a b", "batch-size": "5", "concurrency": "16"},
        "demo": False,
        "limits": Limits(),
    }


@pytest.mark.parametrize("fake", ["run"], indirect=True)
@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (("--header", "Referer: http://a.example/", "--header", "X-A: \u00e9"), {}),
        (("--option", "headers=Referer: http://a.example/\nX-A: \u00e9"), {}),
        (("--headers", '{"Referer": "http://a.example/", "X-A": "\u00e9"}'), {}),
        ((), {"IMAGE_MIRROR_HEADERS": "Referer: http://a.example/\nX-A: \u00e9\n"}),
    ],
)
def test_headers_are_lines_and_become_metadata_of_ascii(
    fake: FakeCommand, manifest: Path, tmp_path: Path, arguments: tuple[str, ...], variables: dict[str, str]
) -> None:
    invoke("run", manifest, "--out", tmp_path / "out", *arguments, env=variables)

    (headers,) = fake.arguments["options"].values()
    assert headers.isascii()
    assert json.loads(headers) == {"Referer": "http://a.example/", "X-A": "\u00e9"}


@pytest.mark.parametrize("fake", ["run"], indirect=True)
def test_the_command_line_takes_precedence_over_the_environment(fake: FakeCommand, tmp_path: Path) -> None:
    invoke("run", "--out", tmp_path / "a", env={"IMAGE_MIRROR_OUT": str(tmp_path / "b"), "IMAGE_MIRROR_OPTIONS": ""})

    assert fake.arguments["out"] == tmp_path / "a"
    assert fake.arguments["manifest"] is None


@pytest.mark.parametrize("fake", ["run", "up"], indirect=True)
def test_limits_are_flags_and_variables(fake: FakeCommand, tmp_path: Path) -> None:
    name = fake.__name__.rpartition(".")[2]
    environment = {"IMAGE_MIRROR_ENVIRONMENTS": "24", "IMAGE_MIRROR_WRITE_CAPACITY": "5"}

    invoke(name, "--out", tmp_path, "--lambda-concurrency", "10", "--async-retry-seconds", "0.5", env=environment)

    assert fake.arguments["limits"] == Limits(
        lambda_concurrency=10, environments=24, write_capacity=5, async_retry_seconds=0.5
    )


def test_every_limit_has_a_flag() -> None:
    assert set(LIMITS) == {field.name for field in fields(Limits)}


@pytest.mark.parametrize(
    ("name", "value"), [("lambda-concurrency", "0"), ("environments", "2.5"), ("read-capacity", "x")]
)
def test_a_limit_out_of_range_is_refused(name: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", f"--{name}", value]) == 2
    assert capsys.readouterr().err.startswith(f"--{name} takes a whole number from 1 to ")


@pytest.mark.parametrize("fake", ["run", "up"], indirect=True)
def test_a_command_that_changes_the_folder_owns_it(fake: FakeCommand, tmp_path: Path) -> None:
    name = fake.__name__.rpartition(".")[2]

    invoke(name, "--out", tmp_path)

    assert fake.owner == name
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("fake", ["up"], indirect=True)
def test_a_folder_in_use_is_refused(fake: FakeCommand, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with lock_out(tmp_path, "run"):
        status = main(["up", "--out", str(tmp_path)])

    assert status == 2
    assert capsys.readouterr().err.startswith(f"{tmp_path} is in use by `run` of ")
    assert fake.arguments == {}


@pytest.mark.parametrize("fake", ["watch"], indirect=True)
def test_a_folder_in_use_can_be_watched(fake: FakeCommand, tmp_path: Path) -> None:
    with lock_out(tmp_path, "up"):
        invoke("watch", "--out", tmp_path, "--run", "demo-1")

    assert fake.arguments == {"out": tmp_path, "run_id": "demo-1", "stack_name": "ImageMirror"}


@pytest.mark.parametrize("fake", ["watch"], indirect=True)
def test_another_stack_can_be_watched(fake: FakeCommand, tmp_path: Path) -> None:
    invoke("watch", "--out", tmp_path, "--stack-name", "Second")

    assert fake.arguments["stack_name"] == "Second"


@pytest.mark.parametrize("fake", ["run"], indirect=True)
@pytest.mark.parametrize("status", [0, 1, 130])
def test_the_exit_status_is_that_of_the_command(fake: FakeCommand, tmp_path: Path, status: int) -> None:
    fake.status = status

    assert main(["run", "--out", str(tmp_path)]) == status


@pytest.mark.parametrize("fake", ["run"], indirect=True)
def test_an_interrupted_command_has_status_130(
    fake: FakeCommand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(**arguments: Any) -> int:
        raise KeyboardInterrupt

    fake.run = interrupted  # type: ignore[attr-defined]

    assert main(["run", "--out", str(tmp_path)]) == 130
    assert capsys.readouterr().err.strip() == "Interrupted."
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("fake", ["run", "up"], indirect=True)
def test_an_unexpected_error_is_one_sentence_and_its_traceback_is_in_the_log(
    fake: FakeCommand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(**arguments: Any) -> int:
        raise KeyError("stack")

    name = fake.__name__.rpartition(".")[2]
    setattr(fake, name, broken)
    out = tmp_path / "out"

    status = main([name, "--out", str(out)])

    shown = capsys.readouterr()
    assert status == 1
    sentence = f"The command {name} failed: KeyError: 'stack'. The log has the details: {out / 'local.log'}\n"
    assert (shown.out, shown.err) == ("", sentence)
    assert "Traceback" in (out / "local.log").read_text()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["rum"], "No such command 'rum'. Did you mean 'run'?"),
        (["run", "--alow", "x"], "No such option '--alow'. Did you mean '--allow'?"),
        (["run", "a.csv", "b.csv"], "Got unexpected extra argument (b.csv)"),
        (["run", "--option", "concurency=4"], "There is no option 'concurency'. Did you mean 'concurrency'?"),
        (["run", "--header", "s3cr3t"], "Option 'headers': Line 1 of the headers has no colon: write 'Name: value'."),
        (["run", "--header", "Host: a"], "Option 'headers': The header Host cannot be set: "),
        (["run", "--header", "Cookie: \u2026"], "Option 'headers': The value of the header Cookie is missing: "),
        (["run", "--header", "User-Agent: a"], "Option 'headers': User-Agent has an option of its own: user_agent."),
        (["run", "--header", f"Cookie: {'x' * 2000}"], "The options have 2,021 bytes; at most 2,000 are possible, "),
        (["plan", "x.csv", "--option", "headers={"], "Option 'headers': The text of the headers begins with { and"),
        (["run", "--option", "concurrency"], "--option takes name=value, such as concurrency=16; 'concurrency' is not"),
        (["run", "--concurrency", "many"], "Option 'concurrency' must be a whole number from 1 to 256; received"),
        (["run", "--allow", "127.0.0.1/8"], "--allow takes comma-separated CIDR blocks such as 127.0.0.0/8: "),
        (["run", "--out", __file__], f"--out takes a folder; {__file__} is a file."),
        (["run", "missing.csv"], "There is no manifest missing.csv."),
        (["run", str(ROOT)], "There is no manifest"),
        (["run", str(ROOT / "manifests" / "sample.csv"), "--demo"], "--demo is for a retry manifest of the demo. "),
        (["up", "--port", "x"], "--port takes a number from 0 to 65535, not 'x'."),
        (["watch", "--run"], "Option '--run' requires an argument."),
        (["verify", "--only", "xml"], "There is no line 'xml'. The lines are: csv, outcomes, "),
        (["verify", "--out", __file__], f"--out takes a folder; {__file__} is a file."),
        (["plan"], "MANIFEST is missing"),
        (["cost", "--images", "0"], "--images takes a whole number from 1 to"),
        (["cost", "--chart", "missing/a.svg"], "Cannot write the chart missing/a.svg: No such file or directory."),
    ],
)
def test_wrong_usage_is_one_sentence_with_status_2(
    arguments: list[str],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)

    status = main(arguments)

    shown = capsys.readouterr()
    assert status == 2
    assert shown.err.startswith(sentence)
    assert (shown.out, len(shown.err.splitlines())) == ("", 1)
    assert [*tmp_path.iterdir()] == []


def test_a_value_from_make_is_called_by_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IMAGE_MIRROR_OUT", __file__)
    monkeypatch.setenv("IMAGE_MIRROR_ALLOW", "x")

    main(["watch"])
    main(["up"])

    out, allow = capsys.readouterr().err.splitlines()
    assert out == f"OUT takes a folder; {__file__} is a file."
    assert allow.startswith("ALLOW takes comma-separated CIDR blocks")


def test_quotes_that_are_not_closed_are_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IMAGE_MIRROR_OPTIONS", "user_agent='it")

    assert main(["run"]) == 2
    assert capsys.readouterr().err.startswith("OPTIONS takes name=value pairs separated by spaces; in ")


@pytest.mark.parametrize("arguments", [(), *((name,) for name in COMMANDS)])
def test_help_and_version_are_everywhere(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    statuses = [main([*arguments, flag]) for flag in ("--help", "-h", "--version")]

    shown = capsys.readouterr().out
    assert statuses == [0, 0, 0]
    assert shown.count(f"Usage: {' '.join(('image-mirror', *arguments))}") == 2
    assert f"image-mirror, version {VERSION}" in shown


def test_help_has_the_defaults_of_this_machine_and_of_aws(capsys: pytest.CaptureFixture[str]) -> None:
    main(["run", "--help"])

    shown = re.sub(r"\s+", " ", capsys.readouterr().out)
    assert "with 0, such rows fail with their batch (default: 0 on this machine, 1000 in AWS)" in shown
    assert "such as the size of a shirt (default: none)" in shown


def test_the_help_of_all_commands_shows_whole_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--help"])

    lines = capsys.readouterr().out.partition("Commands:\n")[2].splitlines()
    assert [line for line in lines if line.endswith("...")] == []


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert all(name in capsys.readouterr().err for name in ["Usage:"])


@pytest.mark.parametrize("name", ["run", "plan"])
def test_every_option_of_a_run_is_a_flag(name: str) -> None:
    flags = {flag for parameter in commands.commands[name].params for flag in parameter.opts}

    assert {f"--{option.name.replace('_', '-')}" for option in fields(Options)} <= flags


def test_the_makefile_lists_every_flag() -> None:
    text = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    flags = next(line.split(":=")[1].split() for line in text.splitlines() if line.startswith("FLAGS :="))

    assert flags == ["PORT", *(field.name.upper() for field in (*fields(Options), *fields(Limits)))]


def test_every_variable_that_make_passes_is_one_of_the_command_line() -> None:
    lines = (ROOT / "Makefile").read_text().splitlines()
    lists = [line.split(":=")[1].split() for line in lines if line.startswith(("VALUES :=", "ACCOUNT_FLAGS :="))]
    values = [name for names in lists for name in names]
    known = {str(parameter.envvar) for command in commands.commands.values() for parameter in command.params}

    assert {f"IMAGE_MIRROR_{name}" for name in values} <= known


@pytest.mark.parametrize(
    ("arguments", "incomplete", "expected"),
    [
        (["run"], "--on-e", {"--on-existing"}),
        (["run", "--on-existing"], "", {"skip", "refresh", "overwrite"}),
        (["run", "--option"], "per", {"per_host="}),
        (["plan", "--respect-opt-out"], "f", {"false"}),
        ([], "de", {"deploy", "destroy"}),
        (["deploy", "-c"], "api_", {"api_account_role=", "api_docs=", "api_rate_limit=", "api_burst_limit="}),
    ],
)
def test_a_shell_completes_names_and_values(arguments: list[str], incomplete: str, expected: set[str]) -> None:
    complete = click.shell_completion.BashComplete(commands, {}, "image-mirror", "_IMAGE_MIRROR_COMPLETE")

    assert {item.value for item in complete.get_completions(arguments, incomplete)} == expected


def test_an_option_with_any_number_has_no_choices() -> None:
    assert option_choices("concurrency") == ()


class FakeCdk:
    """Replaces the synthesis, the CDK CLI, and the deployed stack."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, status: int = 0, exists: bool = True) -> None:
        self.status = status
        self.exists = exists
        self.context: Mapping[str, str] = {}
        self.calls: list[tuple[str, ...]] = []
        self.assembly = Path()
        monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
        monkeypatch.setattr("cdk.account.assembly.synthesize", self._synthesize)
        monkeypatch.setattr("cdk.account.cdk_cli.install", Path)
        monkeypatch.setattr("cdk.account.cdk_cli.run", self._run)
        monkeypatch.setattr("cdk.account.aws.account", lambda arguments: Account(lambda service: None, "eu-west-1"))
        monkeypatch.setattr("cdk.account.aws.check_credentials", lambda arguments: None)
        monkeypatch.setattr("cdk.account.aws.stack", self._stack)
        monkeypatch.setattr("cdk.account.destroy.checked", self._checked)

    def _synthesize(self, given: Mapping[str, str], folder: Path, *, bundled: bool = True) -> Path:
        self.context, self.assembly = given, folder
        return folder

    def _run(self, *arguments: str, assembly: Path) -> int:
        assert assembly == self.assembly
        self.calls.append(arguments)
        return self.status

    def _stack(self, client: object, name: str) -> Mapping[str, str] | None:
        return {"StackStatus": "UPDATE_COMPLETE"} if self.exists else None

    def _checked(self, account: Account, stack_name: str, **options: Any) -> Contents:
        self.destroyed = stack_name, options["with_objects"]
        return Contents({}, ["input"])


@pytest.mark.parametrize(("status", "expected"), [(0, 0), (1, 1), (127, 1)])
@pytest.mark.parametrize("name", ["bootstrap", "deploy", "destroy"])
def test_account_commands_pass_arguments_to_the_cdk(
    name: str, status: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    cdk = FakeCdk(monkeypatch, status)

    assert main([name, "--", "--require-approval", "never"]) == expected
    assert cdk.calls == [(name, "--require-approval", "never")]


SETTINGS = {"stack_name": "Second", "contact": "a b", "default_options": '{"per_host": 4}'}


def test_settings_reach_the_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    cdk = FakeCdk(monkeypatch)

    main(["deploy", "-c", "contact=a b", "--setting", 'default-options={"per_host": 4}', "--stack-name", "Second"])

    assert cdk.context == SETTINGS
    assert cdk.assembly == ROOT / "cdk.deploy" / "Second"


def test_settings_reach_the_deployment_from_make(monkeypatch: pytest.MonkeyPatch) -> None:
    cdk = FakeCdk(monkeypatch)
    monkeypatch.setenv("IMAGE_MIRROR_SETTINGS", """contact='a b' default_options='{"per_host": 4}'""")
    monkeypatch.setenv("IMAGE_MIRROR_STACK_NAME", "Second")

    main(["deploy"])

    assert cdk.context == SETTINGS


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-c", "contakt=x"], "There is no setting 'contakt' in the CDK context. Did you mean 'contact'?"),
        (["-c", "contact"], "-c takes name=value, such as contact=me@example.org; 'contact' is not such a pair."),
        (
            ["-c", "allowed_networks=10.0.0.1/8"],
            "Setting 'allowed_networks' in the CDK context must be comma-separated",
        ),
        (["--stack-name", "a b"], "Setting 'stack_name' in the CDK context must be a name of up to 128 letters"),
        (["--", "-c", "contact=x"], "Give settings before the --: ./image-mirror deploy -c name=value. Found -c after"),
        (["--", "--context=contact=x"], "Give settings before the --"),
    ],
)
def test_a_wrong_setting_deploys_nothing(
    arguments: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cdk = FakeCdk(monkeypatch)

    assert main(["deploy", *arguments]) == 2
    assert capsys.readouterr().err.startswith(sentence)
    assert cdk.calls == []


@pytest.mark.parametrize(("exists", "status", "shown"), [(False, 0, True), (True, 0, False), (False, 1, False)])
def test_a_first_deployment_says_that_uploads_start_runs_after_some_minutes(
    exists: bool, status: int, shown: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    FakeCdk(monkeypatch, status, exists)

    main(["deploy"])

    assert (EVENTS_DELAY in capsys.readouterr().out) == shown
    assert "about five minutes" in EVENTS_DELAY


def test_a_deployment_says_which_stack_it_updates(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    FakeCdk(monkeypatch)

    main(["deploy", "-c", "environment=staging"])

    assert capsys.readouterr().out.splitlines()[0] == "The stack ImageMirror exists in eu-west-1: it is updated."


@pytest.mark.parametrize(
    ("arguments", "destroyed", "call"),
    [
        ([], ("ImageMirror", False), ("destroy",)),
        (["--yes"], ("ImageMirror", False), ("destroy", "--force")),
        (["--empty"], ("ImageMirror", True), ("destroy", "--force")),
        (["--empty", "--yes", "--stack-name", "Second"], ("Second", True), ("destroy", "--force")),
    ],
)
def test_destroy_names_its_stack_and_is_confirmed_once(
    arguments: list[str],
    destroyed: tuple[str, bool],
    call: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cdk = FakeCdk(monkeypatch)

    assert main(["destroy", *arguments]) == 0
    assert (cdk.destroyed, cdk.calls, cdk.context) == (destroyed, [call], {"stack_name": destroyed[0]})
    assert capsys.readouterr().out == "The bucket input is kept, with its objects.\n"


def test_account_commands_are_refused_where_the_shell_points_at_the_local_aws(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")

    assert [main([name]) for name in ("deploy", "destroy", "bootstrap")] == [2, 2, 2]
    assert capsys.readouterr().err.count("AWS_ENDPOINT_URL points at the local AWS") == 3


@pytest.mark.parametrize("fake", ["run"], indirect=True)
@pytest.mark.parametrize(
    ("arguments", "variables", "options"),
    [
        ((), {}, {"probe": "300"}),
        (("--rows", "50", "--seed", "7"), {}, {"probe": "50", "probe-seed": "7"}),
        (("--option", "probe=50", "--timeout", "5"), {}, {"probe": "50", "timeout": "5"}),
        ((), {"IMAGE_MIRROR_PROBE": "50", "IMAGE_MIRROR_PROBE_SEED": "7"}, {"probe": "50", "probe-seed": "7"}),
    ],
)
def test_a_probe_is_a_run_of_a_sample_in_a_folder_of_its_own(
    fake: FakeCommand,
    manifest: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: tuple[str, ...],
    variables: dict[str, str],
    options: dict[str, str],
) -> None:
    monkeypatch.chdir(tmp_path)

    invoke("probe", manifest, *arguments, env=variables)

    assert (fake.arguments["out"], fake.owner) == (Path("out/probe"), "probe")
    assert (fake.arguments["manifest"], fake.arguments["options"]) == (str(manifest), options)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--rows", "0"), "--rows takes a number from 1 to 10,000."),
        (("--rows", "10001"), "Option 'probe' must be a whole number from 0 to 10,000; received '10001'."),
        (("--rows", "x"), "Option 'probe' must be a whole number"),
        (("--seed", "-1"), "Option 'probe_seed' must be a whole number"),
    ],
)
def test_a_probe_with_another_number_of_rows_is_refused(
    manifest: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(sentence)):
        invoke("probe", manifest, *arguments)


def test_a_probe_needs_a_manifest() -> None:
    with pytest.raises(UsageError, match="MANIFEST is missing"):
        invoke("probe")
