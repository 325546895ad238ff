"""URLs of more than 2,048 bytes, which are too long for the key of the images table: such as presigned links."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from functions.core.model.keys import table_key
from functions.core.model.limits import MAX_TABLE_KEY_BYTES, MAX_URL_BYTES
from local.aws.cloud import Cloud
from tests.integration.test_manifests import copied
from tests.support.api import Api
from tests.support.images import png
from tests.support.pipeline import FinishedRun, finish, is_reconciled, mirror
from tests.support.site import Answer, Site

TOKEN = "IQoJb3JpZ2luX2VjE" * 130


def _rows(run: FinishedRun) -> list[Any]:
    return [line["outcome"] for _, line in sorted(run.outcomes().items())]


def _url(site: Site, size: int, fill: str = "x", end: str = ".png") -> str:
    """A URL of `size` bytes with an image of its own."""
    path = "/"
    missing = size - len(f"{site.url}/{end}")
    path += fill * (missing // len(fill.encode())) + "x" * (missing % len(fill.encode())) + end
    site.put(path.encode().decode("latin-1"), Answer(png(note=end.encode()), headers={"ETag": '"v1"'}))  # as in WSGI
    return site.url + path


def test_long_urls_are_mirrored_once_and_found_again(cloud: Cloud, site: Site) -> None:
    limit = MAX_TABLE_KEY_BYTES
    urls = [
        _url(site, limit, end="0.png"),
        _url(site, limit + 1, end="1.png"),
        _url(site, limit + 1, "\u00e9", end="2.png"),
        _url(site, limit + 2, "\U0001f600", end="3.png"),
        _url(site, 4096, end="4.png"),
        _url(site, 4096, end="5.png"),
        _url(site, MAX_URL_BYTES, end="6.png"),
        f"{_url(site, 1000)}?X-Amz-Security-Token={TOKEN}&X-Amz-Signature=5ecre7",
    ]
    manifest = json.dumps([*urls, urls[5], *urls[:2]])

    first = mirror(cloud, "long.json", manifest, {"batch-size": "6", "max-concurrency": "1"})
    skipped = mirror(cloud, "long.json", manifest)
    refreshed = mirror(cloud, "long.json", manifest, {"on-existing": "refresh"})
    overwritten = mirror(cloud, "long.json", manifest, {"on-existing": "overwrite"})

    assert all(is_reconciled(run.summary) for run in (first, skipped, refreshed, overwritten))
    assert _rows(first) == ["stored"] * 8 + ["duplicate"] * 3
    assert set(_rows(skipped)) == {"skipped", "duplicate"}
    assert (refreshed.summary["unchanged"], overwritten.summary["stored"]) == (8, 8)
    for number, url in enumerate(urls[:7]):
        row = first.row(url)
        assert row is not None
        assert first.image(url) == png(note=b"%d.png" % number)
        assert row["url"]["S"] == table_key(url)
        assert row.get("full_url", row["url"])["S"] == url
        assert ("full_url" in row) == (number > 0)
    assert {line["url"] for line in first.outcomes().values()} >= set(urls[:7])
    assert "5ecre7" not in json.dumps(first.outcomes())


def test_a_long_url_is_found_through_the_api_by_itself_or_by_its_key(cloud: Cloud, site: Site) -> None:
    api, url = Api(cloud), _url(site, 5000, end="api.png")
    mirror(cloud, "long-api.txt", url)

    found = [api.request("GET", f"/images?url={quote(text)}") for text in (url, table_key(url))]
    unknown = api.request("GET", f"/images?url={quote(table_key(url + 'x'))}")

    assert [(answer.status_code, answer.json()["url"]) for answer in found] == [(200, url)] * 2
    assert unknown.status_code == 404


@pytest.mark.parametrize("name", ["long.csv", "long.jsonl", "long.txt"])
def test_long_urls_are_in_the_retry_manifest_and_run_again(cloud: Cloud, site: Site, name: str) -> None:
    paths = [f"/{name}/{'p' * 3000}/{number}.png" for number in range(2)]
    urls = [site.put(path, Answer(b"", 503), png(note=path[-20:].encode())) for path in paths]
    lines = {"csv": ["url", *urls], "jsonl": [json.dumps({"url": url}) for url in urls], "txt": urls}
    manifest = "".join(f"{line}\n" for line in lines[name.rpartition(".")[2]])

    first = mirror(cloud, name, manifest, {"rounds": "1", "batch-size": "250"})
    second = finish(cloud, copied(first))

    assert first.summary["failures_by_reason"] == {"http_busy": 2}
    assert [failure["url"] for failure in first.failures()] == urls
    assert second.summary["stored"] == 2
    assert [first.image(url) for url in urls] == [png(note=path[-20:].encode()) for path in paths]


def test_a_redirect_to_a_long_url_is_followed_up_to_the_limit(cloud: Cloud, site: Site) -> None:
    targets = [_url(site, size, end=f"{size}.png") for size in (MAX_TABLE_KEY_BYTES + 1, MAX_URL_BYTES)]
    too_long = f"{site.url}/{'x' * MAX_URL_BYTES}"
    starts = [
        site.put(f"/to-{number}", Answer(status=302, headers={"Location": target}))
        for number, target in enumerate([*targets, too_long])
    ]

    run = mirror(cloud, "redirects.txt", "".join(f"{url}\n" for url in starts))

    assert (run.summary["stored"], run.summary["failures_by_reason"]) == (2, {"invalid_url": 1})
    rows = [run.row(url) for url in starts]
    assert [row and row["final_url"]["S"] for row in rows] == [*targets, None]
    assert "redirected to a URL of" in run.failures()[0]["message"]
