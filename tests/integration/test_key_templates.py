"""Names of images by the option `key_template`, through the pipeline."""

import hashlib
import json
import threading

import pytest

from functions.core.model.keys.row_numbers import ROW_COLUMN
from local.aws.cloud import Cloud
from tests.support.api import Api
from tests.support.arrow import file_of
from tests.support.images import jpeg, png
from tests.support.kill_functions import kill_download_batch
from tests.support.pipeline import FinishedRun, is_reconciled, mirror
from tests.support.site import Answer, Site


def body(cloud: Cloud, key: str) -> bytes:
    return bytes(cloud.client("s3").get_object(Bucket=cloud.outputs["ImagesBucket"], Key=key)["Body"].read())


def keys(run: FinishedRun) -> dict[int, str]:
    """The key of each row that has an image, without the prefix. Each object has the bytes that its line names."""
    assert run.status == "SUCCEEDED", run.cause
    assert is_reconciled(run.summary)
    lines = {row: line for row, line in run.outcomes().items() if line.get("object_key")}
    for line in lines.values():
        assert hashlib.sha256(body(run.cloud, line["object_key"])).hexdigest() == line["sha256"]
    return {row: line["object_key"].removeprefix("images/") for row, line in sorted(lines.items())}


def failures(run: FinishedRun) -> dict[int, tuple[str, str]]:
    return {
        row: (line["reason"], line["message"]) for row, line in run.outcomes().items() if line["outcome"] == "failed"
    }


def test_a_key_has_the_host_the_number_of_the_row_and_the_type_of_the_bytes(cloud: Cloud, site: Site) -> None:
    urls = [site.put("/a.php", jpeg()), site.put("/b.jpg", png()), site.put("/c", jpeg(9, 9))]

    run = mirror(cloud, "by-row.csv", "\n".join(["url", *urls]), {"key-template": "by-host/{host}/{row:08}.{ext}"})

    folder = f"by-host/{site.url.removeprefix('http://')}"
    assert keys(run) == {1: f"{folder}/00000001.jpg", 2: f"{folder}/00000002.png", 3: f"{folder}/00000003.jpg"}
    assert (run.row(urls[1]) or {})["object_key"]["S"] == f"images/{folder}/00000002.png"


def manifests(rows: list[dict[str, object]]) -> dict[str, bytes]:
    """The same rows in each format."""
    header = ",".join(rows[0])
    lines = [",".join("" if value is None else str(value) for value in row.values()) for row in rows]
    return {
        "csv": "\n".join([header, *lines]).encode(),
        "jsonl": "\n".join(map(json.dumps, rows)).encode(),
        "json": json.dumps(rows).encode(),
        "parquet": file_of({name: [row[name] for row in rows] for name in rows[0]}),
    }


@pytest.mark.parametrize("extension", ["csv", "jsonl", "json", "parquet"])
def test_columns_of_every_format_are_fields(cloud: Cloud, site: Site, extension: str) -> None:
    url = site.put(f"/columns-{extension}.png", png())
    rows: list[dict[str, object]] = [
        {"url": url, "Image Title": "../Été/été", "id": 7},
        {"url": f"{url}?2", "Image Title": None, "id": 8},
    ]

    run = mirror(
        cloud,
        f"columns.{extension}",
        manifests(rows)[extension],
        {"key-template": f"{extension}/{{id:05}}-{{Image Title}}.{{ext}}"},
    )

    assert keys(run) == {1: f"{extension}/00007-.._Été_été.png"}
    assert failures(run) == {
        2: (
            "invalid_row",
            "The column 'Image Title' in key_template has no value in this row: add one, or give the row a key.",
        )
    }


@pytest.mark.parametrize("extension", ["csv", "txt", "json", "jsonl", "parquet"])
def test_a_retry_gives_the_same_names(cloud: Cloud, site: Site, extension: str) -> None:
    """The rows of a retry manifest have other numbers, in a retry of a retry too."""
    paths = [f"/retry-{extension}-{n}.png" for n in range(4)]
    urls = [site.put(path, *[Answer(b"", 500)] * n, png(n + 1, 1)) for n, path in enumerate(paths)]
    content = {
        "csv": "\n".join(["url", *urls]).encode(),
        "txt": "\n".join(urls).encode(),
        "json": json.dumps(urls).encode(),
        "jsonl": "\n".join(map(json.dumps, urls)).encode(),
        "parquet": file_of({"url": urls}),
    }[extension]
    options = {
        "rounds": "1",
        "tolerated-failure-percentage": "100",
        "key-template": f"retry-{extension}/{{run}}/{{row:08}}.{{ext}}",
    }

    first = run = mirror(cloud, f"retry.{extension}", content, options)
    stored = set(keys(run).values())
    for _ in range(3):
        retry = run.summary["retry_manifest"]
        source = {"Bucket": cloud.outputs["InputBucket"], "Key": retry}
        s3 = cloud.client("s3")
        metadata = s3.head_object(**source)["Metadata"]
        run = mirror(cloud, f"again-{retry.rpartition('/')[2]}", run.file(retry), metadata)
        stored |= set(keys(run).values())

    assert run.summary["retry_manifest"] is None
    assert stored == {f"retry-{extension}/{first.run_id}/{row:08}.png" for row in (1, 2, 3, 4)}
    assert all(ROW_COLUMN not in line.get("columns", {}) for line in run.outcomes().values())


def test_a_retry_by_the_api_gives_the_same_names(cloud: Cloud, site: Site) -> None:
    urls = [site.put("/api-1.png", png(1, 1)), site.put("/api-2.png", Answer(b"", 500), png(2, 2))]
    api = Api(cloud)
    options = {"key_template": "api/{date}/{run}/{row:03}.{ext}", "rounds": 1}

    first = api.finish(api.submit({"urls": urls, "options": options}))
    retry = api.finish(api.submit(None, f"/runs/{first.run_id}/retry"))

    folder = f"api/{first.summary['started_at'][:10]}/{first.run_id}"
    assert (keys(first), keys(retry)) == ({1: f"{folder}/001.png"}, {1: f"{folder}/002.png"})


def test_a_pass_gives_the_same_names(cloud: Cloud, site: Site) -> None:
    urls = [site.put("/pass-1.png", png(1, 1)), site.put("/pass-2.png", Answer(b"", 500), png(2, 2))]

    run = mirror(
        cloud, "pass.csv", "\n".join(["url", *urls]), {"rounds": "2", "passes": "5", "key-template": "pass/{row}.{ext}"}
    )

    assert keys(run) == {1: "pass/1.png", 2: "pass/2.png"}


@pytest.mark.parametrize("batch_size", ["500", "1"], ids=["one batch", "a batch for each row"])
def test_two_urls_with_one_key_are_a_conflict(cloud: Cloud, site: Site, batch_size: str) -> None:
    rows = [f"{site.put(f'/conflict-{batch_size}-{n}.png', png(n, 1))},same" for n in (1, 2)]
    options = {
        "batch-size": batch_size,
        "max-concurrency": "1",
        "per-host": "1",
        "key-template": f"conflict-{batch_size}/{{title}}.{{ext}}",
    }

    run = mirror(cloud, f"conflict-{batch_size}.csv", "\n".join(["url,title", *rows]), options)

    assert list(keys(run).values()) == [f"conflict-{batch_size}/same.png"]
    assert run.summary["failures_by_reason"] == {"key_conflict": 1}


def test_urls_with_the_same_bytes_share_a_key_that_has_their_digest(cloud: Cloud, site: Site) -> None:
    image, other = png(3, 3), png(4, 4)
    urls = [site.put(f"/same-{n}.png", image if n < 3 else other) for n in range(4)]
    template = {"key-template": "bytes/{sha256:.2}/{sha256}.{ext}"}

    first = mirror(cloud, "same-bytes.csv", "\n".join(["url", *urls[:2], urls[3]]), template)
    second = mirror(cloud, "same-bytes-2.csv", "\n".join(["url", *urls[::-1]]), template)

    digest = hashlib.sha256(image).hexdigest()
    assert {*keys(first).values(), *keys(second).values()} == {
        f"bytes/{name[:2]}/{name}.png" for name in (digest, hashlib.sha256(other).hexdigest())
    }
    assert [first.summary[name] for name in ("stored", "duplicate", "failed")] == [2, 1, 0]
    assert [second.summary[name] for name in ("stored", "skipped", "failed")] == [0, 4, 0]
    assert all((second.row(url) or {})["object_key"]["S"].startswith("images/bytes/") for url in urls)


def test_a_row_with_a_key_keeps_it(cloud: Cloud, site: Site) -> None:
    urls = [site.put("/own-1.png", png(1, 1)), site.put("/own-2.png", png(2, 2))]

    run = mirror(cloud, "own.csv", f"url,key\n{urls[0]},own/mine.x\n{urls[1]},\n", {"key-template": "own/{row}.{ext}"})

    assert keys(run) == {1: "own/mine.x", 2: "own/2.png"}


@pytest.mark.parametrize(
    ("on_existing", "outcome"), [("skip", "skipped"), ("refresh", "unchanged"), ("overwrite", "stored")]
)
def test_an_image_of_an_earlier_run_gets_the_key_of_the_template(
    cloud: Cloud, site: Site, on_existing: str, outcome: str
) -> None:
    url = site.put(f"/earlier-{on_existing}.png", Answer(png(), headers={"ETag": '"1"'}))
    mirror(cloud, f"earlier-{on_existing}.csv", f"url\n{url}\n")

    run = mirror(
        cloud,
        f"earlier-{on_existing}-2.csv",
        f"url\n{url}\n",
        {"on-existing": on_existing, "key-template": f"earlier-{on_existing}/{{sha256:.8}}-{{name}}.{{ext}}"},
    )

    name = hashlib.sha256(png()).hexdigest()[:8]
    assert keys(run) == {1: f"earlier-{on_existing}/{name}-earlier-{on_existing}.png"}
    assert run.summary[outcome] == 1


@pytest.mark.parametrize("on_existing", ["refresh", "overwrite"])
def test_an_image_with_another_type_gets_another_key(cloud: Cloud, site: Site, on_existing: str) -> None:
    url = site.put(f"/type-{on_existing}.png", png(), jpeg())
    options = {"on-existing": on_existing, "key-template": f"type-{on_existing}/{{name}}.{{ext}}"}

    first = mirror(cloud, f"type-{on_existing}.csv", f"url\n{url}\n", options)
    second = mirror(cloud, f"type-{on_existing}-2.csv", f"url\n{url}\n", options)

    name = f"type-{on_existing}/type-{on_existing}"
    assert (keys(first), keys(second)) == ({1: f"{name}.png"}, {1: f"{name}.jpg"})
    assert second.outcomes()[1]["former_key"] == f"images/{name}.png"
    assert (second.row(url) or {})["object_key"]["S"] == f"images/{name}.jpg"


def test_a_batch_that_is_killed_and_repeated_gives_the_same_names(cloud: Cloud, site: Site) -> None:
    """The first rows are stored when it is killed, some of them without their record."""
    once = threading.Semaphore(1)
    killing = Answer(png(40, 1), before=lambda: once.acquire(blocking=False) and kill_download_batch())
    urls = [site.put(f"/killed-{n}.png", killing if n == 40 else png(n, 1)) for n in range(1, 41)]

    run = mirror(
        cloud,
        "killed-names.csv",
        "\n".join(["url", *urls]),
        {"concurrency": "1", "key-template": "killed/{row:02}-{sha256:.6}.{ext}"},
    )

    digests = [hashlib.sha256(png(n, 1)).hexdigest()[:6] for n in range(1, 41)]
    assert keys(run) == {n: f"killed/{n:02}-{digest}.png" for n, digest in enumerate(digests, 1)}
    assert run.summary["stored"] == 40


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("x/{tilte}.{ext}", "has {tilte}, which is neither a field nor a column of the manifest. The fields are {row}"),
        ("x/{row:>8}", "has the format '>8' for {row}, which is not possible. Possible: {row:08} for eight digits"),
        ("images/{date}/{run}.{ext}", "has no field that tells rows apart"),
    ],
)
def test_a_template_that_cannot_be_used_ends_the_run_before_anything_is_fetched(
    cloud: Cloud, site: Site, template: str, sentence: str
) -> None:
    url = site.put("/unused.png", png())

    run = mirror(cloud, "unusable.csv", f"url,title\n{url},a\n", {"key-template": template})

    assert (run.status, run.summary["error"]) == ("FAILED", "InvalidManifest")
    assert f"Option 'key_template' {sentence}" in run.summary["cause"]
    assert site.asked["/unused.png"] == 0


def test_a_copy_of_a_retry_manifest_has_a_template_in_any_script(cloud: Cloud, site: Site) -> None:
    urls = [site.put("/script-1.png", png(1, 1)), site.put("/script-2.png", Answer(b"", 500), png(2, 2))]
    items = [{"url": url, "Titel": "\u732b"} for url in urls]
    options = {"key_template": "Gr\u00f6\u00dfe/{Titel}-{row}.{ext}", "rounds": 1, "passes": 0}
    api, s3 = Api(cloud), cloud.client("s3")
    first = api.finish(api.submit({"items": items, "options": options}))
    source = {"Bucket": cloud.outputs["InputBucket"], "Key": first.summary["retry_manifest"]}
    metadata = s3.head_object(**source)["Metadata"]

    retry = mirror(cloud, "again-in-a-script.json", first.file(source["Key"]), metadata)

    assert metadata["key-template"].startswith("=?UTF-8?B?")
    assert (keys(first), keys(retry)) == (
        {1: "Gr\u00f6\u00dfe/\u732b-1.png"},
        {1: "Gr\u00f6\u00dfe/\u732b-2.png"},
    )
