"""Files that are not images: type and completeness by their bytes."""

import io

import pytest

from functions.core.download.images.other_types import (
    OTHER_TYPES,
    detect_type,
    extension_of,
    is_allowed,
    is_recognized,
    riff_file,
)
from functions.core.download.images.types import IMAGE_TYPES as ALL_IMAGE_TYPES
from functions.core.download.images.types import FileType
from functions.core.model.options import IMAGE_TYPES, OTHER_FILE_TYPES
from tests.support.files import OTHER_SAMPLES, OtherSample, archive, box, iso_video, matroska, office
from tests.support.images import SAMPLES, Sample

URL = "https://a.example/file"
ALL = pytest.mark.parametrize("sample", OTHER_SAMPLES, ids=lambda sample: sample.name)


def type_of(data: bytes, *allowed: str, url: str = URL) -> FileType:
    found = detect_type(data, url, allowed or OTHER_FILE_TYPES)
    assert found is not None
    return found


def is_complete(data: bytes) -> bool:
    return type_of(data).is_complete(io.BytesIO(data), len(data))


def test_every_type_can_be_requested_and_has_a_sample() -> None:
    assert {file_type.name for file_type in OTHER_TYPES} == set(OTHER_FILE_TYPES)
    assert [sample.name for sample in OTHER_SAMPLES] == [file_type.name for file_type in OTHER_TYPES]


@ALL
def test_a_type_is_detected_where_it_is_asked_for(sample: OtherSample) -> None:
    for allowed in ((sample.name,), ("any",), ("jpeg", "any", "html")):
        found = type_of(sample.data, *allowed)

        assert (found.name, found.content_type, found.extension) == (sample.name, sample.content_type, sample.name)
        assert found.dimensions(io.BytesIO(sample.data), len(sample.data)) is None
        assert is_allowed(found, allowed) == (sample.name != "html" or allowed != ("any",))
    assert detect_type(sample.data, URL, IMAGE_TYPES) is None


@ALL
def test_a_whole_file_is_complete_and_a_cut_one_is_not_where_the_format_says_its_end(sample: OtherSample) -> None:
    assert is_complete(sample.data)
    assert type_of(sample.data).is_complete(io.BytesIO(sample.data[:-10]), len(sample.data) - 10) != sample.has_end


@pytest.mark.parametrize(
    "data",
    [
        archive({"a.txt": b"a"}, comment=b"c" * 65_535),
        matroska(b"webm", has_length=False),
        b"%PDF-1.4\n%%EOF\n" + b"<!-- served in 3 ms -->" * 100,
        box(b"ftyp", b"isom" * 3) + box(b"moov") + box(b"mdat", b"m" * 9),
        box(b"moov") + box(b"mdat"),
        iso_video(b"mp42") + b"appended",
    ],
    ids=["zip with a comment", "webm of unknown length", "bytes behind a PDF", "fast start", "old MOV", "bytes behind"],
)
def test_files_as_programs_write_them_are_complete(data: bytes) -> None:
    assert is_complete(data)


@pytest.mark.parametrize("length", [bytes(4), b"\xff\xff\xff\xff"])
def test_a_recording_whose_length_was_never_written_is_complete(length: bytes) -> None:
    assert riff_file(io.BytesIO(b"RIFF" + length + b"WAVE"), 12)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_an_image_stays_an_image(sample: Sample) -> None:
    found = type_of(sample.data, "any")

    assert found.name == sample.name
    assert is_allowed(found, ("any",))


@pytest.mark.parametrize(
    ("path", "extension"),
    [
        ("/scan.nii", "nii"),
        ("/a/b.STL?x=.exe", "stl"),
        ("/model.tar.xz", "xz"),
        ("/page.html", "bin"),
        ("/page.PHP", "bin"),
        ("/x.svg", "bin"),
        ("/lib.js", "bin"),
        ("/none", "bin"),
        ("/a.b/c", "bin"),
        ("/a.too-long-to-be-one", "bin"),
        ("/a.%6a%73", "bin"),
        ("/a.ü", "bin"),
        ("/.", "bin"),
        ("", "bin"),
    ],
)
def test_a_file_of_an_unknown_type_keeps_the_extension_of_its_url(path: str, extension: str) -> None:
    found = type_of(b"\x00\x01\x02 anything", "any", url=f"https://a.example{path}")

    assert (found.content_type, found.extension) == ("application/octet-stream", extension)
    assert is_allowed(found, ("any",))


@ALL
def test_no_start_of_a_file_raises(sample: OtherSample) -> None:
    for size in range(60):
        head = sample.data[:size]
        for file_type in (type_of(head, "any"), *OTHER_TYPES):
            file_type.is_complete(io.BytesIO(head), len(head))


def test_compressed_bytes_are_not_recognized() -> None:
    recognized = {sample.name for sample in OTHER_SAMPLES if is_recognized(sample.data)}

    assert recognized == set(OTHER_FILE_TYPES) - {"gz"}
    assert is_recognized(office("word/document.xml"))
    assert not is_recognized(b"\x78\x9c" + bytes(10))


@pytest.mark.parametrize("file_type", [*ALL_IMAGE_TYPES, *OTHER_TYPES], ids=lambda each: each.name)
def test_the_extension_of_a_stored_file_is_that_of_its_download(file_type: FileType) -> None:
    """The key of an image that is not downloaded again is the same."""
    assert extension_of(file_type.content_type, URL) == file_type.extension
    assert extension_of(file_type.content_type, f"{URL}.php") == file_type.extension


@pytest.mark.parametrize(("path", "extension"), [("/a.dat", "dat"), ("/a.js", "bin"), ("/a", "bin"), ("/a.Dcm", "dcm")])
def test_the_extension_of_a_stored_file_of_an_unknown_type_is_that_of_its_url(path: str, extension: str) -> None:
    url = f"https://a.example{path}"

    assert type_of(b"\x00\x01\x02 anything", "any", url=url).extension == extension
    assert extension_of("application/octet-stream", url) == extension_of(None, url) == extension
