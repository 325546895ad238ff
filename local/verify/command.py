"""`./image-mirror verify`: starts runs of generated images in every format, and checks what they leave behind."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial

from local.aws_settings import aws_requests
from local.errors import UsageError
from local.startup import Update
from local.verify.api_runs import ApiRuns
from local.verify.created import Created
from local.verify.evidence import Evidence
from local.verify.lines import Check, Line, Result, run_check
from local.verify.links import Links
from local.verify.messages import Messages
from local.verify.removal import Removal
from local.verify.runs import Run, Runs, Waiting
from local.verify.samples.manifests import MANIFESTS, Manifest
from local.verify.stack import DeployedStack, check_links_can_be_reached, find_stack
from local.verify.table import Output
from local.verify.telemetry import Telemetry

INTERRUPTED = 130
"""Exit status of a command that was interrupted: 128 + SIGINT."""

CONCURRENT_RUNS = 4
"""Runs at once: a new account may have ten concurrent executions of functions in all."""

CONCURRENT_CHECKS = 8
POLL_SECONDS = 3.0
LOCAL_POLL_SECONDS = 0.2
TIMEOUT_SECONDS = 420.0
"""For what AWS delivers later: five minutes until S3 sends events of a new bucket, and some for metrics and traces."""

LOCAL_TIMEOUT_SECONDS = 60.0

API_LINES: Mapping[str, str] = {
    "api-urls": "POST /runs starts a run of URLs; GET /runs lists it; links of GET /runs/ID and its report work.",
    "api-items": "POST /runs takes rows with a key and a checksum.",
    "api-stored": "POST /runs starts a run of a manifest in the bucket.",
    "api-upload-link": "POST /manifests returns a link, and the upload by it starts a run.",
    "api-cancel": "POST /runs/ID/cancel ends a run, and every row is accounted for.",
    "api-retry": "POST /runs/ID/retry stores the rest: the retry manifest works.",
    "api-image": "GET /images finds a stored image by its URL, and links to it.",
}
EVIDENCE_LINES: Mapping[str, str] = {
    "objects": "Objects in the images bucket are, by SHA-256, the images that were put into the input bucket.",
    "rows": "The images table has a row for each stored image, which names its object, SHA-256 and run.",
    "reports": "Each run has a report that is well-formed, and failures.csv has every failed row.",
    "index": "The index of each run is made, and results.csv has the outcomes of all rows.",
    "messages": "The topic delivers the end of each run, and the failures.",
    "logs": "The functions of the workflow write logs with the ID of the run.",
    "metrics": "CloudWatch has the metrics of the functions, with the sums of the runs.",
    "traces": "X-Ray has traces of the functions with the ID of a run.",
    "alarms": "The alarms exist, and these runs have raised none.",
    "lifecycle": "The buckets send events, and move images to S3 Glacier.",
}
LINES: Mapping[str, str] = {**{each.name: each.proves for each in MANIFESTS}, **API_LINES, **EVIDENCE_LINES}
"""What each line proves, by its name, in the order of the table."""

Task = Sequence[tuple[str, Check]]
"""Checks that are made one after another, by the names of their lines."""


def verify(*, stack_name: str, variables: Mapping[str, str] | None, only: Sequence[str] = ()) -> int:
    """Check the stack of a running `up`, whose `variables` are given, or that of the account. Returns the exit status.

    `only` are names of lines; all of them if it is empty. Raises UsageError.
    """
    if unknown := [name for name in only if name not in LINES]:
        raise UsageError(f"There is no line '{unknown[0]}'. The lines are: {', '.join(LINES)}.")
    with aws_requests(variables):
        stack = find_stack(stack_name, variables)
        check_links_can_be_reached(stack)
        return Verification(stack, Output(), only or tuple(LINES)).run()


class Verification:
    """One execution of the command. `only` are the names of the lines to check."""

    def __init__(self, stack: DeployedStack, output: Output, only: Sequence[str]) -> None:
        self._stack = stack
        self._output = output
        self._only = frozenset(only)
        times = (LOCAL_TIMEOUT_SECONDS, LOCAL_POLL_SECONDS) if stack.is_local else (TIMEOUT_SECONDS, POLL_SECONDS)
        self._waiting = Waiting(*times)
        self._created = created = Created()
        self._links = Links(stack, created)
        self._runs = Runs(stack, created, self._waiting, output.print)
        self._api = ApiRuns(stack, created, self._waiting, self._links, self._runs)
        self._evidence = Evidence(stack, self._runs)
        self._messages = Messages(stack, created)
        self._telemetry = Telemetry(stack, self._waiting)
        self._removal = Removal(stack, created, self._runs, Waiting(*times))
        self._finished: dict[str, Run] = {}
        self._lines: dict[str, Line] = {}
        self._show: Update = lambda text: None

    def run(self) -> int:
        """Returns the exit status. Raises UsageError, and errors of boto3 where the caller may not even begin."""
        self._output.print(f"Checking the stack {self._stack.name} in {self._stack.region} with {self._created.name}.")
        try:
            with self._output.working("Starting runs") as self._show:
                self._begin()
                self._check_all(CONCURRENT_RUNS, self._run_tasks())
                self._check_all(CONCURRENT_CHECKS, self._evidence_tasks())
                self._check_all(1, self._last_tasks())
        except KeyboardInterrupt:
            self._output.print("Interrupted. Removing what was created; press Ctrl-C again to leave it.")
            return INTERRUPTED
        finally:
            self._waiting.stopped.set()
            self._remove()
        lines = [self._lines[name] for name in LINES if name in self._lines]
        self._output.table(lines)
        self._output.verdict(lines)
        results = {line.result for line in lines}
        return 0 if Result.PASSED in results and Result.FAILED not in results else 1

    def _begin(self) -> None:
        if "messages" in self._only:
            self._messages.subscribe()
        if "alarms" in self._only:
            self._telemetry.remember_alarms()

    def _check_all(self, concurrent: int, tasks: Iterable[Task]) -> None:
        """Make checks in threads, those of a task one after another. Raises KeyboardInterrupt."""
        executor = ThreadPoolExecutor(concurrent)
        try:
            pending: set[Future[list[Line]]] = {executor.submit(self._check, task) for task in tasks}
            while pending:
                self._show(f"Checking the stack: {len(self._lines)} of {len(self._only)} lines done")
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for line in (line for future in done for line in future.result()):
                    self._lines[line.name] = line
                    self._output.done(line)
        except BaseException:
            self._waiting.stopped.set()
            raise
        finally:
            executor.shutdown(wait=True, cancel_futures=True)

    def _check(self, task: Task) -> list[Line]:
        return [run_check(name, LINES[name], check) for name, check in task]

    def _run_tasks(self) -> Iterator[Task]:
        for manifest in MANIFESTS:
            if manifest.name in self._only or (manifest is MANIFESTS[0] and self._needs_a_run()):
                yield [(manifest.name, partial(self._upload, manifest))]
        api: Mapping[str, Callable[[], Run]] = {
            "api-urls": self._api.urls,
            "api-items": self._api.items,
            "api-stored": self._api.stored,
            "api-upload-link": self._api.upload_link,
        }
        for name, start in api.items():
            if name in self._only:
                yield [(name, partial(self._counted, start))]
        if self._only & {"api-cancel", "api-retry"}:
            yield [("api-cancel", self._api.cancel), ("api-retry", partial(self._counted, self._api.retry))]

    def _needs_a_run(self) -> bool:
        """Only lines about what runs leave behind are to be checked: the first manifest is their run."""
        return self._only <= EVIDENCE_LINES.keys() | {"api-image"} and not self._only <= {"alarms", "lifecycle"}

    def _upload(self, manifest: Manifest) -> str:
        rows = self._links.rows(manifest.images, has_failures=manifest.has_failures)
        key = f"manifests/{self._created.name}/{manifest.name}.{manifest.extension}"
        arn = self._runs.upload(key, manifest.write(rows), manifest.options)
        return self._counted(lambda: self._runs.finish(manifest.name, arn, rows))

    def _counted(self, start: Callable[[], Run]) -> str:
        """Remember a run for the checks of what it has left, and compare its counts."""
        run = start()
        self._finished[run.name] = run
        return self._runs.check_counts(run) if run.rows else f"{run.summary['stored']} images were stored."

    def _evidence_tasks(self) -> Iterator[Task]:
        runs = [self._finished[name] for name in LINES if name in self._finished]
        checks: Mapping[str, Check] = {
            "api-image": partial(self._find_image, runs),
            "objects": partial(self._evidence.objects, runs),
            "rows": partial(self._evidence.rows, runs),
            "reports": partial(self._evidence.reports, runs),
            "index": partial(self._evidence.index, runs),
            "messages": partial(self._messages.check, self._waiting, runs),
            "logs": partial(self._telemetry.logs, runs),
            "metrics": partial(self._telemetry.metrics, runs),
            "traces": partial(self._telemetry.traces, runs),
            "lifecycle": self._evidence.lifecycle,
        }
        yield from ([(name, check)] for name, check in checks.items() if name in self._only)

    def _find_image(self, runs: Sequence[Run]) -> str:
        _, picture, _ = next(self._evidence.stored(runs))
        return self._api.image(picture)

    def _last_tasks(self) -> Iterator[Task]:
        """Alarms follow the metrics."""
        if "alarms" in self._only:
            yield [("alarms", self._telemetry.alarms)]

    def _remove(self) -> None:
        try:
            with self._output.working("Removing what was created"):
                problems = self._removal.remove()
        except KeyboardInterrupt:
            problems = ["Interrupted."]
        for problem in problems:
            self._output.print(problem)
        if problems:
            self._output.print(
                f"Remove the rest by hand: keys that contain {self._created.name}, or are below"
                f" {self._created.pictures_prefix}, and runs/ID/ of {', '.join(self._created.executions) or 'no run'}."
            )
        else:
            self._output.print("Everything that was created is removed.")
