"""The files of a run through the API: presigned links to them, and the report with such links in it."""

from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from urllib.parse import unquote

from functions.core.api.problems import Problem, not_found
from functions.core.api.responses import RunLinks
from functions.core.model.ports import LINK_SECONDS, PresignedLinks, RunFolder, RunFolders, RunRegistry
from functions.core.model.runs import timestamp
from functions.core.model.types import RunRecord
from functions.core.report.formatting import number, utc_time
from functions.core.report.links import IMAGES, LinkedPage, replace_links

LINKED_FILES = {
    "summary": "summary.json",
    "report": "report.html",
    "failures": "failures.csv",
    "retry_manifest": "retry.*",
    "suspects": "suspects.csv",
    "results": "results.csv",
    "lock": "lock.*",
    "domains": "domains.csv",
    "croissant": "croissant.json",
    "athena": "athena.sql",
}
"""Name of a link → the name of the file, as a pattern."""

REPORT = LINKED_FILES["report"]
INDEX = "index/"
LAST_FILE = LINKED_FILES["athena"]
"""The last file that is written with the index: then all parts of the index are there."""

MAX_REPORT_BYTES = 2_000_000
"""Maximum size of a report that is returned: a response of Lambda has 6 MB. Reports have less than 300 kB."""


class RunFileLinks:
    """Links to the files that exist: the index is made after the run, and files of a run may expire."""

    def __init__(self, folders: RunFolders, files: PresignedLinks) -> None:
        self._folders = folders
        self._files = files

    def of_run(self, record: RunRecord) -> RunLinks:
        """Raises StorageFault."""
        run_id = record["run_id"]
        folder = self._folders.find(run_id)
        links = {
            link: self._files.for_download(f"runs/{run_id}/{name}")
            for link, pattern in LINKED_FILES.items()
            for name in folder.files
            if fnmatchcase(name, pattern)
        }
        has_index = INDEX in folder.folders and LAST_FILE in folder.files
        return RunLinks(**links, index=f"s3://{record['bucket']}/runs/{run_id}/{INDEX}" if has_index else None)


class RunReports:
    """`images` are links to the images bucket, where keys have the prefix `images_prefix`. `now` is the time of the
    request."""

    def __init__(
        self,
        *,
        runs: RunRegistry,
        folders: RunFolders,
        files: PresignedLinks,
        images: PresignedLinks,
        images_prefix: str,
        now: datetime,
    ) -> None:
        self._runs = runs
        self._folders = folders
        self._files = files
        self._images = images
        self._images_prefix = images_prefix
        self._now = now

    def page(self, run_id: str) -> LinkedPage:
        """The report with presigned links. Raises Problem(404), InfrastructureError."""
        folder = self._folders.find(run_id)
        if REPORT not in folder.files:
            raise self._no_report(run_id)
        if folder.files[REPORT] > MAX_REPORT_BYTES:
            raise not_found(
                f"The report of run {run_id} is larger than {number(MAX_REPORT_BYTES)} bytes. Use its link."
            )
        end = utc_time(timestamp(self._now + timedelta(seconds=LINK_SECONDS)))
        notice = f"The links to files are valid until {end}. A file without a link does not exist, or not yet."
        return replace_links(
            self._folders.read(run_id, REPORT), lambda link: self._presigned(run_id, folder, link), notice
        )

    def _presigned(self, run_id: str, folder: RunFolder, link: str) -> str | None:
        """The presigned URL for a link of the report; None if it leads to nothing."""
        if link.startswith(IMAGES):
            return self._images.for_download(self._images_prefix + unquote(link.removeprefix(IMAGES)))
        return self._files.for_download(f"runs/{run_id}/{link}") if link in folder.files else None

    def _no_report(self, run_id: str) -> Problem:
        record = self._runs.get(run_id)
        if record is None:
            return not_found(f"Run {run_id} does not exist.")
        return not_found(f"Run {run_id} has no report. Its status is {record['status']}.")
