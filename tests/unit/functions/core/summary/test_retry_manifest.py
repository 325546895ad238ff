"""The retry manifest."""

import json
from typing import Any

import pytest

from functions.core.manifests.validation import validate_manifest
from functions.core.model.errors import InvalidManifest
from functions.core.model.headers import recorded_options
from functions.core.model.metadata import object_metadata, options_from_metadata, retry_options
from functions.core.model.option_validation import validate_options
from functions.core.model.options import Options
from functions.core.model.rows import RowRules, parse_row
from functions.core.model.runs import ManifestObject
from functions.core.model.types import RunFields
from functions.core.summary.retry_manifest import Retries, retries_of, retry_format
from tests.support.fakes import FakeManifests, FakeResults


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"concurrency": 3, "timeout": 2.5, "respect_opt_out": False},
        {"respect": ()},
        {"respect": ("iptc", "noai")},
        {"allowed_types": ("png", "svg"), "user_agent": "Mine/1.0", "on_existing": "refresh"},
        {"key_template": "Gr\u00f6\u00dfe/{Titel \u2013 lang}.{ext}", "url_column": "\u56fe\u50cf"},
        {"known_bad": "lists/=?not encoded?=.txt", "url_column": " a  b "},
    ],
)
def test_a_copy_of_it_is_a_run_with_the_same_options(options: dict[str, Any]) -> None:
    first = validate_options(options)
    stored = json.loads(json.dumps({name: getattr(first, name) for name in Options.__dataclass_fields__}))

    assert validate_options(options_from_metadata(object_metadata(stored))) == first


def test_the_base_url_stays_behind_for_urls_are_absolute() -> None:
    assert object_metadata({"base_url": "http://a.example", "batch_size": 5}) == {"batch-size": "5"}


def test_a_command_that_retries_has_the_same_options_under_their_own_names() -> None:
    stored = {"base_url": "http://a.example", "batch_size": 5, "allowed_types": ["png", "svg"], "timeout": 30.0}

    assert retry_options(stored) == {"batch_size": "5", "allowed_types": "png,svg"}


def test_a_copy_of_it_asks_for_the_values_of_headers() -> None:
    stored = recorded_options({"rounds": 2, "headers": {"Referer": "http://a.example/", "Cookie": "s3cr3t"}})

    metadata = object_metadata(stored)

    assert "s3cr3t" not in json.dumps(metadata)
    with pytest.raises(InvalidManifest, match="The value of the header Referer is missing: values are not recorded"):
        validate_options(options_from_metadata(metadata))
    assert validate_options(options_from_metadata(metadata), {"headers": {"Cookie": "new"}}).headers == {
        "Cookie": "new"
    }


def child(*rows: int) -> dict[str, Any]:
    """As the ResultWriter writes one that failed."""
    items = [{"row": row - 1, "item": {"url": f"{row}.png", "id": row}} for row in rows]
    return {"Status": "FAILED", "Input": json.dumps({"BatchInput": {}, "Items": items})}


def parquet(*rows: int) -> Retries:
    """The retries of a Parquet manifest, with these rows to retry."""
    retries = retries_of({"format": "parquet", "rows": 9, "options": {"base_url": "http://a.example"}})
    for row in rows:
        retries.add(row, None)
    return retries


def test_rows_of_parquet_come_from_the_parts_of_batches_and_from_the_inputs_of_uncompleted_ones() -> None:
    results = FakeResults()
    results.write("retries/part-0000000001-00.jsonl", [{"row": row, "item": {"url": f"{row}.png"}} for row in (1, 2)])
    results.uncompleted = [[child(7)], [child(5, 6)]]

    with parquet(2, 6, 7) as retries:
        retries.find_items(results, ())
        items = list(retries)

    assert items == [
        {"url": "http://a.example/2.png"},
        {"url": "http://a.example/6.png", "id": 6},
        {"url": "http://a.example/7.png", "id": 7},
    ]
    assert (len(retries), retries.missing) == (3, 0)


def test_a_row_that_two_parts_have_is_in_it_once() -> None:
    results = FakeResults()
    results.write("retries/part-0000000001-00.jsonl", [{"row": 1, "item": {"url": "http://a/1"}}])
    results.uncompleted = [[child(1)]]

    with parquet(1) as retries:
        retries.find_items(results, ())
        items = list(retries)

    assert items == [{"url": "http://a/1"}]


def test_rows_whose_items_are_nowhere_are_counted() -> None:
    with parquet(3) as retries:
        retries.find_items(FakeResults(), ())
        items = list(retries)

    assert (items, retries.missing) == ([], 1)


@pytest.mark.parametrize("form", ["csv", "csv-semicolon", "csv-bare", "tsv", "txt", "tsv-list", "json", "jsonl"])
def test_the_number_of_a_row_is_in_it_where_a_key_has_it(form: str) -> None:
    """Read as a manifest, in its format, it gives the same key."""
    options = {"key_template": "{row:04}.{ext}", "base_url": "http://a.example"}
    record: RunFields = {"format": form, "options": options}
    with retries_of(record) as retries:
        retries.add(
            12,
            {"url": "1.png"}
            if form in ("txt", "tsv-list")
            else "1.png"
            if form == "json"
            else {"url": "1.png", "column_2": "x"},
        )
        content = "".join(retry_format(record).write(retries)).encode()

    manifests, name = FakeManifests(), f"retry{retry_format(record).extension}"
    manifests.add(name, content)
    found = validate_manifest(manifests, ManifestObject("input", name, size=len(content)), whole_bytes=len(content))
    assert found.form is not None
    ((_, item),) = found.form.numbered_rows([content], found.contents.rules)
    row = parse_row(1, item, RowRules.of(Options(key_template=options["key_template"])))
    assert (str(row.key), row.url) == ("images/0012.{ext}", "http://a.example/1.png")
    assert object_metadata(options) == {"key-template": "{row:04}.{ext}"}


def test_without_the_number_in_the_key_items_stay_as_they_are() -> None:
    record: RunFields = {"format": "txt", "options": {"key_template": "{name}"}}
    with retries_of(record) as retries:
        retries.add(12, {"url": "http://a.example/1.png"})

        assert "".join(retry_format(record).write(retries)) == "http://a.example/1.png\n"
