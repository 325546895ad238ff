"""One object for each image."""

from collections.abc import Mapping, Sequence

from functions.core.download.conditional_put import ConditionalPut
from functions.core.download.image_download import Download
from functions.core.download.outputs.image_output import RecoveredImage, StoredRow
from functions.core.download.record_buffer import ImageRecordBuffer
from functions.core.download.records import found_image, named_key, new_record, new_upload, stored_image
from functions.core.model.keys import default_key
from functions.core.model.options import Options
from functions.core.model.ports import ImageObject, ImageTable
from functions.core.model.rows import Row
from functions.core.model.types import ImageRecord, Signals


class ImageObjects:
    """Shared by the threads of a batch. `prefix` is that of the default keys."""

    def __init__(self, *, conditional_put: ConditionalPut, options: Options, run_id: str, prefix: str) -> None:
        self._conditional_put = conditional_put
        self._options = options
        self._run_id = run_id
        self._prefix = prefix

    def recover(self, groups: Mapping[str, Sequence[Row]]) -> Mapping[str, RecoveredImage]:
        """Nothing: an object is found when it is stored again."""
        return {}

    def store(self, row: Row, existing_record: ImageRecord | None, download: Download, signals: Signals) -> StoredRow:
        """One PUT, if nothing else writes to the key."""
        fetched, image = download.fetched, download.image
        key = named_key(row, image) or default_key(row.url, download.extension, self._prefix)
        upload = new_upload(row, key, fetched.body, image, options=self._options, run_id=self._run_id)

        def record_of(found: ImageObject) -> ImageRecord:
            """Without `object_etag`, since the function that stored the object may not have written its record yet. The
            answer of the server is about the bytes of this download, which may not be those of the object."""
            own = fetched if found.sha256 == upload.sha256 else None
            return new_record(row.url, found_image(key, found), None, found.run_id, found.row, own)

        result = self._conditional_put.put(row.url, upload, existing_record, record_of)
        if result.found is not None:
            return StoredRow(result.kind, found_image(key, result.found), None)
        stored = stored_image(key, image)
        record = new_record(row.url, stored, result.etag, self._run_id, row.number, fetched)
        former_key = existing_record.get("object_key") if existing_record else None
        return StoredRow(result.kind, stored, record, former_key if former_key != key else None)

    def records(self, table: ImageTable) -> ImageRecordBuffer:
        return ImageRecordBuffer(table)
