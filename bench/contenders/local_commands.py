"""Commands that mirror a list of URLs to files on this machine, as a user enters them: this checkout, an earlier
revision of it, and img2dataset."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).parents[2]
THIS_COMMAND = (sys.executable, "-m", "local.commands", "run")
BEFORE_COMMAND = (sys.executable, "-m", "local", "run")
"""The command line of the release before `local.commands`."""

LOOPBACK = "127.0.0.0/8"
PROCESSES, THREADS = 2, 16
"""Of img2dataset: as many downloads at once as two sandboxes here have by default."""

SHARD = 500
"""Rows in a shard of img2dataset, as in a batch here."""


@dataclass(frozen=True)
class StoredImage:
    """An image as the output of a command names it."""

    url: str
    path: Path
    sha256: str


class LocalCommand(Protocol):
    """A contender. `folder` is the working directory."""

    @property
    def name(self) -> str: ...

    @property
    def folder(self) -> Path: ...

    def arguments(self, urls: Sequence[str], manifest: Path, out: Path) -> list[str]:
        """Write the manifest and return the command."""
        ...

    def stored(self, out: Path) -> Iterator[StoredImage]:
        """The images that the output folder lists."""
        ...


def _settings(manifest: Path, options: str) -> Sequence[str]:
    return [str(manifest), *(word for pair in options.split() for word in ("--option", pair))]


def _settings_before(manifest: Path, options: str) -> Sequence[str]:
    return ["--manifest", str(manifest), "--options", options]


@dataclass(frozen=True)
class ImageMirror:
    """`make run` of a checkout. `options` are options of the run, such as "batch-size=100"."""

    name: str
    folder: Path
    command: tuple[str, ...]
    settings: Callable[[Path, str], Sequence[str]]
    options: str = ""

    def arguments(self, urls: Sequence[str], manifest: Path, out: Path) -> list[str]:
        manifest.write_text("url\n" + "\n".join(urls) + "\n")
        return [*self.command, *self.settings(manifest, self.options), "--out", str(out), "--allow", LOOPBACK]

    def stored(self, out: Path) -> Iterator[StoredImage]:
        with (out / "images.jsonl").open(encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                yield StoredImage(row["url"], out / row["object_key"], row["sha256"])


@dataclass(frozen=True)
class Img2Dataset:
    """img2dataset to plain files, without resizing or re-encoding. It writes a JSON file beside each image."""

    python: Path
    folder: Path = ROOT
    name: str = "img2dataset"

    def arguments(self, urls: Sequence[str], manifest: Path, out: Path) -> list[str]:
        manifest.write_text("\n".join(urls) + "\n")
        settings = {
            "url_list": manifest,
            "output_folder": out,
            "output_format": "files",
            "processes_count": PROCESSES,
            "thread_count": THREADS,
            "resize_mode": "no",
            "disable_all_reencoding": True,
            "number_sample_per_shard": SHARD,
            "enable_wandb": False,
        }
        command = str(self.python.absolute().with_name("img2dataset"))
        return [command, *(f"--{name}={value}" for name, value in settings.items())]

    def stored(self, out: Path) -> Iterator[StoredImage]:
        for path in out.glob("*/*.json"):
            row = json.loads(path.read_text())
            if row["status"] == "success":
                yield StoredImage(row["url"], path.with_suffix(".jpg"), row["sha256"])


def this_release(options: str = "") -> ImageMirror:
    return ImageMirror("this", ROOT, THIS_COMMAND, _settings, options)


@contextmanager
def release_before(revision: str, folder: Path, options: str = "") -> Iterator[ImageMirror]:
    """Check out a revision into `folder`, which must not exist, and synthesize its stack; removed at the end.

    It runs with the current virtual environment. Raises CalledProcessError.
    """
    _run(ROOT, "git", "worktree", "add", "--quiet", "--detach", str(folder), revision)
    try:
        _run(folder, sys.executable, "-m", "cdk.app")
        yield ImageMirror("before", folder, BEFORE_COMMAND, _settings_before, options)
    finally:
        _run(ROOT, "git", "worktree", "remove", "--force", str(folder))


def _run(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
