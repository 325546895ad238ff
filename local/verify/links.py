"""The images of the check in the input bucket, and presigned links to them."""

import itertools
import threading

from local.verify.created import Created
from local.verify.samples.manifests import Picture, Row
from local.verify.samples.pictures import IMAGE_TYPES
from local.verify.stack import DeployedStack

LINK_SECONDS = 3600
"""Validity of a link, if the credentials that sign it are valid for as long."""

MIN_WIDTH = 8


class Links:
    """Uploads images, each with bytes of its own. Thread-safe."""

    def __init__(self, stack: DeployedStack, created: Created) -> None:
        self._s3 = stack.clients("s3")
        self._bucket = stack.outputs["InputBucket"]
        self._created = created
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def rows(self, images: int, *, has_failures: bool = False) -> list[Row]:
        """Rows with an image each. With `has_failures`, the first URL is repeated, and a dead link follows."""
        rows = [Row(picture.url, picture) for picture in (self.upload() for _ in range(images))]
        if has_failures:
            rows += [Row(rows[0].url, rows[0].picture, repeated=True), Row(self._dead_link())]
        return rows

    def upload(self) -> Picture:
        """Upload the next image."""
        number = self._next_number()
        kind = IMAGE_TYPES[number % len(IMAGE_TYPES)]
        key = f"{self._created.pictures_prefix}{number:03d}.{kind.extension}"
        body = kind.make(MIN_WIDTH + number)
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=kind.content_type)
        picture = Picture(key, kind.content_type, body, self._link(key))
        self._created.add_url(picture.url)
        return picture

    def _dead_link(self) -> str:
        return self._link(f"{self._created.pictures_prefix}dead-{self._next_number():03d}.png")

    def _link(self, key: str) -> str:
        parameters = {"Bucket": self._bucket, "Key": key}
        return str(self._s3.generate_presigned_url("get_object", Params=parameters, ExpiresIn=LINK_SECONDS))

    def _next_number(self) -> int:
        with self._lock:
            return next(self._numbers)
