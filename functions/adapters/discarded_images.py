"""The images bucket and the images table of a probe: it downloads and checks images as a run does, and keeps none.

No AWS service is called. A probe is about the servers, so it finds no image that a run has stored.
"""

from collections.abc import Callable, Mapping, Sequence

from functions.core.model.ports import ImageObject, ImageUpload
from functions.core.model.types import ImageRecord

ETAG = "not-stored"


class DiscardedImages:
    """An ImageStore without objects, in which every key is free."""

    def put(self, upload: ImageUpload, if_match: str | None) -> str | None:
        return ETAG

    def head(self, key: str) -> ImageObject | None:
        return None

    def read(self, key: str, write: Callable[[bytes], None]) -> bool:
        return False


class DiscardedRecords:
    """An ImageTable without records."""

    def look_up(self, urls: Sequence[str]) -> Mapping[str, ImageRecord]:
        return {}

    def record(self, rows: Sequence[ImageRecord]) -> None:
        pass

    def read(self, url: str) -> ImageRecord | None:
        return None

    def replace(self, record: ImageRecord, former: ImageRecord | None) -> bool:
        return True
