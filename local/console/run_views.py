"""The list of runs, the page of a run, and what can be done with a run."""

import hashlib
from http import HTTPStatus

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from functions.core.api.responses import RunDetails
from functions.core.model.runs import Status
from local.console.pages import Site, is_update
from local.console.problems import StackError, request_key
from local.console.progress import (
    NO_FILES,
    OVER,
    WAITING,
    RunFiles,
    RunProgress,
    files_of,
    needs_summary,
    progress_of,
)

CHANGES = {"slower": (1, 2), "faster": (2, 1)}
"""The buttons that change the number of concurrent batches → the factor, as a fraction."""

BATCHES = "batches"
"""The field with the number of concurrent batches."""

MAX_CONCURRENCY = 10_000


class RunViews:
    def __init__(self, site: Site) -> None:
        self._site = site

    def runs(self, request: Request) -> Response:
        """The page; for a request of htmx only the table, if it has changed."""
        status, token = request.args.get("status", ""), request.args.get("next", "")
        status = status if status in [*Status] else ""
        found = self._site.api.page(status, token)
        version = hashlib.sha256(found.model_dump_json().encode()).hexdigest()[:16]
        values = {
            "runs": found.runs,
            "next": found.next,
            "version": version,
            "filter": status,
            "position": token,
            "states": [*Status],
        }
        if not is_update(request):
            return self._site.page("runs", values)
        if request.args.get("seen") == version:
            return self._site.no_update(request)
        return self._site.update("runs_table", values, request)

    def run(self, request: Request, run_id: str) -> Response:
        focus = request.args.get("focus", "")
        return self._run_page(run_id, uploaded="uploaded" in request.args, focus=focus)

    def progress(self, request: Request, run_id: str) -> Response:
        """The parts of the page of a run that have changed."""
        run, progress = self._described(run_id, uploaded=True)
        same_state = request.args.get("state") == _shown_state(run, progress)
        values = {
            "same_state": same_state,
            "same_announcement": request.args.get("announced") == progress.announcement,
            **self._values(run_id, run, progress, with_files=not same_state),
        }
        return self._site.update("progress_update", values, request)

    def files(self, request: Request, run_id: str) -> Response:
        """The list of files, if it has changed."""
        run = self._site.api.run(run_id)
        found = self._files(run)
        if request.args.get("seen") == found.version:
            return self._site.no_update(request)
        return self._site.update("files_update", {"run_id": run_id, "files": found}, request)

    def cancel(self, request: Request, run_id: str) -> Response:
        try:
            self._site.api.cancel(run_id)
        except StackError as error:
            return self._run_page(run_id, problem=error)
        return _to_run(run_id)

    def retry(self, request: Request, run_id: str) -> Response:
        try:
            return _to_run(self._site.api.retry(run_id, request.form.get("key", "")))
        except StackError as error:
            return self._run_page(run_id, problem=error, key=request.form.get("key", ""))

    def set_concurrency(self, request: Request, run_id: str) -> Response:
        try:
            self._site.api.set_concurrency(run_id, self._batches(request, run_id))
        except StackError as error:
            return self._run_page(run_id, problem=error)
        change = request.form.get("change", "")
        return _to_run(run_id, focus=change if change in CHANGES else BATCHES)

    def _batches(self, request: Request, run_id: str) -> int:
        """The number that the user has entered, or that of a button. Raises StackError."""
        change = CHANGES.get(request.form.get("change", ""))
        if change is None:
            text = request.form.get(BATCHES, "")
            if not text.isascii() or not text.isdigit() or len(text) > len(str(MAX_CONCURRENCY)):
                raise StackError(
                    HTTPStatus.UNPROCESSABLE_ENTITY, f"Enter a whole number from 1 to {MAX_CONCURRENCY:,}."
                )
            return int(text)
        live = self._site.api.run(run_id).live
        if live is None:
            raise StackError(HTTPStatus.CONFLICT, "The run has no running batches at this moment.")
        return min(MAX_CONCURRENCY, max(1, live.max_concurrency * change[0] // change[1]))

    def _run_page(
        self,
        run_id: str,
        *,
        uploaded: bool = False,
        problem: StackError | None = None,
        key: str = "",
        focus: str = "",
    ) -> Response:
        run, progress = self._described(run_id, uploaded=uploaded)
        values = self._values(run_id, run, progress, with_files=True)
        status = problem.status if problem else HTTPStatus.OK
        values |= {"problem": str(problem or ""), "key": request_key(key, status), "focus": focus}
        return self._site.page("run", values, status)

    def _described(self, run_id: str, *, uploaded: bool) -> tuple[RunDetails | None, RunProgress]:
        """A run of an upload has no record until its event has arrived. Raises StackError."""
        try:
            run = self._site.api.run(run_id)
        except StackError as error:
            if uploaded and error.status == HTTPStatus.NOT_FOUND:
                return None, WAITING
            raise
        return run, progress_of(run, self._site.buckets.summary(run_id) if needs_summary(run) else None)

    def _values(
        self, run_id: str, run: RunDetails | None, progress: RunProgress, *, with_files: bool
    ) -> dict[str, object]:
        is_over = run is not None and run.status in OVER
        files = self._files(run) if run and is_over and with_files else NO_FILES
        values = {"run_id": run_id, "run": run, "progress": progress, "is_over": is_over, "files": files}
        return {**values, "shown_state": _shown_state(run, progress), "key": request_key("", HTTPStatus.OK)}

    def _files(self, run: RunDetails) -> RunFiles:
        return files_of(run, self._site.buckets.files(run.run_id))


def _shown_state(run: RunDetails | None, progress: RunProgress) -> str:
    """What the actions of the page depend on: the state, and the number of batches in their field."""
    return f"{progress.state.label} {run.live.max_concurrency}" if run and run.live else progress.state.label


def _to_run(run_id: str, focus: str = "") -> Response:
    """`focus` is the element that has the focus on the page: the one that the user has just used."""
    query = f"?focus={focus}" if focus else ""
    return redirect(f"/runs/{run_id}{query}", HTTPStatus.SEE_OTHER, Response)
