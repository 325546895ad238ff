"""Images whose SHA-256 is in the list of the option `known_bad`, through the pipeline."""

import hashlib

import pytest

from local.aws.cloud import Cloud
from tests.support.images import jpeg, png
from tests.support.pipeline import FinishedRun, is_reconciled, mirror
from tests.support.site import Answer, Site

BAD, WORSE, GOOD = png(2, 2), jpeg(note=b"not found"), png(9, 9)
BAD_DIGEST, WORSE_DIGEST = (hashlib.sha256(image).hexdigest() for image in (BAD, WORSE))


def put_list(cloud: Cloud, name: str, content: str | bytes) -> str:
    """Uploads a list, and returns its URI."""
    bucket, data = cloud.outputs["InputBucket"], content if isinstance(content, bytes) else content.encode()
    cloud.client("s3").put_object(Bucket=bucket, Key=f"lists/{name}", Body=data)
    return f"s3://{bucket}/lists/{name}"


def image_keys(cloud: Cloud) -> set[str]:
    pages = cloud.client("s3").get_paginator("list_objects_v2").paginate(Bucket=cloud.outputs["ImagesBucket"])
    return {entry["Key"] for page in pages for entry in page.get("Contents", [])}


def reasons(run: FinishedRun) -> dict[int, str]:
    assert is_reconciled(run.summary)
    return {row: line.get("reason", line["outcome"]) for row, line in sorted(run.outcomes().items())}


@pytest.mark.parametrize(
    "content",
    [
        f"# placeholders\n{BAD_DIGEST}\n\n{WORSE_DIGEST.upper()}  # of b.example\n",
        f"\ufeff{BAD_DIGEST}  a b.png\r\n{WORSE_DIGEST} *c.jpg\r\n",
        f'host,sha256,rows\na.example,{BAD_DIGEST},12\n"b, example","{WORSE_DIGEST}",10\n',
        f"SHA256;note\n{BAD_DIGEST};x\n{WORSE_DIGEST};y\n",
    ],
    ids=["text", "sha256sum", "suspects", "semicolons"],
)
def test_known_images_fail_and_are_not_stored(cloud: Cloud, site: Site, content: str) -> None:
    urls = [site.put(f"/{n}.png", image) for n, image in enumerate((BAD, GOOD, WORSE))]
    before = image_keys(cloud)
    option = put_list(cloud, "bad.txt", content)

    run = mirror(
        cloud,
        "known.csv",
        "\n".join(["url", *urls, urls[0]]),
        {"known-bad": option, "on-existing": "overwrite", "batch-size": "1"},
    )

    assert reasons(run) == {1: "placeholder", 2: "stored", 3: "placeholder", 4: "placeholder"}
    line = run.outcomes()[1]
    assert f"its SHA-256 is {BAD_DIGEST}. If it is the image that you want, remove the digest" in line["message"]
    assert (line["retryable"], run.summary["retry_manifest"]) == (False, None)
    assert image_keys(cloud) - before <= {run.outcomes()[2]["object_key"]}


def test_the_suspects_of_a_run_can_be_the_list_of_the_next(cloud: Cloud, site: Site) -> None:
    urls = [site.put(f"/suspect-{n}.png", BAD if n < 12 else png(n, 1)) for n in range(20)]
    first = mirror(cloud, "suspect.csv", "\n".join(["url", *urls]))
    assert first.summary["stored"] == 20

    run = mirror(
        cloud,
        "suspect-2.csv",
        "\n".join(["url", *urls]),
        {"known-bad": f"runs/{first.run_id}/suspects.csv", "on-existing": "overwrite"},
    )

    assert (run.summary["stored"], run.summary["failures_by_reason"]) == (8, {"placeholder": 12})


@pytest.mark.parametrize(("on_existing", "outcome"), [("skip", "skipped"), ("refresh", "unchanged")])
def test_what_is_stored_stays_and_is_not_copied(cloud: Cloud, site: Site, on_existing: str, outcome: str) -> None:
    url = site.put(f"/stays-{on_existing}.png", Answer(BAD, headers={"ETag": '"1"'}))
    stored = mirror(cloud, f"stays-{on_existing}.csv", f"url\n{url}\n").outcomes()[1]["object_key"]
    options = {"on-existing": on_existing, "known-bad": put_list(cloud, "stays.txt", BAD_DIGEST)}
    rows = f"url,key\n{url},\n{url},copies/{on_existing}.png\n"

    run = mirror(cloud, f"stays-{on_existing}-2.csv", rows, options)

    assert reasons(run) == {1: outcome, 2: "placeholder"}
    assert stored in image_keys(cloud)
    assert f"images/copies/{on_existing}.png" not in image_keys(cloud)


def test_all_batches_have_the_list_as_it_was_when_the_run_started(cloud: Cloud, site: Site) -> None:
    empty = Answer(GOOD, before=lambda: put_list(cloud, "pinned.txt", ""))
    urls = [site.put("/pinned-1.png", empty), site.put("/pinned-2.png", BAD)]
    options = {"known-bad": put_list(cloud, "pinned.txt", BAD_DIGEST), "batch-size": "1", "max-concurrency": "1"}

    run = mirror(cloud, "pinned.csv", "\n".join(["url", *urls]), options)

    assert reasons(run) == {1: "stored", 2: "placeholder"}


@pytest.mark.parametrize(
    ("option", "content", "sentence"),
    [
        ("lists/none.txt", None, "/lists/none.txt, does not exist. Upload the list, and then the manifest again."),
        ("manifests/a.txt", None, "must be an object of the input bucket: s3://"),
        ("s3://another-bucket/lists/a.txt", None, "must be an object of the input bucket: s3://"),
        ("lists/words.txt", f"{BAD_DIGEST}\nplaceholder.png", "line 2: 'placeholder.png' is not a SHA-256 digest"),
        ("lists/short.txt", BAD_DIGEST[:63], "line 1: '" + BAD_DIGEST[:63] + "' is not a SHA-256 digest"),
        ("lists/image.png", png(), "is not text in UTF-8 with a SHA-256 digest in each line"),
    ],
)
def test_a_list_that_cannot_be_used_ends_the_run_before_anything_is_fetched(
    cloud: Cloud, site: Site, option: str, content: str | bytes | None, sentence: str
) -> None:
    url = site.put("/unused-list.png", GOOD)
    if content is not None:
        put_list(cloud, option.removeprefix("lists/"), content)

    run = mirror(cloud, "unusable-list.csv", f"url\n{url}\n", {"known-bad": option})

    assert (run.status, run.summary["error"]) == ("FAILED", "InvalidManifest")
    assert sentence in run.summary["cause"]
    assert site.asked["/unused-list.png"] == 0
