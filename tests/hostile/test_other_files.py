"""Files that are not images: stored by choice, through the whole engine."""

import gzip
import zlib

import pytest

from tests.hostile.conftest import Serve
from tests.hostile.engine import Engine, EngineResult
from tests.support.files import OTHER_SAMPLES, OtherSample
from tests.support.images import jpeg
from tests.support.servers import answer

BY_NAME = {sample.name: sample for sample in OTHER_SAMPLES}
PDF = BY_NAME["pdf"].data


def stored(result: EngineResult) -> tuple[str, bytes, str]:
    ((key, upload),) = result.store.objects.items()
    return key.rpartition(".")[2], upload.data, upload.content_type


@pytest.mark.parametrize("sample", OTHER_SAMPLES, ids=lambda sample: sample.name)
def test_a_file_is_stored_where_its_type_is_requested_and_fails_by_default(
    sample: OtherSample, serve: Serve, engine: Engine
) -> None:
    url = serve({"/file": answer(headers={"Content-Type": "image/jpeg"}, body=sample.data)}).url("/file")

    assert stored(engine.mirror(url, allowed_types=(sample.name,))) == (sample.name, sample.data, sample.content_type)
    assert [line["reason"] for line in engine.mirror(url).failures] == ["not_an_image"]


@pytest.mark.parametrize(
    "sample", [sample for sample in OTHER_SAMPLES if sample.has_end], ids=lambda sample: sample.name
)
def test_a_file_that_is_cut_fails(sample: OtherSample, serve: Serve, engine: Engine) -> None:
    url = serve({"/file": answer(body=sample.data[:-10])}).url("/file")

    (failure,) = engine.mirror(url, allowed_types=("any",)).failures

    assert (failure["reason"], failure["retryable"]) == ("incomplete_body", False)
    assert failure["message"].startswith(f"The {sample.name.upper()} is truncated.")


def test_html_is_refused_unless_it_is_named(serve: Serve, engine: Engine) -> None:
    url = serve({"/file.pdf": answer(body=BY_NAME["html"].data)}).url("/file.pdf")

    (failure,) = engine.mirror(url, allowed_types=("any",)).failures

    assert failure["message"] == (
        "The response body is HTML, not an image (Content-Type is ignored). allowed_types=any,html stores HTML, too."
    )
    assert stored(engine.mirror(url, allowed_types=("any", "html")))[2] == "text/html"


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(PDF, mtime=0), "gzip"),
        (zlib.compress(PDF), "deflate"),
        (PDF, "gzip"),
        (PDF, "deflate"),
        (gzip.compress(gzip.compress(PDF, mtime=0), mtime=0), "gzip, gzip"),
    ],
    ids=["gzip", "deflate", "not applied gzip", "not applied deflate", "twice"],
)
@pytest.mark.parametrize("allowed", [("pdf",), ("any",)])
def test_a_content_encoding_is_undone(
    allowed: tuple[str, ...], body: bytes, encoding: str, serve: Serve, engine: Engine
) -> None:
    url = serve({"/file": answer(headers={"Content-Encoding": encoding}, body=body)}).url("/file")

    assert stored(engine.mirror(url, allowed_types=allowed)) == ("pdf", PDF, "application/pdf")


def test_an_image_among_other_files_is_measured(serve: Serve, engine: Engine) -> None:
    url = serve({"/a": answer(body=jpeg(20, 10))}).url("/a")

    (line,) = engine.mirror(url, allowed_types=("any",)).lines

    assert (line["width"], line["height"], line["content_type"]) == (20, 10, "image/jpeg")


def test_a_minimum_size_rejects_what_has_none(serve: Serve, engine: Engine) -> None:
    url = serve({"/a": answer(body=PDF)}).url("/a")

    (failure,) = engine.mirror(url, allowed_types=("any",), min_width=1).failures

    assert "of unknown size" in failure["message"]
