"""Reads what is in a stored shard: the description of each image, not the image."""

import json
from collections.abc import Mapping

from functions.core.download.outputs.image_output import RecoveredImage
from functions.core.download.shards.descriptions import recorded
from functions.core.download.shards.shard import SIDE_NAME
from functions.core.download.shards.tar import Member, members
from functions.core.model.ports import ShardStore

WINDOW_BYTES = 4 * 1024 * 1024
"""Size of a request in bytes. Images that are larger are not read; a shard of small ones is read whole, in 64 requests
at most."""


class _Windows:
    """Reads a shard at increasing offsets, by as few requests as possible."""

    def __init__(self, store: ShardStore, key: str, first: bytes) -> None:
        self._store = store
        self._key = key
        self._start = 0
        self._window = first

    def read(self, offset: int, size: int) -> bytes:
        """Fewer bytes if the shard ends."""
        if not self._start <= offset <= offset + size <= self._start + len(self._window):
            self._start = offset
            self._window = self._store.read_shard(self._key, offset, max(size, WINDOW_BYTES)) or b""
        return self._window[offset - self._start :][:size]


def recovered_images(
    store: ShardStore, key: str, urls: Mapping[int, str], run_id: str
) -> dict[str, RecoveredImage] | None:
    """The images of a shard by URL; `urls` are those of the rows. None if there is no shard of this key.

    Raises StorageFault.
    """
    first = store.read_shard(key, 0, WINDOW_BYTES)
    if first is None:
        return None
    windows = _Windows(store, key, first)
    found: dict[str, RecoveredImage] = {}
    image: Member | None = None
    for member in members(windows.read):
        if member.name != f"{member.name.partition('.')[0]}.{SIDE_NAME}":
            image = member
            continue
        description = json.loads(windows.read(member.offset, member.size))
        url = urls.get(description["row"])
        if url is not None and image is not None:
            record = recorded(description, url=url, key=key, offset=image.offset, run_id=run_id)
            found.setdefault(url, RecoveredImage(record, description["signals"]))
    return found
