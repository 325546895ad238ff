"""The files that the page names: those of the run, each with a link that leads to it."""

import re
from typing import Any

import pytest

from functions.core.manifests.formats import FORMATS, PARQUET
from functions.core.report.sections.files import RunFile, index_files, written_files
from functions.core.summary.index import parquet
from functions.core.summary.index.lock import LockManifest
from tests.support.index_fakes import FakeIndexFiles
from tests.support.index_fakes import stored as result_line
from tests.unit.functions.core.report.run import page_of, stored, summary

FORMAT_NAMES = [*(form.name for form in FORMATS), PARQUET]


def of_format(name: str, **fields: Any) -> dict[str, Any]:
    """The fields of a summary."""
    return {"manifest": {"bucket": "input", "key": "manifests/a", "format": name, "etag": "e", "size": 1}, **fields}


def links(files: list[RunFile]) -> set[str]:
    return {file.link for file in files if file.link}


def locks(files: list[RunFile]) -> list[str]:
    return sorted(link for link in links(files) if link.startswith("lock"))


def written_lock(form: str) -> list[str]:
    """The names of the lock of one stored row."""
    files = FakeIndexFiles()
    with LockManifest({"format": form}, parquet.schema([])) as lock:
        lock.add({"url": "https://a.example/1"}, result_line(1, "https://a.example/1"))
        lock.write(files)
    return [*files.texts, *files.uploads]


@pytest.mark.parametrize("form", FORMAT_NAMES)
def test_the_link_of_the_lock_has_the_name_of_the_file_that_is_written(form: str) -> None:
    assert locks(index_files(summary(**of_format(form, stored=1)))) == written_lock(form)


@pytest.mark.parametrize(
    ("form", "counts", "expected"),
    [
        ("csv", {"stored": 1_000_000}, ["lock.csv"]),
        ("csv", {"stored": 1_000_001}, ["lock-0001.csv"]),
        ("txt", {"stored": 2, "failed": 999_999}, ["lock-0001.csv"]),
        ("jsonl", {"stored": 1, "failed": 1_000_000}, []),
        ("parquet", {"stored": 1_000_000, "failed": 1}, ["lock.parquet"]),
        ("parquet", {"stored": 1_000_001}, ["lock-0001.parquet"]),
        ("csv", {"duplicate": 1}, ["lock.csv"]),
        ("csv", {"failed": 3}, []),
        ("csv", {"stored": 1, "probe": {"rows": 1}}, []),
        ("csv", {}, []),
    ],
    ids=[
        *("million", "more", "one-in-the-first-million", "perhaps-none", "parquet-million", "parquet-more"),
        *("duplicate", "failed", "probe", "empty"),
    ],
)
def test_a_run_with_images_has_a_link_to_its_lock_or_to_the_first_file_of_it(
    form: str, counts: dict[str, Any], expected: list[str]
) -> None:
    assert locks(index_files(summary(**of_format(form, **counts)))) == expected


@pytest.mark.parametrize("key", ["runs/demo-0f3a9c1b22de/suspects.csv", None])
def test_a_list_of_placeholders_is_named_with_a_link_if_there_is_one(key: str | None) -> None:
    files = written_files(summary(stored=12, suspects_report=key))

    assert [file.link for file in files if file.name == "suspects.csv"] == (["suspects.csv"] if key else [])


@pytest.mark.parametrize("form", FORMAT_NAMES)
def test_every_file_that_a_page_names_is_a_link(form: str) -> None:
    html = page_of(stored(), **of_format(form, stored=1, suspects_report="runs/demo-0f3a9c1b22de/suspects.csv"))

    names = re.findall(r"<dt>([^<]*\.[a-z]+|lock[^<]*)</dt>", html)
    assert names == []
    assert {"athena.sql", "suspects.csv", "domains.csv"} <= set(re.findall(r'<dt><a href="(.*?)"', html))
