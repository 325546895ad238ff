"""PrepareRun for a probe: the sample of a manifest of any format and size."""

import gzip
import json
from typing import Any

import pytest

from functions.core.manifests import validation
from functions.core.model.errors import InvalidManifest
from functions.core.model.runs import SAMPLE_FILE, run_id_of
from functions.core.prepare import probe
from tests.support.arrow import file_of
from tests.unit.functions.core.prepare.test_prepare import World

URLS = [f"http://{host}.example/{number}.jpg" for number in range(40) for host in ("a", "b", "c")]


def world(name: str, data: bytes, **options: str) -> World:
    found = World(f"manifests/{name}", data, metadata={"probe": "12", **options})
    found.event["detail"]["object"]["size"] = len(data)
    return found


def items(probed: World) -> list[Any]:
    assert probed.copies is not None
    return [json.loads(line) for line in probed.copies.lines]


def design(probed: World) -> Any:
    (files,) = probed.files.values()
    (line,) = files.files[SAMPLE_FILE]
    return line


CSV = ("url,id\n" + "".join(f"{url},{number}\n" for number, url in enumerate(URLS, start=1))).encode()


def test_the_map_reads_the_sample_and_the_record_has_its_rows() -> None:
    probed = world("list.csv", CSV)

    prepared = probed.prepare()

    assert (prepared["reader"], prepared["rows"]) == ("jsonl", 12)
    assert prepared["manifest"]["key"] == f"runs/{run_id_of(probed.event)}/rows.jsonl.gz"
    assert prepared["run"]["options"] == {"probe": 12}
    assert (probed.record["rows"], probed.record["columns"]) == (12, ["manifest_row", "id"])
    assert "12 of 120 rows were drawn at random" in str(probed.record["note"])


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("list.csv", CSV),
        ("list.csv.gz", gzip.compress(CSV)),
        ("list.txt", "\n".join(URLS).encode()),
        ("bare.csv", "".join(f"{url},x\n" for url in URLS).encode()),
        ("titled.csv", b"My list,\n,\n" + CSV),
        ("list.json", json.dumps(URLS).encode()),
        ("objects.json", json.dumps([{"url": url} for url in URLS]).encode()),
        ("list.jsonl", "".join(json.dumps(url) + "\n" for url in URLS).encode()),
    ],
)
def test_a_row_of_any_format_has_its_url_and_its_number(name: str, data: bytes) -> None:
    probed = world(name, data)

    probed.prepare()

    found = items(probed)
    assert len(found) == 12
    assert all(item["url"] == URLS[item["manifest_row"] - 1] for item in found)
    assert (design(probed)["rows"], design(probed)["hosts"], design(probed)["read"]) == (120, 3, "whole")


def test_each_host_gets_its_part_of_the_sample() -> None:
    probed = world("list.csv", CSV)

    probed.prepare()

    assert [stratum for stratum in design(probed)["strata"] if stratum["host"]] == [
        {"host": f"{name}.example", "rows": 40} for name in ("a", "b", "c")
    ]
    hosts = [item["url"].split("/")[2] for item in items(probed)]
    assert {host: hosts.count(host) for host in hosts} == {"a.example": 4, "b.example": 4, "c.example": 4}


def test_the_seed_follows_from_the_run_unless_it_is_set() -> None:
    first, again, other = world("list.csv", CSV), world("list.csv", CSV), world("other.csv", CSV)
    fixed, same = (world(name, CSV, **{"probe-seed": "5"}) for name in ("fixed.csv", "same.csv"))

    for each in (first, again, other, fixed, same):
        each.prepare()

    assert items(first) == items(again) != items(other)
    assert items(fixed) == items(same)
    assert design(fixed)["seed"] == 5
    assert design(first)["seed"] not in (0, design(other)["seed"])


def test_a_list_that_is_smaller_than_the_sample_is_taken_whole() -> None:
    probed = world("list.csv", CSV, probe="10000")

    probed.prepare()

    assert [item["manifest_row"] for item in items(probed)] == list(range(1, 121))


def test_an_own_column_of_that_name_is_kept() -> None:
    probed = world("list.jsonl", b'{"url": "http://a.example/1", "manifest_row": "mine"}\n')

    probed.prepare()

    assert items(probed) == [{"url": "http://a.example/1", "manifest_row": "mine"}]


def test_with_split_urls_each_url_is_a_row_that_can_be_drawn() -> None:
    lines = "".join(json.dumps({"url": URLS[start : start + 3]}) + "\n" for start in range(0, 120, 3))
    probed = world("list.jsonl", lines.encode(), **{"split-urls": "true"})

    probed.prepare()

    assert design(probed)["rows"] == 120
    assert {item["url"] for item in items(probed)} <= set(URLS)


def test_the_limits_of_hosts_are_compared_with_the_rows_of_the_sample() -> None:
    probed = world("list.csv", b"url\n" + b"".join(b"http://a.example/%d\n" % n for n in range(1000)))

    prepared = probed.prepare()

    assert "busy_hosts" not in prepared["run"]


@pytest.mark.parametrize("name", ["list.csv", "list.txt", "list.jsonl"])
def test_a_large_manifest_of_lines_is_read_at_random_positions(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    urls = [f"http://h{number % 50}.example/{number:06d}.jpg" for number in range(20_000)]
    monkeypatch.setattr(probe, "PIECE_COUNT", 200)
    monkeypatch.setattr(probe, "PIECE_BYTES", 2000)
    text = {
        "list.csv": "url\n" + "\n".join(urls),
        "list.txt": "\n".join(urls),
        "list.jsonl": "\n".join(map(json.dumps, urls)),
    }
    probed = world(name, text[name].encode(), probe="200")
    probed.whole_bytes = 1000
    monkeypatch.setattr(validation, "SAMPLE_BYTES", 20_000)

    probed.prepare()

    found = [item if isinstance(item, str) else item["url"] for item in items(probed)]
    assert 190 <= len(found) <= 201, "a host that was counted may be in no piece"
    assert set(found) <= set(urls)
    numbers = sorted(int(url[-10:-4]) for url in found)
    assert numbers[0] < 2000
    assert 7000 < numbers[len(numbers) // 2] < 13_000
    assert found != sorted(found), "hosts are mixed"
    assert numbers[-1] > 18_000
    assert design(probed)["read"] == "pieces"
    assert design(probed)["rows"] == pytest.approx(20_000, rel=0.1)
    assert "manifest_row" not in probed.record["columns"]
    assert "of about" in str(probed.record["note"])


@pytest.mark.parametrize("name", ["list.json", "list.csv.gz"])
def test_a_large_manifest_that_is_read_from_its_beginning_only_says_so(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validation, "SAMPLE_BYTES", 20_000)
    urls = [f"http://h{number % 50}.example/{number:06d}.jpg" for number in range(5000)]
    data = json.dumps(urls).encode() if name == "list.json" else gzip.compress(("url\n" + "\n".join(urls)).encode())
    probed = world(name, data)
    probed.whole_bytes = 20_000

    probed.prepare()

    assert len(items(probed)) == 12
    assert design(probed)["read"] == "beginning"
    assert design(probed)["rows"] > 1000
    assert all(item["url"] == urls[item["manifest_row"] - 1] for item in items(probed))


def test_a_manifest_that_a_run_would_reject_is_rejected() -> None:
    with pytest.raises(InvalidManifest, match="Line 2 of the manifest has 3 fields"):
        world("list.csv", b"url,a\nhttp://a.example/1,2,3\n").prepare()


def test_parquet_is_rejected_with_what_to_do() -> None:
    with pytest.raises(InvalidManifest, match=r"Use the command `./image-mirror probe`"):
        world("list.parquet", file_of({"url": ["http://a.example/1"]})).prepare()


def test_a_manifest_without_rows_is_empty() -> None:
    assert world("list.csv", b"url\n").prepare()["status"] == "empty"


def test_a_run_has_no_sample() -> None:
    run = World()

    run.prepare()

    assert run.files == {}
    assert run.copies is not None
    assert run.copies.lines == []
