"""A gzipped manifest, unpacked as it comes, a megabyte at a time however well it was packed."""

import zlib
from collections.abc import Iterable, Iterator

from functions.core.model.errors import InvalidManifest

PIECE_BYTES = 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS


def decompress_gzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Members that follow each other are one text. Raises InvalidManifest."""
    member = None
    try:
        for chunk in chunks:
            while chunk:
                if member is None or member.eof:
                    member = zlib.decompressobj(_GZIP)
                yield member.decompress(chunk, PIECE_BYTES)
                # zeros may fill up the space behind a member
                chunk = member.unused_data.lstrip(b"\0") if member.eof else member.unconsumed_tail
        if member is not None:
            yield member.flush()
    except zlib.error as error:
        raise InvalidManifest(f"The manifest's name ends with .gz, but it is not gzip: {error}.") from error
    if member is not None and not member.eof:
        raise InvalidManifest("The gzipped manifest breaks off before its end. Upload it again.", at_end=True)
