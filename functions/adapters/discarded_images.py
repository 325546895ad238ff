"""The images bucket of a probe: it downloads and checks images as a run does, and keeps none.

No AWS service is called. A probe is about the servers, so it finds no image that a run has stored.
"""

from collections.abc import Callable

from functions.core.model.ports import ImageObject, ImageUpload

ETAG = "not-stored"


class DiscardedImages:
    """An ImageStore without objects, in which every key is free."""

    def put(self, upload: ImageUpload, if_match: str | None) -> str | None:
        return ETAG

    def head(self, key: str) -> ImageObject | None:
        return None

    def read(
        self, key: str, write: Callable[[bytes], None], offset: int | None = None, size: int | None = None
    ) -> bool:
        return False
