"""The real `./image-mirror` and the real make: what reaches the program, and what wrong usage says."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.version import VERSION
from tests.support.site import Site

ROOT = Path(__file__).parents[2]
LAUNCHER = ROOT / "image-mirror"
IMAGE = (ROOT / "manifests" / "demo" / "dune.jpg").read_bytes()
TIMEOUT_SECONDS = 120
MISUSE_SECONDS = 10
"""Wrong usage takes less than a second; a busy machine may need several."""

HOSTILE = "a'b\"c $HOME $(touch pwned) $(shell touch pwned) `touch pwned` ;touch pwned\n\ttouch pwned"


@pytest.fixture(scope="module", autouse=True)
def _environment_exists() -> None:
    """A test must not rebuild the environment that it runs in."""
    done = subprocess.run(["make", "-q", ".venv/local"], cwd=ROOT, env=_variables(), check=False)
    assert done.returncode == 0, "run make setup first"


def _variables(**more: str) -> dict[str, str]:
    """Without those of the make that runs the tests, and without those of a user."""
    hidden = ("MAKE", "MFLAGS", "IMAGE_MIRROR_", "AWS_", "PYTHONPATH")
    return {name: value for name, value in os.environ.items() if not name.startswith(hidden)} | more


def _start(
    *command: str | Path, folder: Path = ROOT, timeout: float = MISUSE_SECONDS, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*map(str, command)],
        cwd=folder,
        env=_variables(**variables),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def test_the_launcher_works_from_another_folder_and_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "image-mirror").symlink_to(LAUNCHER)
    (tmp_path / "click.py").write_text("raise SystemExit('imported from the current folder')")

    done = _start("image-mirror", "--version", folder=tmp_path, PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}")

    assert (done.returncode, done.stdout, done.stderr) == (0, f"image-mirror, version {VERSION}\n", "")


def test_paths_are_relative_to_the_folder_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "my list.csv").write_text("url\nhttp://a.example/1\n")

    done = _start(LAUNCHER, "plan", "my list.csv", folder=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "my list.csv, read as CSV" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["rum"], "No such command 'rum'. Did you mean 'run'?"),
        (["run", "--alow", "x"], "No such option '--alow'. Did you mean '--allow'?"),
        (["run", "--option", "concurency=4"], "There is no option 'concurency'. Did you mean 'concurrency'?"),
        (["run", "--out", "file"], "--out takes a folder; file is a file."),
        (["run", "bad.csv"], "bad.csv: The manifest has no url column"),
        (["up", "--allow", HOSTILE], "--allow takes comma-separated CIDR blocks"),
        (["run", HOSTILE], f"There is no manifest {HOSTILE}."),
    ],
)
def test_wrong_usage_is_a_sentence_with_status_2_and_leaves_nothing(
    arguments: list[str], sentence: str, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "bad.csv").write_text("title\na\n")

    done = _start(LAUNCHER, *arguments, folder=tmp_path)

    assert done.returncode == 2
    assert done.stderr.startswith(sentence)
    assert done.stdout == ""
    assert {path.name for path in tmp_path.iterdir()} == {"file", "bad.csv"}


@pytest.mark.parametrize(
    ("target", "variables", "sentence"),
    [
        ("run", {"MANIFEST": HOSTILE}, f"There is no manifest {HOSTILE}."),
        ("run", {"OPTIONS": "user_agent='it"}, "OPTIONS takes name=value pairs separated by spaces; in "),
        ("run", {"OPTIONS": "$(shell touch pwned)`touch pwned`"}, "OPTIONS takes name=value, such as"),
        ("run", {"OUT": f"{__file__}"}, f"OUT takes a folder; {__file__} is a file."),
        ("run", {"OUT": f"{__file__}/$(shell touch pwned)"}, "OUT takes a folder that can be written."),
        ("up", {"ALLOW": "$HOME"}, "ALLOW takes comma-separated CIDR blocks"),
        ("plan", {}, "MANIFEST is missing"),
        ("cost", {"IMAGES": '"'}, "IMAGES takes a whole number from 1 to"),
    ],
)
@pytest.mark.parametrize("given", ["command line", "environment"])
def test_values_of_make_reach_the_program_as_they_were_written(
    target: str, variables: dict[str, str], sentence: str, given: str
) -> None:
    on_command_line = [f"{name}={value}" for name, value in variables.items()] if given == "command line" else []

    done = _start("make", target, *on_command_line, **({} if on_command_line else variables))

    assert done.returncode == 2, done.stdout
    assert done.stderr.startswith(sentence)
    assert not [*ROOT.glob("pwned")]


def test_options_of_a_run_come_from_the_command_line_of_make_and_not_from_the_environment() -> None:
    given = _start("make", "cost", "CONCURRENCY=many")
    inherited = _start("make", "cost", CONCURRENCY="many")

    assert (given.returncode, inherited.returncode) == (2, 0)
    assert given.stderr.startswith("Option 'concurrency' must be a whole number from 1 to 256; received 'many'.")


@pytest.mark.parametrize(
    ("variable", "sentence"),
    [
        ("SETTINGS=contakt=me", "There is no setting 'contakt' in the CDK context. Did you mean 'contact'?"),
        ("SETTINGS=contact='it", "SETTINGS takes name=value pairs separated by spaces; in "),
        (
            "SETTINGS=$(shell touch pwned)",
            "SETTINGS takes name=value, such as contact=me@example.org; '$(shell' is not",
        ),
        ("STACK_NAME=a_b", "Setting 'stack_name' in the CDK context must be a name of up to 128 letters"),
    ],
)
def test_settings_reach_a_deployment_with_make(variable: str, sentence: str) -> None:
    done = _start("make", "deploy", variable, AWS_EC2_METADATA_DISABLED="true")

    assert done.returncode == 2
    assert done.stderr.startswith(sentence)
    assert done.stdout == ""
    assert not [*ROOT.glob("pwned")]


@pytest.mark.parametrize("target", ["run", "watch", "clean", "help"])
@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("MANIFST=x", "There is no variable MANIFST (did you mean MANIFEST?)"),
        ("manifest=x", "There is no variable manifest (did you mean MANIFEST?)"),
        ("CONCURENCY=4", "There is no variable CONCURENCY (did you mean CONCURRENCY?)"),
        ("zzz=$(shell touch pwned)", "There is no variable zzz (`make help` lists the variables)"),
    ],
)
def test_make_refuses_a_variable_that_it_does_not_know(target: str, variable: str, hint: str) -> None:
    done = _start("make", target, variable)

    assert done.returncode == 2
    assert hint in done.stderr
    assert done.stdout == ""
    assert not [*ROOT.glob("pwned")]


def test_clean_removes_what_make_created_and_keeps_out(tmp_path: Path) -> None:
    """In a copy: it removes the environment."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for folder in ("bench", "cdk", "docs", "functions", "local", "tests"):
        (tmp_path / folder).mkdir()
    for created in (".venv", "cdk.out", "cdk.deploy", "functions/__pycache__"):
        (tmp_path / created).mkdir(parents=True)
    for kept in ("out/images/__pycache__", "home/me"):
        (tmp_path / kept).mkdir(parents=True)
        (tmp_path / kept / "a.jpg").touch()

    done = _start("make", "clean", f"OUT={tmp_path / 'home'}", folder=tmp_path)

    assert done.returncode == 0, done.stderr
    assert not any(
        (tmp_path / created).exists() for created in (".venv", "cdk.out", "cdk.deploy", "functions/__pycache__")
    )
    assert (tmp_path / "out/images/__pycache__/a.jpg").exists()
    assert (tmp_path / "home/me/a.jpg").exists()


def test_make_says_that_pip_takes_over_where_uv_fails(tmp_path: Path) -> None:
    """In a copy, with programs that only record how they were called."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("requirements/local.txt", "requirements/dev.txt", ".venv/local"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for folder in ("bin", "../cdk", "../functions"):
        (tmp_path / ".venv" / folder).mkdir()
    for program, status in (("uv", 1), ("python", 0)):
        (tmp_path / ".venv/bin" / program).write_text(f'#!/bin/sh\necho "{program} $*"\nexit {status}\n')
        (tmp_path / ".venv/bin" / program).chmod(0o755)
    (tmp_path / "cdk.json").touch()

    done = _start("make", ".venv/dev", folder=tmp_path)

    assert done.returncode == 0, done.stderr
    lines = [line.partition(" --")[0] for line in done.stdout.splitlines()]
    message = "uv has failed, see above. Trying pip, which takes some minutes"
    assert lines == [
        "Adding what tests, checks and measures it (once)",
        "uv pip install",
        message,
        "python -m pip install",
    ]


@pytest.fixture
def running(assembly: Path, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """`./image-mirror up` with OUT in `tmp_path`, from the moment at which it owns OUT."""
    command = [str(LAUNCHER), "up", "--out", "out", "--port", "0"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=_variables(), stdout=subprocess.PIPE, text=True, process_group=0
    ) as process:
        assert process.stdout is not None
        try:
            next(line for line in process.stdout if line.startswith("Deploying"))
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize("command", ["run", "up"])
def test_a_folder_has_one_owner(running: "subprocess.Popen[str]", tmp_path: Path, command: str) -> None:
    owner = json.loads((tmp_path / "out" / "lock").read_text())

    done = _start(LAUNCHER, command, "--out", "out", folder=tmp_path)

    assert owner["pid"] == running.pid
    assert done.returncode == 2
    assert done.stderr == (
        f"out is in use by `up` of {owner['user']} (pid {owner['pid']}) since {owner['since']}. "
        "Wait until it has ended, or choose another folder with --out (OUT).\n"
    )


def test_an_interrupted_command_has_status_130_and_releases_the_folder(
    running: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    os.killpg(running.pid, signal.SIGINT)

    assert running.wait(TIMEOUT_SECONDS) in (0, 130)  # 0 where it already served
    assert not (tmp_path / "out" / "lock").exists()


def test_a_run_that_fails_has_status_1_and_with_make_2(assembly: Path, site: Site, tmp_path: Path) -> None:
    manifest = tmp_path / "a list.csv"
    manifest.write_text(f"url\n{site.url}/gone.jpg\n")
    options = ("--allow", "127.0.0.0/8", "--tolerated-failure-percentage", "0")

    alone = _start(LAUNCHER, "run", manifest, "--out", "a", *options, folder=tmp_path, timeout=TIMEOUT_SECONDS)
    values = (f"MANIFEST={manifest}", f"OUT={tmp_path / 'b'}", "ALLOW=127.0.0.0/8", "TOLERATED_FAILURE_PERCENTAGE=0")
    with_make = _start("make", "run", *values, timeout=TIMEOUT_SECONDS)

    assert (alone.returncode, with_make.returncode) == (1, 2), alone.stderr + with_make.stderr
    assert "TooManyFailures: 1 of 1 rows failed" in alone.stdout
    assert json.loads((tmp_path / "b" / "summary.json").read_text())["failed"] == 1
