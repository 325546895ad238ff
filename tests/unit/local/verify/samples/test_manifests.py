"""The manifests are what the functions read: every format, with the URLs of presigned links unchanged."""

import gzip

import pytest

from cdk.workflow.readers import READERS
from functions.core.manifests.detection import decompressed, detect_format, format_from_name
from functions.core.manifests.formats import PARQUET
from functions.core.model.rows import RowRules, url_text
from local.verify.samples.manifests import MANIFESTS, Manifest, Picture, Row
from local.verify.samples.pictures import png

QUERY = "X-Amz-Credential=A%2F1&X-Amz-Security-Token=a%2Bb%2F%3D%3D+~-_.&X-Amz-Expires=3600"


def rows(count: int) -> list[Row]:
    """Rows with links like presigned ones."""
    urls = [f"https://bucket.s3.eu-central-1.amazonaws.com/verify/1/{number}.png?{QUERY}" for number in range(count)]
    return [Row(url, Picture(f"verify/1/{url[-8:]}", "image/png", png(8), url)) for url in urls]


def format_name(manifest: Manifest, content: bytes) -> str:
    key = f"manifests/verify-1/{manifest.name}.{manifest.extension}"
    extension, _ = format_from_name(key)
    if extension.default_format == PARQUET:
        return PARQUET
    return detect_format(extension, decompressed(key, [content]))[0].name


@pytest.mark.parametrize(
    "manifest", [each for each in MANIFESTS if each.extension != PARQUET], ids=lambda each: each.name
)
def test_the_urls_are_read_as_they_were_written(manifest: Manifest) -> None:
    written = rows(manifest.images)
    key = f"manifests/{manifest.name}.{manifest.extension}"
    extension, gzipped = format_from_name(key)

    found, chunks = detect_format(extension, decompressed(key, [manifest.write(written)]))
    items = [item for _, item in found.numbered_rows(chunks, RowRules())]

    assert [url_text(item) for item in items] == [row.url for row in written]
    assert gzipped == manifest.extension.endswith(".gz")


def test_there_is_a_manifest_for_every_reader_of_the_state_machine() -> None:
    used = {format_name(each, each.write(rows(each.images))) for each in MANIFESTS}

    assert used == {reader.name for reader in READERS}


def test_the_undocumented_corners_are_there() -> None:
    by_name = {each.name: each for each in MANIFESTS}
    marked = by_name["csv-bom"].write(rows(2))

    assert marked.startswith(b"\xef\xbb\xbfurl\r\n")
    assert b"\r\n\r\n" in marked
    assert gzip.decompress(by_name["jsonl-gz"].write(rows(2))).startswith(b'"https://')
    assert by_name["parquet"].images % int(by_name["parquet"].options["batch-size"]) == 1
    assert by_name["one-row"].images == 1


def test_names_are_unique() -> None:
    assert len({each.name for each in MANIFESTS}) == len(MANIFESTS)
