"""Whatever a manifest is, and wherever its ranges begin, its check by ranges is that of the whole manifest."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import replace
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from functions.core.manifests import contents, csv_validation, json_validation, line_errors, streams
from functions.core.manifests.contents import ManifestContents
from functions.core.manifests.hosts import HostCounts
from functions.core.manifests.ranges import boundaries, check, csv_records
from functions.core.manifests.ranges.check import RangeCheck
from functions.core.manifests.validation import range_format, validate_manifest
from functions.core.model.errors import InvalidManifest
from functions.core.model.rows import DEFAULT_RULES, RowRules
from functions.core.model.runs import ManifestObject
from tests.support.fakes import FakeManifests, FakeRunFiles

Found = tuple[ManifestContents, HostCounts | None] | str

SMALL = (
    (contents, "MAX_SAMPLE_ROWS", 3),
    (contents, "MAX_ITEM_BYTES", 60),
    (contents, "MAX_ITEMS_WITHOUT_URL", 5),
    (csv_validation, "MAX_SAMPLE_ROWS", 3),
    (csv_validation, "MIN_CHECKED_CHARACTERS", 10),
    (json_validation, "MIN_CHECKED_CHARACTERS", 10),
    (line_errors, "MAX_LISTED_LINES", 2),
    (line_errors, "MAX_BLANK_LINES", 3),
    (line_errors, "BLANK_LINES_PER_ROW", 1),
    *((module, "MAX_LINE_BYTES", 90) for module in (streams, csv_records, boundaries)),
    *(
        (module, name, replace(getattr(line_errors, name), max_errors=4))
        for module, names in (
            (csv_records, ("BACKSLASH", "CARRIAGE_RETURN", "OPEN_QUOTE", "TOO_LARGE")),
            (csv_validation, ("TOO_LARGE",)),
            (json_validation, ("NOT_JSON", "TOO_LARGE")),
        )
        for name in names
    ),
)
"""Limits that a few lines reach."""


@pytest.fixture(scope="module", autouse=True)
def small_limits() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        for module, name, value in SMALL:
            monkeypatch.setattr(module, name, value)
        limit = csv.field_size_limit(40)
        yield
        csv.field_size_limit(limit)


class World:
    """A manifest that is read byte by byte, so that the first of several errors does not depend on the chunks."""

    def __init__(self, name: str, data: bytes, rules: RowRules = DEFAULT_RULES) -> None:
        self.manifests, self.files = FakeManifests(chunk_bytes=1), FakeRunFiles()
        self.manifests.add(name, data)
        self.object = ManifestObject("input", name, "e1", len(data))
        self.rules = rules

    def whole(self) -> Found:
        try:
            found = validate_manifest(self.manifests, self.object, self.object.size, rules=self.rules).contents
        except InvalidManifest as error:
            return str(error)
        return found, found.hosts

    def by_ranges(self, size: int, chance: Random) -> Found:
        try:
            form = range_format(self.manifests, self.object, self.rules)
            if form is None:
                return self.whole()
            found = self._check(form).plan(size)
            if isinstance(found, list):
                for number in chance.sample(found, len(found)):
                    self._check(form).check(number)
                found = self._check(form).join()
        except InvalidManifest as error:
            return str(error)
        return found, found.hosts

    def _check(self, form: object) -> RangeCheck:
        return RangeCheck(self.manifests, self.object, self.files, form, self.rules)  # type: ignore[arg-type]


ROWS = [
    "http://a.example/1,x",
    "https://b.example/2,\u00e9",
    'http://a.example/3,"x\n\ny"',
    '"http://c.example/4","a, b"',
    "u,",
]
ODD_ROWS = [
    *(
        "",
        "",
        "\r",
        ",",
        " , ",
        "u,v,w",
        "u\\,x",
        "u\rv,w",
        '"u',
        '"u"x,y',
        'u,"',
        '","',
        'u,","',
        '"",""',
        "y" * 35 + ",x",
    ),
    *("u," + "z" * 70, "u," + "z" * 95, "\ufeff", "u,120", "u,120"),
]
ITEMS = [
    '"http://a.example/1"',
    '{"url": "http://b.example/1"}',
    '{"url": "u", "size": 3, "n": 1}',
    '{"n": 1, "url": "u"}',
]
ODD_ITEMS = [
    *(
        "",
        "",
        " ",
        "\r",
        "{}",
        "1",
        "x",
        '{"n": "", "column_2": "", "url": "u"}',
        '{"column_2": "x", "url": "u"}',
        '{"a": 1,',
        "\ufeff",
    ),
    *('{"image": "http://c.example/2"}', '["' + "y" * 70 + '"]', "z" * 95, '{" size": 1, "size": 200, "url": "u"}'),
    *(
        '{"size": 200, " size": 1, "url": "u"}',
        '{"size": 200, "url": "u"}',
        '{"b": 1, "c": 2, "d": 3}',
        '{"\\ud800": 1, "url": "u"}',
    ),
]
BEGINNINGS = ["", "url\n", "url,title\n", "url,title\n", "\ufeffurl,size\n", "http://a/1,x\n", "TsvHttpData-1.0\n"]
NO_TEXT = [b"\0", b"\xff", b"\xc3", b"\xa9"]


def manifests(rows: list[str], odd: list[str]) -> st.SearchStrategy[bytes]:
    """Rows, of which a few are odd, and some of these are no text."""
    usual, unusual = st.sampled_from(rows), st.sampled_from(odd)
    ends = st.sampled_from(["\n", "\n", "\n", "\r\n", ""])

    @st.composite
    def made(draw: st.DrawFn) -> bytes:
        found = draw(st.lists(usual, max_size=30))
        for row in draw(st.lists(unusual, max_size=5)):
            found.insert(draw(st.integers(0, len(found))), row)
        data = bytearray("".join(row + "\n" for row in found[:-1]).encode("utf-8", "replace"))
        data += "".join(found[-1:]).encode("utf-8", "replace") + draw(ends).encode()
        if data and draw(st.integers(0, 9)) == 0:
            at = draw(st.integers(0, len(data) - 1))
            data[at:at] = draw(st.sampled_from(NO_TEXT))
        return bytes(data)

    return made()


def check_all(name: str, data: bytes, sizes: Mapping[str, int], seed: int, rules: RowRules = DEFAULT_RULES) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(check, "FIRST_BYTES", sizes["first"])
        monkeypatch.setattr(boundaries, "MAX_SEARCH_BYTES", sizes["search"])
        world = World(name, data, rules)

        assert world.by_ranges(sizes["range"], Random(seed)) == world.whole()


SIZES = st.fixed_dictionaries(
    {"first": st.integers(1, 30), "range": st.integers(1, 80), "search": st.sampled_from([1, 20, 100, 10_000])}
)
ONE_ROW = {"first": 1, "range": 1, "search": 10_000}
RULES = st.sampled_from([DEFAULT_RULES, DEFAULT_RULES, RowRules(url_column="title"), RowRules(base_url="http://b/")])


@settings(max_examples=150)
@given(
    name=st.sampled_from(["a.csv", "a.csv", "a.tsv", "a.txt"]),
    beginning=st.sampled_from(BEGINNINGS),
    rest=manifests(ROWS, ODD_ROWS),
    sizes=SIZES,
    seed=st.integers(0, 100),
    rules=RULES,
)
@example("a.csv", "url,a\n", b'u,"x\ny"\n' * 20, {"first": 1, "range": 5, "search": 10_000}, 1, DEFAULT_RULES)
@example("a.csv", "url,a\n", b'u,","\n' * 20, {"first": 1, "range": 5, "search": 10_000}, 1, DEFAULT_RULES)
@example(  # an error whose record is long, before a row that is not
    "a.csv",
    "url,a\n",
    b"u,1\n" * 9 + b'u,"' + b"z" * 50 + b"\n" + b'u,"' + b"y" * 35 + b'"\n' * 2 + b'u,"a\nb"\n' * 9,
    {"first": 1, "range": 9, "search": 10_000},
    1,
    DEFAULT_RULES,
)
def test_of_delimited_text(
    name: str, beginning: str, rest: bytes, sizes: dict[str, int], seed: int, rules: RowRules
) -> None:
    check_all(name, beginning.encode() + rest, sizes, seed, rules)


@settings(max_examples=150)
@given(rest=manifests(ITEMS, ODD_ITEMS), sizes=SIZES, seed=st.integers(0, 100), rules=RULES)
@example(b'{"column_2": "", "url": "u"}\n' * 6 + b'{"column_2": "x", "url": "u"}\n' * 6, ONE_ROW, 1, DEFAULT_RULES)
@example(
    b'{"url": "u", "size": 200, " size": 1}\n' * 5 + b'{"url": "u", " size": 1, "size": 200}\n' * 6,
    ONE_ROW,
    1,
    DEFAULT_RULES,
)
def test_of_json_lines(rest: bytes, sizes: dict[str, int], seed: int, rules: RowRules) -> None:
    check_all("a.jsonl", rest, sizes, seed, rules)
