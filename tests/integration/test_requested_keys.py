"""Every key that a row names has its image at the end of a run, by one request for each URL."""

import hashlib
from typing import Any

import pytest

from local.aws.cloud import Cloud
from tests.support.images import jpeg
from tests.support.pipeline import FinishedRun, is_reconciled, mirror
from tests.support.site import Answer, Site

IMAGE, NEWER = jpeg(note=b"first"), jpeg(9, 5, note=b"second")


def manifest(*rows: tuple[str, str]) -> str:
    return "url,key\n" + "".join(f"{url},{key}\n" for url, key in rows)


def head(cloud: Cloud, key: str) -> dict[str, Any]:
    found: dict[str, Any] = cloud.client("s3").head_object(Bucket=cloud.outputs["ImagesBucket"], Key=key)
    return found


def body(cloud: Cloud, key: str) -> bytes:
    return bytes(cloud.client("s3").get_object(Bucket=cloud.outputs["ImagesBucket"], Key=key)["Body"].read())


def check(run: FinishedRun, *, storage_class: str = "STANDARD") -> None:
    """Each row names an object with its bytes, its metadata and its storage class."""
    assert (run.status, is_reconciled(run.summary), run.summary["failed"]) == ("SUCCEEDED", True, 0)
    for row, line in run.outcomes().items():
        data, found = body(run.cloud, line["object_key"]), head(run.cloud, line["object_key"])
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (line["sha256"], line["bytes"])
        assert found["Metadata"]["sha256"] == line["sha256"], row
        assert (found["ContentType"], found.get("StorageClass", "STANDARD")) == (line["content_type"], storage_class)


@pytest.mark.parametrize("batch_size", ["500", "1"], ids=["one batch", "a batch for each row"])
def test_a_url_with_several_keys_is_stored_under_all_of_them(cloud: Cloud, site: Site, batch_size: str) -> None:
    url = site.put(f"/several-{batch_size}.jpg", IMAGE)
    keys = [f"several/{batch_size}-{name}.jpg" for name in "abb"]
    options = {"batch-size": batch_size, "max-concurrency": "1", "storage-class": "STANDARD_IA"}

    run = mirror(cloud, f"several-{batch_size}.csv", manifest(*((url, key) for key in [*keys, ""])), options)

    check(run, storage_class="STANDARD_IA")
    summary, lines = run.summary, run.outcomes()
    assert (summary["stored"], summary["duplicate"], summary["bytes"]) == (1, 3, len(IMAGE))
    assert [lines[row]["object_key"] for row in (1, 2, 3, 4)] == [f"images/{key}" for key in [*keys, keys[0]]]
    assert site.asked[f"/several-{batch_size}.jpg"] == 1
    assert (run.row(url) or {})["object_key"]["S"] == f"images/{keys[0]}"
    assert head(cloud, f"images/{keys[1]}")["Metadata"] == {
        **head(cloud, f"images/{keys[0]}")["Metadata"],
        "row": "2",
        "copy": "true",
    }


@pytest.mark.parametrize("on_existing", ["skip", "refresh"])
def test_an_image_of_an_earlier_run_is_copied_to_another_key(cloud: Cloud, site: Site, on_existing: str) -> None:
    path = f"/later-{on_existing}.jpg"
    url = site.put(path, Answer(IMAGE, headers={"ETag": '"e1"'}))
    first, second = f"later/{on_existing}-1.jpg", f"later/{on_existing}-2.jpg"
    mirror(cloud, f"later-{on_existing}-1.csv", manifest((url, first)))

    run = mirror(cloud, f"later-{on_existing}-2.csv", manifest((url, second)), {"on-existing": on_existing})

    check(run)
    assert run.outcomes()[1]["object_key"] == f"images/{second}"
    assert run.summary["unchanged" if on_existing == "refresh" else "skipped"] == 1
    assert site.sent[path] == len(IMAGE)
    assert (run.row(url) or {})["object_key"]["S"] == f"images/{first}"


@pytest.mark.parametrize("on_existing", ["refresh", "overwrite"])
def test_an_image_that_has_changed_replaces_all_its_objects(cloud: Cloud, site: Site, on_existing: str) -> None:
    url = site.put(f"/changed-{on_existing}.jpg", IMAGE, NEWER)
    rows = [(url, f"changed/{on_existing}-{name}.jpg") for name in "ab"]
    mirror(cloud, f"changed-{on_existing}-1.csv", manifest(*rows))

    run = mirror(cloud, f"changed-{on_existing}-2.csv", manifest(*rows[::-1]), {"on-existing": on_existing})

    check(run)
    assert {line["sha256"] for line in run.outcomes().values()} == {hashlib.sha256(NEWER).hexdigest()}
    assert run.image(url) == NEWER
    assert site.asked[f"/changed-{on_existing}.jpg"] == 2


def test_an_image_whose_object_was_deleted_is_downloaded_again(cloud: Cloud, site: Site) -> None:
    url = site.put("/deleted.jpg", IMAGE, NEWER)
    mirror(cloud, "deleted-1.csv", manifest((url, "deleted/1.jpg")))
    cloud.client("s3").delete_object(Bucket=cloud.outputs["ImagesBucket"], Key="images/deleted/1.jpg")

    run = mirror(cloud, "deleted-2.csv", manifest((url, "deleted/2.jpg")))

    check(run)
    assert (run.summary["stored"], body(cloud, "images/deleted/2.jpg")) == (1, NEWER)
    assert run.image(url) == NEWER


def test_the_rows_of_a_url_that_fails_all_fail_and_are_retried(cloud: Cloud, site: Site) -> None:
    url = site.put("/busy.jpg", Answer(b"", 500), IMAGE)
    rows = [(url, "busy/1.jpg"), (url, ""), (url, "busy/2.jpg")]

    run = mirror(cloud, "busy.csv", manifest(*rows), {"rounds": "1"})

    assert run.summary["failures_by_reason"] == {"http_5xx": 3}
    assert run.file(run.summary["retry_manifest"]).decode() == manifest(*rows)
    retry = mirror(cloud, "busy-retry.csv", run.file(run.summary["retry_manifest"]))
    check(retry)
    assert (retry.summary["stored"], retry.summary["duplicate"]) == (1, 2)
