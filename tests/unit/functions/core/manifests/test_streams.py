"""Bytes of a manifest as text, and gzip."""

import codecs
import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.manifests.streams import decompress_gzip, open_text
from functions.core.model.errors import InvalidManifest


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def read(data: bytes, size: int = 7) -> str:
    with open_text(pieces(data, size)) as file:
        return file.read()


@given(content=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff")), size=st.integers(1, 9))
def test_text_comes_out_as_it_went_in_however_it_is_cut(content: str, size: int) -> None:
    assert read(content.encode(), size) == content


@pytest.mark.parametrize("size", [1, 2, 3, 4, 100])
def test_a_byte_order_mark_is_left_out_however_the_text_is_cut(size: int) -> None:
    assert read(codecs.BOM_UTF8 + b"url\n", size) == "url\n"


def test_empty_pieces_are_no_end() -> None:
    with open_text([b"a", b"", b"b"]) as file:
        assert file.read() == "ab"


def test_lines_keep_their_ends() -> None:
    with open_text([b"a\r\nb\rc\n\nd"]) as file:
        assert list(file) == ["a\r\n", "b\rc\n", "\n", "d"]


@pytest.mark.parametrize(("encoding", "at"), [("utf-16", 3), ("utf-16-le", 1), ("utf-16-be", 0)])
def test_utf16_is_refused_by_its_first_zero_byte(encoding: str, at: int) -> None:
    with pytest.raises(InvalidManifest, match=f"Byte {at} of the manifest is zero, as in UTF-16"):
        read("url\nhttp://a.example/1".encode(encoding), 100)


@pytest.mark.parametrize("size", [1, 1_000, 10**9])
@pytest.mark.parametrize("at", [0, 3, 8_191, 8_192, 60_000, 299_999])
def test_a_byte_that_is_not_utf8_is_named_by_its_offset_while_lines_are_read(at: int, size: int) -> None:
    data = bytearray(b"http://\n" * 37_500)
    data[at] = 0xE9
    if size == 1:
        data = data[: at + 10]

    with pytest.raises(InvalidManifest, match=f"byte {at} is 0xe9"), open_text(pieces(bytes(data), size)) as file:
        for _ in file:
            pass


def test_the_offset_counts_the_byte_order_mark() -> None:
    with pytest.raises(InvalidManifest, match="byte 6 is 0xff"):
        read(codecs.BOM_UTF8 + b"abc\xff")


def test_a_character_cut_off_at_the_end_is_named_by_its_offset() -> None:
    with pytest.raises(InvalidManifest, match="byte 2 is 0xc3"):
        read("ab\u00e9".encode()[:-1])


def test_a_zero_byte_is_named_by_its_offset() -> None:
    with pytest.raises(InvalidManifest, match=r"Byte 20 of the manifest is zero, as in UTF-16\. Save it as UTF-8"):
        read(b"x" * 20 + b"\0y")


def test_members_that_follow_each_other_are_one_text() -> None:
    data = gzip.compress(b"url\n", mtime=0) + bytes(512) + gzip.compress(b"x\n", mtime=0) + bytes(9)

    assert b"".join(decompress_gzip([data[:7], data[7:]])) == b"url\nx\n"
    assert list(decompress_gzip([])) == []


def test_a_highly_compressed_manifest_is_decompressed_in_pieces() -> None:
    data = gzip.compress(bytes(50_000_000), mtime=0)

    sizes = list(map(len, decompress_gzip([data])))

    assert sum(sizes) == 50_000_000
    assert max(sizes) <= 1024 * 1024


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"url\n", "ends with .gz, but it is not a valid gzip file: Not a gzipped file"),
        (gzip.compress(b"url\n" * 100, mtime=0)[:-9], "The gzip file is truncated. Upload it again"),
        (gzip.compress(b"url\n" * 100, mtime=0)[:-8] + bytes(8), "is not a valid gzip file: CRC check failed"),
        (gzip.compress(b"url\n", mtime=0) + b"xyz", "is not a valid gzip file: Not a gzipped file"),
    ],
)
def test_what_cannot_be_decompressed_is_rejected(data: bytes, sentence: str) -> None:
    with pytest.raises(InvalidManifest, match=sentence):
        list(decompress_gzip([data]))
