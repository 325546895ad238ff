"""The URL column of exports, and columns that have the name of a check."""

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.manifests.columns.url_columns import EXPORTS, MAX_SAMPLE_ROWS, UrlSample, is_url, resolve
from functions.core.manifests.contents import ManifestContents, inspect_items
from functions.core.manifests.csv_rows import COMMA
from functions.core.manifests.csv_validation import validate_csv
from functions.core.model.errors import InvalidManifest
from functions.core.model.rows import RowRules

URL = "http://a.example/1.jpg"
MD5 = "d41d8cd98f00b204e9800998ecf8427e"
Check = Callable[..., ManifestContents]


def of_csv(columns: dict[str, list[str]], rules: RowRules = RowRules()) -> ManifestContents:  # noqa: B008 - frozen
    rows = zip(*columns.values(), strict=True)
    lines = [",".join(f'"{name}"' for name in columns), *(",".join(f'"{value}"' for value in row) for row in rows)]
    return validate_csv(["\n".join(lines).encode()], COMMA, rules=rules)


def of_json(columns: dict[str, list[str]], rules: RowRules = RowRules()) -> ManifestContents:  # noqa: B008 - frozen
    return inspect_items((dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)), rules)


both = pytest.mark.parametrize("check", [of_csv, of_json])


@both
@pytest.mark.parametrize("name", [name for names in EXPORTS.values() for name in names])
@pytest.mark.parametrize("write", [str, str.upper, lambda name: f" {name.replace(' ', '_')} "])
def test_the_names_of_exports_are_known_however_they_are_written(check: Check, name: str, write: Any) -> None:
    contents = check({"id": ["1"], write(name): ["1.jpg"]})

    assert contents.rules.url_column == write(name)
    assert contents.note == f"The column {write(name)} was taken as url."
    assert contents.columns == ("id",)


@both
@pytest.mark.parametrize("name", ["Images", "image", "identifier", "photo_url", "src"])
def test_an_ambiguous_name_is_taken_if_its_values_are_urls(check: Check, name: str) -> None:
    assert check({"id": ["1"], name: [URL]}).rules.url_column == name
    with pytest.raises(InvalidManifest, match=r"no url column.*id, \w+\. .*'url', or give its name with the option"):
        check({"id": ["1"], name: ["1.jpg"]})


@both
def test_url_comes_before_the_names_of_exports(check: Check) -> None:
    assert check({"url": ["x"], "image_link": [URL]}).rules.url_column == ""
    assert check({"Image URL": ["x"], "img_url": [URL]}).rules.url_column == ""


@both
@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        (
            {"Image Src": [URL], "img_url": [URL]},
            r"Image Src, img_url could all .*url_column='Image Src' or url_column=",
        ),
        ({"image": [URL], "photo": [URL]}, r"image, photo could all be .*url_column=image or url_column=photo"),
        (
            {"id": ["1"], "link": [URL]},
            r"ha(?:s|ve) id, link\. .*or give the option url_column=link \(nearly all values",
        ),
        ({"a": [URL], "b c": [URL]}, r"url_column=a or url_column='b c' \(nearly all values of each are URLs\)"),
        ({"pics": [f"{URL}, {URL}"]}, r"url_column=pics and split_urls=true"),
        ({"url": [f"{URL}, {URL}"]}, r"'url' has several URLs in one value\. With the option split_urls=true"),
        ({"Images": [f"{URL}|{URL}"]}, r"'Images' has several URLs in one value\. With the option split_urls=true"),
        ({"image_link": [f"['{URL}']"]}, r"'image_link' has several URLs in one value\."),
    ],
)
def test_a_column_that_cannot_be_taken_is_proposed_with_its_option(
    check: Check, columns: dict[str, list[str]], sentence: str
) -> None:
    with pytest.raises(InvalidManifest, match=sentence):
        check(columns)


@both
def test_a_named_column_is_the_url_column_and_must_exist(check: Check) -> None:
    columns = {"url": ["x"], "Photo Link": [URL], "link": ["y"]}

    assert check(columns, RowRules(url_column="photo-link")).rules.url_column in ("Photo Link", "photo-link")
    assert check(columns, RowRules(url_column="link")).columns == ("url", "Photo Link")
    with pytest.raises(
        InvalidManifest, match=r"^The manifest has no column 'pic', .* url, Photo Link, link\. Give the"
    ):
        check(columns, RowRules(url_column="pic"))


@both
@pytest.mark.parametrize("share", [0.85, 0.95])
def test_nearly_all_values_of_a_proposed_column_are_urls(check: Check, share: float) -> None:
    urls = round(share * 100)

    with pytest.raises(InvalidManifest) as raised:
        check({"link": [URL] * urls + ["none"] * (100 - urls)})

    assert ("url_column=link" in str(raised.value)) == (share > 0.9)


@both
@pytest.mark.parametrize("rows", [MAX_SAMPLE_ROWS - 1, MAX_SAMPLE_ROWS, MAX_SAMPLE_ROWS + 1])
def test_the_first_rows_decide(check: Check, rows: int) -> None:
    contents = check({"image": [URL] * rows, "size": ["XL"] * rows})

    assert (contents.rows, contents.rules) == (rows, RowRules(url_column="image", own_columns=("size",)))


@both
@pytest.mark.parametrize(
    ("columns", "own"),
    [
        ({"size": ["XL", "L", "M"]}, ("size",)),
        ({"size": ["42", "43", ""]}, ("size",)),
        ({"size": ["12 MB", "0.5", "10x15"]}, ("size",)),
        ({"md5": ["yes", "no", "yes"]}, ("md5",)),
        ({"sha256": ["-", "-", "-"]}, ("sha256",)),
        ({"sha256": ["n/a", "n/a", "n/a"], "size": ["42", "42", "42"]}, ("sha256", "size")),
        ({"size": ["", "", ""], "md5": ["", "", ""]}, ()),
        ({"size": ["4200", "4201", "XL"]}, ()),
        ({"size": ["42", "43", "44"], "md5": [MD5, "", ""]}, ()),
        ({"md5": [MD5, MD5, "x"]}, ()),
        ({"md5": [MD5 * 2, MD5[:-1], "sha1:" + MD5]}, ()),
        ({"width": ["XL", "L", "M"], "Size": ["XL", "L", "M"]}, ()),
    ],
)
def test_a_column_whose_values_are_mostly_no_checks_is_the_users_own(
    check: Check, columns: dict[str, list[str]], own: tuple[str, ...]
) -> None:
    contents = check({"url": [URL] * 3, **columns})

    assert contents.rules.own_columns == own
    assert all(f"Most values of the column {name} are no" in contents.note for name in own)
    assert set(own) <= set(contents.columns)


def test_columns_that_the_run_declares_are_not_looked_at() -> None:
    contents = of_csv({"url": [URL], "size": ["4200"]}, RowRules(own_columns=("size",)))

    assert (contents.rules.own_columns, contents.columns, contents.note) == (("size",), ("size",), "")


VALUE = st.none() | st.integers() | st.text(max_size=8) | st.sampled_from([URL, f"{URL}, {URL}", "XL", MD5, [URL]])
NAME = st.sampled_from(["url", "URL", "image_link", "Images", "image", "size", "md5", "headers", "key", "", "link"])


@given(
    items=st.lists(st.dictionaries(NAME, VALUE, max_size=5) | VALUE, max_size=8),
    rules=st.builds(
        RowRules,
        url_column=st.sampled_from(["", "link", "nothing"]),
        own_columns=st.sampled_from([(), ("size",)]),
        split_urls=st.booleans(),
    ),
)
def test_any_items_are_inspected_or_rejected(items: list[Any], rules: RowRules) -> None:
    with contextlib.suppress(InvalidManifest):
        assert inspect_items(items, rules).rows == len(items)


@given(names=st.lists(st.text(max_size=6), max_size=4), values=st.lists(VALUE, max_size=4))
def test_any_names_are_resolved_or_rejected(names: list[str], values: list[Any]) -> None:
    sample = UrlSample()
    sample.add(dict(zip(names, values, strict=False)))

    with contextlib.suppress(InvalidManifest):
        assert resolve(names, RowRules(), sample)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(URL, True), ("//a/1", True), ("HTTPS://a", True), (f"a ({URL})", True), ([URL], True), ([], False), ("a", False)],
)
def test_a_url_is_absolute(value: object, expected: bool) -> None:
    assert is_url(value) is expected
