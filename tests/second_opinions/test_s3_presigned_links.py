"""Presigned links, used as curl and a browser use them: without credentials."""

from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
import requests

from functions.adapters.s3.presigned_links import S3PresignedLinks, signer
from functions.core.model.ports import LINK_SECONDS
from tests.second_opinions.conftest import Bucket
from tests.second_opinions.test_s3_images import AWKWARD_KEYS

BODY = bytes(range(256)) * 40


@pytest.fixture
def links(bucket: Bucket) -> S3PresignedLinks:
    bucket.client.put_object(Bucket=bucket.name, Key="images/a.png", Body=BODY, ContentType="image/png")
    return S3PresignedLinks(signer(), bucket.name)


def test_a_download_link_needs_no_credentials(bucket: Bucket, links: S3PresignedLinks) -> None:
    response = requests.get(links.for_download("images/a.png"), timeout=20)

    assert (response.status_code, response.content) == (200, BODY)
    assert response.headers["Content-Type"] == "image/png"


def test_a_download_link_of_any_key_works(bucket: Bucket, links: S3PresignedLinks) -> None:
    for key in AWKWARD_KEYS:
        bucket.client.put_object(Bucket=bucket.name, Key=key, Body=key.encode())

    found = {key: requests.get(links.for_download(key), timeout=20).content for key in AWKWARD_KEYS}
    assert found == {key: key.encode() for key in AWKWARD_KEYS}


def test_a_download_link_serves_ranges_and_conditions(bucket: Bucket, links: S3PresignedLinks) -> None:
    link = links.for_download("images/a.png")
    etag = bucket.head("images/a.png")["ETag"]

    part = requests.get(link, headers={"Range": "bytes=100-199"}, timeout=20)
    end = requests.get(link, headers={"Range": "bytes=-10"}, timeout=20)
    unchanged = requests.get(link, headers={"If-None-Match": etag}, timeout=20)

    assert (part.status_code, part.content) == (206, BODY[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(BODY)}"
    assert (end.status_code, end.content) == (206, BODY[-10:])
    assert (unchanged.status_code, unchanged.content) == (304, b"")


def test_a_download_link_allows_no_other_object_and_no_other_method(bucket: Bucket, links: S3PresignedLinks) -> None:
    bucket.client.put_object(Bucket=bucket.name, Key="images/b.png", Body=b"secret")
    link = links.for_download("images/a.png")

    assert requests.get(link.replace("a.png", "b.png"), timeout=20).status_code == 403
    assert requests.put(link, data=b"another", timeout=20).status_code == 403
    assert requests.delete(link, timeout=20).status_code == 403
    assert bucket.body("images/a.png") == BODY


def test_a_link_expires(bucket: Bucket, links: S3PresignedLinks) -> None:
    earlier = datetime.now(UTC) - timedelta(seconds=LINK_SECONDS + 60)
    with patch("botocore.auth.get_current_datetime", lambda: earlier):
        expired = links.for_download("images/a.png")

    assert requests.get(expired, timeout=20).status_code == 403


def test_a_link_whose_lifetime_was_changed_is_refused(bucket: Bucket, links: S3PresignedLinks) -> None:
    link = links.for_download("images/a.png")

    longer = link.replace(f"X-Amz-Expires={LINK_SECONDS}", "X-Amz-Expires=86400")
    assert longer != link
    assert requests.get(longer, timeout=20).status_code == 403


def test_an_upload_link_stores_the_manifest_with_its_metadata(bucket: Bucket, links: S3PresignedLinks) -> None:
    metadata = {"batch-size": "50", "user-agent": "a b"}
    link = links.for_upload("manifests/new é.csv", metadata)

    headers = {f"x-amz-meta-{name}": value for name, value in metadata.items()}
    assert requests.put(link, data=b"url\n", headers=headers, timeout=20).status_code == 200
    assert bucket.body("manifests/new é.csv") == b"url\n"
    assert bucket.head("manifests/new é.csv")["Metadata"] == metadata


def test_an_upload_link_refuses_other_metadata(bucket: Bucket, links: S3PresignedLinks) -> None:
    link = links.for_upload("manifests/new.csv", {"batch-size": "50"})

    for headers in ({}, {"x-amz-meta-batch-size": "5000"}):
        assert requests.put(link, data=b"url\n", headers=headers, timeout=20).status_code == 403
    assert bucket.keys() == ["images/a.png"]
