"""Runs of a stack whose images go to an existing bucket: its objects under the prefix are the stack's, no others."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from functions.core.model.keys import default_key
from local.aws.cloud import Cloud
from tests.existing_bucket.conftest import BUCKET
from tests.support.api import Api
from tests.support.images import png
from tests.support.pipeline import mirror
from tests.support.site import Answer, Site

PREFIX = "mirror/pictures/"
OWNERS = {"reports/secret.pdf": b"secret", "mirror/index.html": b"index", "images/old.png": b"old"}
"""Objects of the owner of the bucket, by key."""

CloudWith = Callable[[str], AbstractContextManager[Cloud]]


def put_owners_objects(cloud: Cloud) -> None:
    for key, body in OWNERS.items():
        cloud.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body, Metadata={"owner": "web team"})


def objects(cloud: Cloud) -> dict[str, bytes]:
    """Every object of the bucket."""
    s3 = cloud.client("s3")
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]
    return {key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}


def clients_of_functions(cloud: Cloud) -> list[Any]:
    """An S3 client with the credentials of each function."""
    create: Callable[..., Any] = boto3.Session(region_name="us-east-1").client
    found = [cloud.access.function_settings(function) for function in cloud.stack.functions()]
    return [
        create(
            "s3",
            endpoint_url=cloud.endpoint,
            aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"max_attempts": 0}, proxies={}),
        )
        for settings in found
    ]


def test_every_image_is_under_the_prefix_and_the_owner_s_objects_are_untouched(
    cloud_with: CloudWith, site: Site
) -> None:
    first, second = (site.put(f"/{name}.png", png(note=name.encode())) for name in ("a", "b"))
    with cloud_with(PREFIX) as cloud:
        put_owners_objects(cloud)

        run = mirror(cloud, "list.csv", f"url,key\n{first},\n{second},cats/tom.png\n")

        assert run.status == "SUCCEEDED", run.cause
        assert objects(cloud) == {
            **OWNERS,
            default_key(first, "png", PREFIX): png(note=b"a"),
            f"{PREFIX}cats/tom.png": png(note=b"b"),
        }
        assert (run.image(first), run.image(second)) == (png(note=b"a"), png(note=b"b"))
        head = cloud.client("s3").head_object(Bucket=BUCKET, Key="reports/secret.pdf")
        assert head["Metadata"] == {"owner": "web team"}
        found = Api(cloud).request("GET", f"/images?url={second}").json()
        assert found["object_key"] == f"{PREFIX}cats/tom.png"
        assert requests.get(found["link"], timeout=20).content == png(note=b"b")


def test_a_requested_key_never_replaces_an_object_of_the_owner(cloud_with: CloudWith, site: Site) -> None:
    url, key = site.put("/a.png", png()), f"{PREFIX}logo.png"
    with cloud_with(PREFIX) as cloud:
        cloud.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"logo")

        run = mirror(cloud, "list.csv", f"url,key\n{url},logo.png\n{site.put('/b.png', png())},\n")

        assert run.outcomes()[1]["reason"] == "key_conflict"
        assert objects(cloud)[key] == b"logo"


def test_no_function_may_read_or_write_another_object_of_the_bucket(cloud_with: CloudWith) -> None:
    with cloud_with(PREFIX) as cloud:
        put_owners_objects(cloud)

        for s3, key in product(clients_of_functions(cloud), OWNERS):
            for call in (
                lambda s3=s3, key=key: s3.get_object(Bucket=BUCKET, Key=key),
                lambda s3=s3, key=key: s3.put_object(Bucket=BUCKET, Key=key, Body=b""),
                lambda s3=s3, key=key: s3.delete_object(Bucket=BUCKET, Key=key),
                lambda s3=s3: s3.list_objects_v2(Bucket=BUCKET),
            ):
                with pytest.raises(ClientError, match="AccessDenied"):
                    call()

        assert objects(cloud) == OWNERS


def test_a_bucket_that_is_missing_fails_the_run_and_the_log_says_so(cloud_with: CloudWith, site: Site) -> None:
    with cloud_with(PREFIX) as cloud:
        cloud.client("s3").delete_bucket(Bucket=BUCKET)

        run = mirror(cloud, "list.csv", f"url\n{site.put('/a.png', png())}\n")

        cloud.settle()
        [group] = [each.log_group for each in cloud.stack.functions() if "download_batch" in each.handler]
        events = cloud.client("logs").filter_log_events(logGroupName=group)["events"]
        assert (run.status, run.summary["failures_by_reason"]) == ("FAILED", {"batch_crashed": 1})
        assert any("S3 PutObject failed (NoSuchBucket)" in event["message"] for event in events)


def test_the_folder_of_the_images_has_them_by_their_keys_without_the_prefix(
    cloud_with: CloudWith, site: Site, out: Path
) -> None:
    first, second = (site.put(f"/{name}.png", png()) for name in ("a", "b"))
    with cloud_with(PREFIX) as cloud:
        put_owners_objects(cloud)
        run = mirror(cloud, "list.csv", f"url,key\n{first},\n{second},cats/tom.png\n")
        cloud.export(run.run_id)

    assert (out / "images/cats/tom.png").read_bytes() == png()
    assert not (out / "images/reports").exists()
    report = out / "runs" / run.run_id / "report.html"
    links = [unquote(link) for link in re.findall(r'src="(\.\./\.\./images/[^"]+)"', report.read_text())]
    assert len(links) == 2
    assert all((report.parent / link).read_bytes() == png() for link in links)


def test_after_another_prefix_is_deployed_each_row_names_the_object_that_holds_its_image(
    cloud_with: CloudWith, site: Site
) -> None:
    answer = Answer(png(), headers={"ETag": '"1"'})
    skipped, refreshed, overwritten = (site.put(f"/{name}.png", answer) for name in ("a", "b", "c"))
    with cloud_with("old/") as cloud:
        mirror(cloud, "all.csv", f"url\n{skipped}\n{refreshed}\n{overwritten}\n")

    with cloud_with("new/") as cloud:
        outcomes = [
            mirror(cloud, f"{name}.csv", f"url\n{url}\n", {"on-existing": name}).outcomes()[1]["outcome"]
            for name, url in (("skip", skipped), ("refresh", refreshed), ("overwrite", overwritten))
        ]
        found = [Api(cloud).request("GET", f"/images?url={url}").json() for url in (skipped, refreshed, overwritten)]

        assert outcomes == ["skipped", "unchanged", "stored"]
        assert [(image["object_key"].split("/")[0], bool(image["link"])) for image in found] == [
            ("old", False),
            ("old", False),
            ("new", True),
        ]
        assert all(objects(cloud)[image["object_key"]] == png() for image in found)
        assert requests.get(found[2]["link"], timeout=20).content == png()
