"""Rows are counted by host while a manifest is validated."""

import gzip
import tracemalloc
from collections import Counter

import pytest

from functions.core.manifests import hosts
from functions.core.manifests.hosts import HostCounter, HostCounts
from functions.core.manifests.validation import ValidatedManifest, validate_manifest
from functions.core.model.rows import DEFAULT_RULES, RowRules
from functions.core.model.runs import ManifestObject
from tests.support.fakes import FakeManifests


def validated(key: str, data: bytes, rules: RowRules = DEFAULT_RULES, **sizes: int) -> ValidatedManifest:
    manifests = FakeManifests()
    manifests.add(key, data)
    return validate_manifest(manifests, ManifestObject("input", key, "e1", len(data)), rules=rules, **sizes)


def counted(key: str, data: bytes, rules: RowRules = DEFAULT_RULES, **sizes: int) -> dict[str, int]:
    found = validated(key, data, rules, **sizes).contents.hosts
    assert found is not None
    return dict(found.rows)


@pytest.mark.parametrize(
    ("key", "data"),
    [
        ("a.csv", b"url,id\nhttps://a.example/1,1\nhttps://a.example/2,2\nhttps://b.example/3,3\n"),
        ("a.csv", b"id;Image Src\n1;https://a.example/1\n2;https://a.example/2\n3;https://b.example/3\n"),
        ("a.csv", b"https://a.example/1,1\nhttps://a.example/2,2\nhttps://b.example/3,3\n"),
        ("a.csv", b"id,photo\n1,https://a.example/1\n2,https://a.example/2\n3,https://b.example/3\n"),
        ("a.tsv", b"TsvHttpData-1.0\nhttps://a.example/1\nhttps://a.example/2\nhttps://b.example/3\n"),
        ("a.txt", b"https://a.example/1\nhttps://a.example/2\nhttps://b.example/3\n"),
        ("a.json", b'["https://a.example/1", {"url": "https://a.example/2"}, {"image_url": "https://b.example/3"}]'),
        (
            "a.jsonl",
            b'{"photo": "https://a.example/1"}\n{"photo": "https://a.example/2"}\n{"photo":"https://b.example"}',
        ),
        (
            "a.jsonl.gz",
            gzip.compress(b'"https://a.example/1"\n"https://a.example/2"\n"https://b.example/3"\n', mtime=0),
        ),
    ],
)
def test_the_rows_of_each_format_are_counted_by_host(key: str, data: bytes) -> None:
    assert counted(f"m/{key}", data) == {"a.example": 2, "b.example": 1}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("https://a.example/1", "http://a.example/2"),
        ("https://a.example/1", "https://A.Example/2"),
        ("https://a.example/1", "https://user:pass@a.example/2"),
        ("https://a.example/1", "https://a.example?x=/y"),
        ("https://a.example/1", "  https://a.example/2 "),
        ("HTTPS://a.example/1", "https://a.example#x/y"),
        ("https://bücher.example/1", "https://xn--bcher-kva.example/2"),
        ("https://a.example:8080/1", "https://a.example:8080/2"),
    ],
)
def test_two_spellings_of_a_host_are_one_host(first: str, second: str) -> None:
    counter = HostCounter(DEFAULT_RULES)

    for url in (first, second, second, first):
        counter.add(url)

    (count,) = counter.counts().rows.values()
    assert count == 4


@pytest.mark.parametrize(
    "text", ["", "images/1.jpg", "ftp://a.example/1", "https:///x", "https://[1/x", "javascript:a"]
)
def test_a_row_that_is_never_requested_has_no_host(text: str) -> None:
    counter = HostCounter(DEFAULT_RULES)

    counter.add(text)

    assert counter.counts().rows == {}


def test_relative_urls_are_of_the_host_of_base_url() -> None:
    rules = RowRules(base_url="https://base.example/x")
    data = b"url\n1.jpg\n/2.jpg\n//other.example/3.jpg\na/b/other.example/4.jpg\nhttps://a.example/5.jpg\n"

    assert counted("m/a.csv", data, rules) == {"base.example": 3, "other.example": 1, "a.example": 1}


def test_the_url_column_is_that_of_the_option() -> None:
    data = b"url,other\nhttps://a.example/1,https://b.example/1\nhttps://a.example/2,https://b.example/2\n"

    assert counted("m/a.csv", data, RowRules(url_column="other")) == {"b.example": 2}
    lines = b'{"url": "https://a.example/1", "other": "https://b.example/1"}\n' * 2
    assert counted("m/a.jsonl", lines, RowRules(url_column="other")) == {"b.example": 2}


@pytest.mark.parametrize("rows", [10, 1200])
def test_a_column_that_its_values_decide_is_counted_from_the_first_row(rows: int) -> None:
    csv = "picture,poster\n" + "".join(f"name {row},https://a.example/{row}\n" for row in range(rows))
    lines = "".join(f'{{"picture": "name {row}", "poster": "https://a.example/{row}"}}\n' for row in range(rows))

    assert counted("m/a.csv", csv.encode()) == counted("m/a.jsonl", lines.encode()) == {"a.example": rows}


def test_each_url_of_a_value_is_a_row_with_split_urls() -> None:
    rules = RowRules(split_urls=True)
    csv = b'url\n"https://a.example/1,https://b.example/2"\nhttps://a.example/3\n'
    lines = (
        b'{"url": ["https://a.example/1", "https://b.example/2"]}\n{"url": "https://a.example/3 https://a.example/4"}\n'
    )

    assert counted("m/a.csv", csv, rules) == {"a.example": 2, "b.example": 1}
    assert counted("m/a.jsonl", lines, rules) == {"a.example": 3, "b.example": 1}


@pytest.fixture
def few_counters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "MAX_HOSTS", 1000)
    monkeypatch.setattr(hosts, "KEPT_HOSTS", 500)
    monkeypatch.setattr(hosts, "REMOVED_CELLS", 100_000)


@pytest.mark.usefixtures("few_counters")
def test_many_hosts_take_bounded_memory_and_a_large_one_is_counted() -> None:
    counter = HostCounter(DEFAULT_RULES)
    tracemalloc.start()
    try:
        for number in range(20_000):
            counter.add(f"https://{number:07d}{'x' * 240}.example/1")
            if number % 4 == 0:
                counter.add("https://large.example/1")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    counts = counter.counts()
    assert len(counts.rows) <= 1000
    assert peak < 2_000_000
    assert 5000 <= counts.rows["large.example"] <= 5010
    assert counts.total == 25_000
    assert sorted(counts.rows.values())[-2] < 16


@pytest.mark.usefixtures("few_counters")
def test_a_host_that_returns_after_it_was_removed_has_all_its_rows() -> None:
    counter = HostCounter(DEFAULT_RULES)

    for part in range(10):
        for _ in range(3):
            counter.add("https://a.example/1")
        for number in range(2_000):
            counter.add(f"https://h{part}-{number}.example/1")
            counter.add(f"https://h{part}-{number}.example/2")
            counter.add(f"https://h{part}-{number}.example/3")
            counter.add(f"https://h{part}-{number}.example/4")
    counter.add("https://a.example/1")

    assert 31 <= counter.counts().rows["a.example"] < 50


def test_a_name_that_is_too_long_for_a_host_is_not_kept() -> None:
    counter = HostCounter(DEFAULT_RULES)

    counter.add(f"https://{'x' * 5000}/1")

    assert counter.counts() == HostCounts()


def test_a_host_that_is_seen_once_in_a_part_is_not_estimated() -> None:
    """Otherwise each of many hosts would be busy."""
    data = b"".join(b"https://h%d.example/1.jpg\n" % row for row in range(10_000))

    counts = counted("m/a.txt", data, whole_bytes=50_000, sample_bytes=20_000)

    assert max(counts.values()) == 1


def test_the_hosts_of_a_large_gzip_file_are_scaled_by_its_compressed_bytes() -> None:
    data = gzip.compress(b"".join(b"https://a.example/%d\n" % (row * row) for row in range(400_000)))

    counts = counted("m/a.txt.gz", data, whole_bytes=1_000_000)

    assert 200_000 < counts["a.example"] < 600_000


def test_the_hosts_of_a_large_array_are_scaled_by_its_bytes() -> None:
    data = b"[" + b",".join(b'"https://a.example/%05d"' % row for row in range(10_000)) + b"]"

    assert 9_500 < counted("m/a.json", data, whole_bytes=50_000, sample_bytes=25_000)["a.example"] < 10_500


def test_a_random_list_is_counted_as_a_counter_would() -> None:
    urls = [f"http{'s' * (row % 2)}://h{row % 7}.example:{row % 3}/{row}" for row in range(500)]
    expected = Counter(url.split("/")[2] for url in urls)

    assert counted("m/a.txt", "\n".join(urls).encode()) == expected
