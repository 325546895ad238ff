"""The images table of a run with `table=false`, and of a probe: it has no rows, and gets none."""

from collections.abc import Mapping, Sequence

from functions.core.model.types import ImageRecord


class NoImagesTable:
    """Nothing is looked up by URL, so every image is downloaded, unless its batch is repeated."""

    def look_up(self, urls: Sequence[str]) -> Mapping[str, ImageRecord]:
        return {}

    def record(self, rows: Sequence[ImageRecord]) -> None:
        """The rows count, for their shard is stored."""

    def read(self, url: str) -> ImageRecord | None:
        return None

    def replace(self, record: ImageRecord, former: ImageRecord | None) -> bool:
        return True
