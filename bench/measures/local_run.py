"""The whole local run, as a command: this checkout, the release before, and img2dataset to plain files, side by side.

`python -m bench.measures.local_run [--images 5000] [--rounds 3] [--before REV] [--only this,before,img2dataset]
[--options "name=value ..."] [--tiny] [--folder FOLDER]`

Rounds are interleaved, and ratios compare runs of the same round. Wall time is that of the whole command. The steady
rate is that of the requests that the origin receives, from the 10th to the 90th percentile of them: start and end are
excluded for all, and it does not depend on when a command writes its files. Memory is the peak of all processes of a
command together, sampled once a second. Each image in the output must have a file with the SHA-256 of its row, and of
the origin. The output of a command stays until the end: ext4 creates files slowly for minutes after many were deleted,
since it does not reuse their inodes at once. `--tiny` serves images of 200 to 400 bytes: `--tiny --images 100000 --only
this --options batch-size=100` is a run of very many rows.
"""

import argparse
import hashlib
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from subprocess import CalledProcessError

from bench.contenders.local_commands import Img2Dataset, LocalCommand, release_before, this_release
from bench.rig.images import jpegs, web_jpegs
from bench.rig.origin import origin
from bench.rig.process_tree import CommandFailedError, CommandUsage, run_command
from bench.rig.race import image_urls
from bench.rig.results import Statistic
from bench.rig.servers import take_stats
from bench.rig.venvs import InstallationError, interpreter

THIS, BEFORE, IMG2DATASET = "this", "before", "img2dataset"
RELEASE_BEFORE = "40f05c8"
"""The last revision whose local run keeps everything in memory."""

DISTINCT = 500
TINY = (200, 400)
"""Smallest and largest image in bytes, with --tiny."""

WARM_UP_IMAGES = 100
"""Images of a first run that is not measured: Python compiles the modules, the system reads the files."""

TICK_SECONDS = 0.25
"""Time between two looks at the origin."""

STEADY = (0.1, 0.9)
"""The part of the requests that the steady rate is measured over."""

TARGETS: Mapping[str, str] = {
    "steady_vs_before": "at least 1.6",
    "wall_vs_before": "at most 0.68",
    "steady_vs_img2dataset": "at least 0.6",
}


class WrongOutputError(Exception):
    """The output of a command does not have every image as the origin has it."""


@dataclass(frozen=True, slots=True)
class LocalRun:
    """One run of a command. `steady` is in images per second."""

    images: int
    steady: float
    usage: CommandUsage
    origin_busy: float

    @property
    def cpu_ms(self) -> float:
        """CPU time per image of all processes together, in milliseconds."""
        return self.usage.cpu_seconds * 1000 / self.images


class RequestCurve:
    """The number of requests that a server has received, over time."""

    def __init__(self, address: str) -> None:
        take_stats(address)
        self._address = address
        self._points: list[tuple[float, int]] = []
        self.busy_seconds = 0.0

    def sample(self) -> None:
        stats = take_stats(self._address)
        self.busy_seconds += stats.busy_seconds
        if stats.requests:
            before = self._points[-1][1] if self._points else 0
            if not self._points:
                self._points.append((stats.first, 0))
            self._points.append((time.monotonic(), before + stats.requests))

    @property
    def seconds(self) -> float:
        return self._points[-1][0] - self._points[0][0]

    def steady_rate(self) -> float:
        """Requests per second within STEADY; times between two samples are interpolated."""
        total = self._points[-1][1]
        start, end = (self._time_of(part * total) for part in STEADY)
        return (STEADY[1] - STEADY[0]) * total / (end - start)

    def _time_of(self, count: float) -> float:
        for (start, before), (end, after) in itertools.pairwise(self._points):
            if after >= count:
                return start + (count - before) / (after - before) * (end - start)
        raise ValueError(count)


def measure(command: LocalCommand, sites: Sequence[str], sha256s: Sequence[str], images: int, folder: Path) -> LocalRun:
    """Run a command over `images` images. Raises CommandFailedError, WrongOutputError."""
    urls = image_urls(sites, images)
    manifest, out = folder / "manifest.csv", Path(tempfile.mkdtemp(dir=folder), "out")
    arguments = command.arguments(urls, manifest, out)
    curve = RequestCurve(sites[0])
    variables = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    variables["NO_ALBUMENTATIONS_UPDATE"] = "1"
    usage = run_command(
        arguments, folder=command.folder, variables=variables, tick=curve.sample, tick_seconds=TICK_SECONDS
    )
    curve.sample()
    _check(command, out, {url: sha256s[number % len(sha256s)] for number, url in enumerate(urls)})
    return LocalRun(images, curve.steady_rate(), usage, curve.busy_seconds / curve.seconds)


def _check(command: LocalCommand, out: Path, expected: Mapping[str, str]) -> None:
    """Read every file of the output. Raises WrongOutputError."""
    missing = {url for url in expected if "/missing/" not in url}
    for image in command.stored(out):
        with image.path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if not found == image.sha256 == expected[image.url]:
            raise WrongOutputError(f"{command.name}: {image.path} is not the image of {image.url}.")
        missing.discard(image.url)
    if missing:
        raise WrongOutputError(f"{command.name} has not stored {len(missing)} images, such as {min(missing)}.")


def ratios(runs: Mapping[str, Sequence[LocalRun]]) -> Iterator[tuple[str, float]]:
    """The median of the ratios of each round."""

    def ratio(other: str, values: Sequence[tuple[float, float]]) -> Iterator[tuple[str, float]]:
        if values:
            yield other, median(mine / theirs for mine, theirs in values)

    for other in (BEFORE, IMG2DATASET):
        pairs = list(zip(runs.get(THIS, ()), runs.get(other, ()), strict=False))
        yield from ratio(f"steady_vs_{other}", [(mine.steady, theirs.steady) for mine, theirs in pairs])
        yield from ratio(f"wall_vs_{other}", [(mine.usage.seconds, theirs.usage.seconds) for mine, theirs in pairs])
        yield from ratio(
            f"memory_vs_{other}", [(mine.usage.memory_mb, theirs.usage.memory_mb) for mine, theirs in pairs]
        )


def main() -> None:
    arguments = _arguments()
    with ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(dir=arguments.folder)))
        try:
            commands = list(_commands(arguments, folder, cleanup))
            runs = _measure_all(commands, arguments, folder, cleanup)
        except (CommandFailedError, WrongOutputError, InstallationError) as error:
            sys.exit(str(error))
        except CalledProcessError as error:
            sys.exit(f"{' '.join(error.cmd)} failed: {error.stderr[-2000:]}")
    for name, ratio in ratios(runs):
        target = f"  target: {TARGETS[name]}" if name in TARGETS else ""
        print(f"  {name:22} {ratio:5.2f}{target}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--before", default=RELEASE_BEFORE, help="revision of the release before")
    parser.add_argument("--only", default=",".join((THIS, BEFORE, IMG2DATASET)), help="comma-separated contenders")
    parser.add_argument("--options", default="", help='options of the runs of Image Mirror: "name=value …"')
    parser.add_argument("--tiny", action="store_true", help="images of 200 to 400 bytes")
    parser.add_argument("--folder", type=Path, help="where the temporary output folders are created")
    return parser.parse_args()


def _commands(arguments: argparse.Namespace, folder: Path, cleanup: ExitStack) -> Iterator[LocalCommand]:
    """Prepare the contenders that are to run."""
    only = arguments.only.split(",")
    if THIS in only:
        yield this_release(arguments.options)
    if BEFORE in only:
        print(f"Synthesizing the stack of {arguments.before} …", flush=True)
        yield cleanup.enter_context(release_before(arguments.before, folder / "before", arguments.options))
    if IMG2DATASET in only:
        yield Img2Dataset(interpreter(IMG2DATASET))


def _measure_all(
    commands: Sequence[LocalCommand], arguments: argparse.Namespace, folder: Path, cleanup: ExitStack
) -> Mapping[str, Sequence[LocalRun]]:
    """Each round starts with another command."""
    sizes = TINY if arguments.tiny else ()
    sha256s = [
        hashlib.sha256(image).hexdigest() for image in (jpegs(DISTINCT, *sizes) if sizes else web_jpegs(DISTINCT))
    ]
    sites = cleanup.enter_context(origin(DISTINCT, *sizes))
    runs: dict[str, list[LocalRun]] = {command.name: [] for command in commands}
    for command in commands:
        measure(command, sites, sha256s, WARM_UP_IMAGES, folder)
    for number in range(arguments.rounds):
        turn = number % len(commands)
        for command in (*commands[turn:], *commands[:turn]):
            run = measure(command, sites, sha256s, arguments.images, folder)
            runs[command.name].append(run)
            print(f"  round {number + 1}  {_line(command.name, [run])}", flush=True)
    print(f"{arguments.images:,} images, median of {arguments.rounds} rounds (range); every file has its row's SHA-256")
    for name, measured in runs.items():
        print(f"  {_line(name, measured)}")
    return runs


def _line(name: str, runs: Sequence[LocalRun]) -> str:
    values = {
        "images/s steady": [run.steady for run in runs],
        "s wall": [run.usage.seconds for run in runs],
        "ms CPU an image": [run.cpu_ms for run in runs],
        "MB (PSS)": [run.usage.pss_mb for run in runs],
        "MB (RSS)": [run.usage.rss_mb for run in runs],
    }
    busy = max(run.origin_busy for run in runs)
    shown = (f"{Statistic.of(each) if len(each) > 1 else f'{each[0]:.4g}'} {unit}" for unit, each in values.items())
    return f"{name:12} {', '.join(shown)}, origin busy {busy:.0%}"


if __name__ == "__main__":
    main()
