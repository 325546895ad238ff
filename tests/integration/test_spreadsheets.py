"""Manifests as spreadsheets and exports have them, through the whole pipeline."""

import csv
import gzip
import io
import json

import pytest

from local.aws.cloud import Cloud
from tests.support.images import png
from tests.support.pipeline import FinishedRun, is_reconciled, mirror
from tests.support.site import Answer, Site


def with_urls(text: str, site: Site) -> str:
    """The text with the URLs of two images in place of {a} and {b}."""
    urls = {name: site.put(f"/{name}.png", png(note=name.encode())) for name in "ab"}
    for name, url in urls.items():
        text = text.replace(f"{{{name}}}", url)
    return text


def outcomes(run: FinishedRun) -> list[tuple[str, object]]:
    return [(line["outcome"], line.get("columns", {})) for _, line in sorted(run.outcomes().items())]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("empty-names.csv", "url,title,,\n{a},A,,\n{b},B,,\n"),
        ("empty-names-between.csv", "url,,title,,\n{a},,A,,\n{b},,B,,\n"),
        ("repeated-name.csv", "url,title,title\n{a},A,\n{b},B,\n"),
        ("longer-rows.csv", "url,title\n{a},A,,,\n{b},B,\n"),
        ("blank-rows.csv", "url;title\n{a};A\n;\n{b};B\n;\n;;;\n"),
        ("separator.csv", "sep=;\nurl;title\n{a};A\n{b};B\n"),
        ("separator-quoted.csv", '\ufeff"sep=;"\r\n"url";"title"\r\n{a};A\r\n{b};B\r\n'),
        ("separator-tab.csv", "sep=\t\nurl\ttitle\n{a}\tA\n{b}\tB\n"),
        ("separator-written.tsv", "sep=\\t\nurl\ttitle\n{a}\tA\n{b}\tB\n"),
        ("separator-pipe.csv", "SEP=|\nurl|title\n{a}|A\n{b}|B\n"),
        ("separator-saved-again.csv", '"sep=,",,\nurl,title,\n{a},A,\n{b},B,\n'),
        ("title.csv", "Products of 2026;;\n;;\nurl;title;;\n{a};A;;\n{b};B;;\n"),
        ("mark-and-quotes.csv", '\ufeff"url","title"\n"{a}","A"\n"{b}","B"\n'),
        ("hard-spaces.csv", "\xa0URL\xa0,title\n{a},A\n{b},B\n"),
    ],
)
def test_what_a_spreadsheet_adds_is_no_row_and_no_column(cloud: Cloud, site: Site, name: str, text: str) -> None:
    run = mirror(cloud, name, with_urls(text, site), {"on-existing": "overwrite"})

    assert run.status == "SUCCEEDED", run.cause
    assert is_reconciled(run.summary)
    assert (run.summary["rows"], run.summary["stored"]) == (2, 2)
    assert [{k: v for k, v in columns.items() if v} for _, columns in outcomes(run)] == [{"title": "A"}, {"title": "B"}]


def test_the_retry_manifest_of_a_copy_has_the_format_of_the_manifest(cloud: Cloud, site: Site) -> None:
    text = with_urls("sep=;\n;\nurl;title;;\n{a};A;;\n;;;\n{b};B, too;;\n", site)
    site.put("/b.png", Answer(b"", 503), png(note=b"b"))

    run = mirror(cloud, "copy.csv", text, {"rounds": "1"})

    assert is_reconciled(run.summary)
    assert (run.summary["rows"], run.summary["stored"], run.summary["failed"]) == (2, 1, 1)
    retry = run.file(run.summary["retry_manifest"]).decode()
    assert list(csv.reader(io.StringIO(retry), delimiter=";")) == [["url", "title"], [f"{site.url}/b.png", "B, too"]]
    assert "because its first line names the delimiter" in run.summary["note"]


@pytest.mark.parametrize(
    ("name", "text", "options"),
    [
        ("shopify.csv", "Handle,Title,Image Src\na,A,{a}\nb,B,{b}\n", {}),
        ("google.tsv", "id\ttitle\timage_link\n1\tA\t{a}\n2\tB\t{b}\n", {}),
        ("faces.jsonl", '{{"img_url": "{a}", "title": "A"}}\n{{"img_url": "{b}", "title": "B"}}\n', {}),
        ("woo.csv", "ID,Name,Images\n1,A,{a}\n2,B,{b}\n", {}),
        ("option.csv", "url,link\nx,{a}\ny,{b}\n", {"url-column": "link"}),
        ("written-otherwise.csv", "url,Photo Link\nx,{a}\ny,{b}\n", {"url-column": "photo_link"}),
        ("option.json", '[{{"link": "{a}"}}, {{"link": "{b}"}}]', {"url-column": "link"}),
        ("elsewhere.tsv", "A caption\t{a}\nAnother\t{b}\n", {}),
        ("elsewhere.csv", "1,{a},{a}\n2,{b},{a}\n", {"url-column": "column_2"}),
    ],
)
def test_the_url_column_is_found_or_named(
    cloud: Cloud, site: Site, name: str, text: str, options: dict[str, str]
) -> None:
    content = with_urls(text.replace("{{", "{").replace("}}", "}"), site)

    run = mirror(cloud, name, content, {"on-existing": "overwrite", **options})

    assert run.status == "SUCCEEDED", run.cause
    assert is_reconciled(run.summary)
    assert (run.summary["rows"], run.summary["stored"]) == (2, 2)
    assert run.image(f"{site.url}/b.png") == png(note=b"b")


def test_a_retry_reads_the_same_url_column_and_the_same_checks(cloud: Cloud, site: Site) -> None:
    text = with_urls("image_link,size,Name\n{a},XL,A\n{b},42,B\n", site)
    site.put("/b.png", Answer(b"", 503), png(note=b"b"))
    run = mirror(cloud, "again.csv", text, {"rounds": "1"})
    bucket, key = cloud.outputs["InputBucket"], run.summary["retry_manifest"]
    found = cloud.client("s3").get_object(Bucket=bucket, Key=key)

    again = mirror(cloud, "again-retry.csv", found["Body"].read(), found["Metadata"])

    assert found["Metadata"] == {
        "rounds": "1",
        "passes": "0",
        "url-column": "image_link",
        "own-columns": "size",
    }
    assert [columns for _, columns in outcomes(run)] == [{"size": "XL", "Name": "A"}, {"size": "42", "Name": "B"}]
    assert outcomes(again) == [("stored", {"size": "42", "Name": "B"})]


@pytest.mark.parametrize(
    ("name", "text", "columns"),
    [
        ("comma.csv", 'Name,Images\nA,"{a}, {b}"\nB,\n', {"Name": "A"}),
        ("pipe.csv", "Name,url\nA,{a}|{b}\nB,\n", {"Name": "A"}),
        ("lines.csv", 'Name,url\nA,"{a}\n{b}"\nB,\n', {"Name": "A"}),
        ("list.csv", "Name,url\nA,\"['{a}', '{b}']\"\nB,\n", {"Name": "A"}),
        ("airtable.csv", 'Name,Photo\nA,"a.png ({a}),b (1).png ({b})"\nB,\n', {"Name": "A"}),
        ("lines.txt", "{a} {b}\n\t\n-\n", {}),
        ("list.json", '[{"url": ["{a}", "{b}"], "n": 1}, {"n": 2}]', {"n": 1}),
        ("list.jsonl", '"{a};{b}"\n{"url": ""}\n', {}),
    ],
)
def test_each_url_of_a_value_becomes_a_row(cloud: Cloud, site: Site, name: str, text: str, columns: object) -> None:
    """The other row has no URL: it fails, and is counted."""
    options = {"split-urls": "true", "on-existing": "overwrite", "tolerated-failure-percentage": "50"}

    run = mirror(cloud, name, with_urls(text, site), options)

    assert run.status == "SUCCEEDED", run.cause
    assert is_reconciled(run.summary)
    assert (run.summary["rows"], run.summary["stored"], run.summary["failed"]) == (3, 2, 1)
    assert outcomes(run)[:2] == [("stored", columns), ("stored", columns)]
    assert "because split_urls makes a row of each URL" in run.summary["note"]
    rows = [json.loads(line) for line in gzip.decompress(run.file("rows.jsonl.gz")).splitlines()]
    assert len(rows) == 3


def test_a_value_with_several_urls_fails_and_says_how_to_split_it(cloud: Cloud, site: Site) -> None:
    single = "".join(f"{site.put(f'/{number}.png', png(note=b'%d' % number))}\n" for number in range(20))

    run = mirror(cloud, "few.csv", with_urls('url\n"{a}, {b}"\n', site) + single)

    (failure,) = run.failures()
    assert (run.summary["stored"], failure["reason"]) == (20, "invalid_url")
    assert failure["message"] == "The URL is several URLs in one value. The option split_urls=true makes a row of each."
