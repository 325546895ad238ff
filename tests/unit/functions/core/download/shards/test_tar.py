"""The tar format: what is written is what `tarfile` writes, and members are found without their content."""

import io
import tarfile

import pytest

from functions.core.download.shards.tar import END, Member, header, members, padding


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 25 * 1024**2, 5 * 1024**3])
@pytest.mark.parametrize("name", ["000000001.jpg", "123456789.content.json"])
def test_a_header_is_that_of_tarfile(name: str, size: int) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mtime = size, 1_700_000_000

    assert header(name, size, 1_700_000_000) == info.tobuf(tarfile.USTAR_FORMAT)


def archive(*sizes: int) -> bytes:
    parts = [
        header(f"{row:09d}.png", size, 0) + bytes([row]) * size + padding(size) for row, size in enumerate(sizes, 1)
    ]
    return b"".join(parts) + END


def test_members_are_found_by_their_headers_alone() -> None:
    data, read = archive(1000, 0, 512, 3), []

    def reading(offset: int, size: int) -> bytes:
        read.append(size)
        return data[offset : offset + size]

    found = list(members(reading))

    with tarfile.open(fileobj=io.BytesIO(data)) as expected:
        assert found == [Member(each.name, each.offset_data, each.size) for each in expected]
    assert set(read) == {512}


@pytest.mark.parametrize("data", [b"", b"not a tar", bytes(512), b"x" * 2000])
def test_what_is_no_tar_file_has_no_members(data: bytes) -> None:
    assert list(members(lambda offset, size: data[offset : offset + size])) == []
