"""Mirror the rows of a URL: fetch its image, check it against the options and the rows, and store it."""

from collections.abc import Callable, Iterable, Sequence

from functions.core.download.conditional_put import ConditionalPut
from functions.core.download.copies import ImageCopies, SourceGoneError
from functions.core.download.image_download import Download, ImageDownloader
from functions.core.download.mirrored_rows import MirroredRows, by_headers, in_order
from functions.core.download.records import found_image, new_record, new_upload, recorded_image, stored_image
from functions.core.model.errors import RowError
from functions.core.model.keys import DEFAULT_PREFIX, default_key
from functions.core.model.options import Options
from functions.core.model.outcomes import Outcome, OutcomeKind
from functions.core.model.ports import ImageObject, ImageStore, ImageTable
from functions.core.model.reasons import Reason
from functions.core.model.rows import Row
from functions.core.model.types import ImageFacts, ImageRecord
from functions.core.model.urls import redact
from functions.core.web.fetch import Fetcher, NotModifiedError
from functions.core.web.robots.check import RunRobots
from functions.core.web.signals import OwnerSignals


class RowMirror:
    """Shared by the threads of a batch. `prefix` is that of the default keys, `robots` is None if the run
    ignores robots.txt."""

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
    ) -> None:
        self._downloader = ImageDownloader(fetcher, options)
        self._conditional_put = ConditionalPut(store=store, table=table, options=options, run_id=run_id)
        self._copies = ImageCopies(store=store, conditional_put=self._conditional_put, options=options, run_id=run_id)
        self._options = options
        self._respected = options.respected_signals()
        self._run_id = run_id
        self._prefix = prefix
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
                    self._store(pending, existing_record, download, mirrored)
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
        self, rows: Sequence[Row], existing_record: ImageRecord | None, download: Download, mirrored: MirroredRows
    ) -> None:
        """Store the image for the first row that it matches; the other rows are duplicates of that one."""
        stored: ImageFacts | None = None
        for row in rows:
            try:
                if stored is None:
                    outcome, mirrored.record = self._store_first(row, existing_record, download)
                    stored = outcome.image
                else:
                    body = download.body if stored["sha256"] == download.body.sha256 else None
                    outcome = self._outcome(row, OutcomeKind.DUPLICATE, self._copies.image_of(row, stored, body))
                mirrored.outcomes.append(outcome)
            except RowError as error:
                mirrored.errors.append((row, error))
            except SourceGoneError:
                mirrored.errors.append((row, _replaced()))

    def _store_first(
        self, row: Row, existing_record: ImageRecord | None, download: Download
    ) -> tuple[Outcome, ImageRecord | None]:
        fetched, image = download.fetched, download.image
        key = row.key or default_key(row.url, download.extension, self._prefix)
        upload = new_upload(row, key, fetched.body, image, options=self._options, run_id=self._run_id)

        def record_of(found: ImageObject) -> ImageRecord:
            """Without `object_etag`, since the function that stored the object may not have written its record yet. The
            answer of the server is about the bytes of this download, which may not be those of the object."""
            own = fetched if found.sha256 == upload.sha256 else None
            return new_record(row.url, found_image(key, found), None, found.run_id, found.row, own)

        result = self._conditional_put.put(row.url, upload, existing_record, record_of)
        if result.found is not None:
            return self._outcome(row, result.kind, found_image(key, result.found)), None
        stored = stored_image(key, image)
        record = new_record(row.url, stored, result.etag, self._run_id, row.number, fetched)
        former_key = existing_record.get("object_key") if existing_record else None
        return self._outcome(row, result.kind, stored, former_key if former_key != key else None), record

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
