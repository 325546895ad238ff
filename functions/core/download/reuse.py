"""The rows whose image is stored already: it is not downloaded, but copied to the keys that they name."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

from functions.core.download.mirror import RowMirror
from functions.core.download.mirrored_rows import MirroredRows
from functions.core.download.records import named_key, recorded_image
from functions.core.model.errors import InfrastructureError, RowError
from functions.core.model.options import MAX_CONCURRENT_UPLOADS
from functions.core.model.outcomes import OutcomeKind
from functions.core.model.reasons import Reason
from functions.core.model.rows import Row
from functions.core.model.types import ImageRecord

Groups: TypeAlias = Mapping[str, Sequence[Row]]
"""The rows of a batch by URL, in the order of the manifest."""


@dataclass(frozen=True, slots=True)
class ImageReuse:
    """`is_late` says that no copy may start now."""

    mirror: RowMirror
    is_late: Callable[[], bool]

    def run(self, groups: Groups, records: Mapping[str, ImageRecord]) -> Iterator[tuple[str, MirroredRows | None]]:
        """Each URL with the outcomes of its rows, or with None if they must be downloaded: the object is gone.

        `records` are those of the URLs. Raises InfrastructureError.
        """
        copied = [url for url, record in records.items() if _needs_copy(groups[url], record)]
        for url in records.keys() - set(copied):
            yield url, self._reuse(groups[url], records[url])
        if copied:
            with ThreadPoolExecutor(min(MAX_CONCURRENT_UPLOADS, len(copied)), thread_name_prefix="copy") as pool:
                yield from zip(
                    copied, pool.map(lambda url: self._reuse(groups[url], records[url]), copied), strict=True
                )

    def _reuse(self, rows: Sequence[Row], record: ImageRecord) -> MirroredRows | None:
        if self.is_late():
            return MirroredRows(errors=[(row, out_of_time()) for row in rows])
        try:
            return self.mirror.reuse(rows, record, OutcomeKind.SKIPPED)
        except InfrastructureError:
            raise
        except Exception as error:  # a bug that one row triggers must not fail the other rows
            return MirroredRows(errors=[(row, internal_error(error)) for row in rows])


def _needs_copy(rows: Sequence[Row], record: ImageRecord) -> bool:
    """Whether a row names another key than the record."""
    if all(row.key is None for row in rows):
        return False
    image = recorded_image(record)
    return any(row.key is not None and named_key(row, image) != image["object_key"] for row in rows)


def out_of_time() -> RowError:
    return RowError(Reason.OUT_OF_TIME, "The batch ran out of time before this row was attempted.")


def internal_error(error: Exception) -> RowError:
    return RowError(Reason.BATCH_CRASHED, f"Internal error while mirroring this row ({type(error).__name__}).")
