"""Mirror the rows of a URL: fetch its image, check it against the options and the rows, and store it."""

from collections.abc import Callable, Collection, Iterable, Sequence

from functions.core.download.conditional_put import ConditionalPut
from functions.core.download.copies import ImageCopies, SourceGoneError
from functions.core.download.image_download import Download, ImageDownloader
from functions.core.download.mirrored_rows import MirroredRows, by_headers, in_order
from functions.core.download.outputs.image_output import ImageOutput
from functions.core.download.outputs.objects import ImageObjects
from functions.core.download.records import recorded_image
from functions.core.model.errors import RowError
from functions.core.model.keys import DEFAULT_PREFIX
from functions.core.model.options import Options
from functions.core.model.outcomes import Outcome, OutcomeKind
from functions.core.model.ports import ImageStore, ImageTable
from functions.core.model.reasons import Reason
from functions.core.model.rows import Row
from functions.core.model.types import ImageFacts, ImageRecord, Signals
from functions.core.model.urls import redact
from functions.core.web.fetch import Fetcher, NotModifiedError
from functions.core.web.robots.check import RunRobots
from functions.core.web.signals import OwnerSignals


class RowMirror:
    """Shared by the threads of a batch. `prefix` is that of the default keys, `robots` is None if the run
    ignores robots.txt. `output` is where images are kept: by default, each is an object. Images with a digest in
    `known_bad` are not stored."""

    def __init__(
        self,
        *,
        fetcher: Fetcher,
        store: ImageStore,
        table: ImageTable,
        options: Options,
        run_id: str,
        prefix: str = DEFAULT_PREFIX,
        robots: RunRobots | None = None,
        output: ImageOutput | None = None,
        known_bad: Collection[str] = (),
    ) -> None:
        self._downloader = ImageDownloader(fetcher, options, known_bad)
        conditional_put = ConditionalPut(store=store, table=table, options=options, run_id=run_id)
        self._copies = ImageCopies(
            store=store, conditional_put=conditional_put, options=options, run_id=run_id, known_bad=known_bad
        )
        self.output = output or ImageObjects(
            conditional_put=conditional_put, options=options, run_id=run_id, prefix=prefix
        )
        self._options = options
        self._respected = options.respected_signals()
        self._run_id = run_id
        self._robots = robots

    def prepare(self, urls: Iterable[str]) -> None:
        """Before the rows of these URLs are mirrored: look up robots.txt of all hosts at once."""
        if self._robots is not None:
            self._robots.look_up(urls)

    def crawl_delay(self, host: str) -> float | None:
        """The time between two requests that the robots.txt of a host asks for, in seconds, if it is known."""
        return self._robots.crawl_delay(host) if self._robots is not None else None

    def mirror(
        self,
        rows: Sequence[Row],
        existing_record: ImageRecord | None,
        on_response: Callable[[], None] = lambda: None,
        check_url: Callable[[str], None] = lambda url: None,
        start_request: Callable[[str, float | None], None] = lambda url, crawl_delay: None,
    ) -> MirroredRows:
        """Mirror the rows of a URL by one download: the first one is stored, the others are duplicates of it.

        `existing_record` is the record of the URL, whose image is downloaded again. `on_response` is called when the
        response is complete, before the image is stored, `check_url` with each URL before it is requested, and then
        `start_request` with the Crawl-delay of its robots.txt. Raises RowError if the download fails for all rows,
        StorageFault, TableFault.
        """
        signals = OwnerSignals(self._respected)
        robots = self._robots.check(signals, verify_tls=self._downloader.verifies_tls(rows)) if self._robots else None

        def check(url: str) -> None:
            check_url(url)
            if robots is not None:
                robots(url)
            start_request(url, robots.crawl_delay if robots is not None else None)

        try:
            mirrored = self._mirror(rows, existing_record, on_response, check, signals)
        except RowError as error:
            error.signals = signals.found
            raise
        if signals.found:
            mirrored.add_signals(signals.found)
        return mirrored

    def _mirror(
        self,
        rows: Sequence[Row],
        existing_record: ImageRecord | None,
        on_response: Callable[[], None],
        check_url: Callable[[str], None],
        signals: OwnerSignals,
    ) -> MirroredRows:
        mirrored = MirroredRows()
        pending = in_order(rows, existing_record)
        while pending:
            try:
                download = self._downloader.download(pending, existing_record, check_url, signals)
            except NotModifiedError:
                reused = existing_record and self.reuse(pending, existing_record, OutcomeKind.UNCHANGED)
                if reused:
                    return MirroredRows(reused.outcomes, mirrored.errors + reused.errors)
                existing_record = None
            except RowError as error:
                if (
                    error.reason is Reason.TLS
                    and not self._options.verify_tls
                    and self._downloader.verifies_tls(pending)
                ):
                    error.message += " verify_tls=false applies only to rows with sha256 or md5."
                failed, pending = by_headers(pending)
                if error.retryable or len(failed) == len(rows):
                    raise
                mirrored.errors += [(row, error) for row in failed]
            else:
                on_response()
                with download.body.file:
                    self._store(pending, existing_record, download, signals.found, mirrored)
                break
        return mirrored

    def reuse(self, rows: Sequence[Row], record: ImageRecord, kind: OutcomeKind) -> MirroredRows | None:
        """The outcomes of rows whose image the table has: it is not downloaded, but copied to the keys that they name.

        `kind` is the outcome of the first row, unless this run has stored the image. None if the object of the image
        is gone, so that the rows must be downloaded. Raises StorageFault, TableFault.
        """
        reused = MirroredRows()
        image = recorded_image(record)
        for row in rows:
            if record.get("run_id") == self._run_id:
                kind = OutcomeKind.STORED if record.get("row") == row.number else OutcomeKind.DUPLICATE
            try:
                reused.outcomes.append(self._outcome(row, kind, self._copies.image_of(row, image)))
            except RowError as error:
                reused.errors.append((row, error))
            except SourceGoneError:
                return None
            kind = OutcomeKind.DUPLICATE
        return reused

    def _store(
        self,
        rows: Sequence[Row],
        existing_record: ImageRecord | None,
        download: Download,
        signals: Signals,
        mirrored: MirroredRows,
    ) -> None:
        """Store the image for the first row that it matches; the other rows are duplicates of that one."""
        stored: ImageFacts | None = None
        for row in rows:
            try:
                if stored is None:
                    first = self.output.store(row, existing_record, download, signals)
                    stored, mirrored.record = first.image, first.record
                    outcome = self._outcome(row, first.kind, stored, first.former_key)
                else:
                    body = download.body if stored["sha256"] == download.body.sha256 else None
                    outcome = self._outcome(row, OutcomeKind.DUPLICATE, self._copies.image_of(row, stored, body))
                mirrored.outcomes.append(outcome)
            except RowError as error:
                mirrored.errors.append((row, error))
            except SourceGoneError:
                mirrored.errors.append((row, _replaced()))

    def _outcome(self, row: Row, kind: OutcomeKind, image: ImageFacts, former_key: str | None = None) -> Outcome:
        """A probe keeps no object, so that its outcomes have no key."""
        return Outcome(
            row=row.number,
            url=redact(row.url),
            kind=kind,
            user_columns=row.user_columns,
            image={**image, "object_key": None} if self._options.probe else image,
            former_key=former_key,
        )


def _replaced() -> RowError:
    return RowError(Reason.STORAGE, "The object of this URL was replaced while it was copied to the key of this row.")
