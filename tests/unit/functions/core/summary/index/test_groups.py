"""The rows of a run in groups, by the names of its parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.model.runs import part_name
from functions.core.model.types import ResultLine
from functions.core.summary.index.groups import Group, Part, groups_of, read_group
from tests.support.index_fakes import FakeIndexFiles, failed, stored


def name(row: int, round_: int = 0, pass_: int = 0, last: int = 0) -> str:
    return f"results/{part_name(row, round_, pass_, last)}"


def test_a_group_has_all_rounds_of_its_batches() -> None:
    names = [name(row, round_) for row in range(1, 2001, 500) for round_ in (0, 1)]

    groups = groups_of(names, rows=1000)

    assert [(group.first_row, group.before_row, len(group.parts)) for group in groups] == [
        (1, 1001, 4),
        (1001, None, 4),
    ]
    assert groups[1].file == "index/part-0000001001.parquet"


def test_a_part_of_a_later_pass_is_in_each_group_whose_rows_it_may_have() -> None:
    wide, narrow, next_pass = name(400, pass_=1, last=1199), name(1200, pass_=1, last=1400), name(700, 0, 2, 2000)
    names = [*(name(row) for row in (1, 501, 1001, 1501)), wide, narrow, next_pass]

    groups = groups_of(names, rows=500)

    assert [[part for part in group.parts if part in (wide, narrow, next_pass)] for group in groups] == [
        [wide],
        [wide, next_pass],
        [wide, narrow, next_pass],
        [next_pass],
    ]


def test_rows_before_the_first_part_belong_to_the_first_group() -> None:
    """The first batches may have crashed."""
    groups = groups_of([name(501), name(1001)], rows=1000)

    assert [(group.first_row, group.before_row) for group in groups] == [(1, 1001), (1001, None)]


@pytest.mark.parametrize("names", [[], iter(())])
def test_a_run_without_parts_has_no_groups(names: list[str]) -> None:
    assert groups_of(names) == []


def test_a_file_that_is_not_a_part_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"results/other\.jsonl is not a results part"):
        Part.parse("results/other.jsonl")


def test_a_group_is_read_back_from_json() -> None:
    group = Group(1, None, [name(1)])

    assert Group.from_json(group.as_json()) == group


def test_a_later_pass_decides_about_a_row_that_has_failed() -> None:
    files = FakeIndexFiles()
    files.write(name(1), [failed(1, "u"), stored(2, "u"), failed(3, "u")])
    files.write(name(1, pass_=1, last=3), [stored(1, "u"), failed(2, "u"), failed(3, "u", message="Later.")])

    [group] = groups_of(files.part_names("results"))
    lines = list(read_group(files, group))

    assert [(line["row"], line["outcome"]) for line in lines] == [(1, "stored"), (2, "stored"), (3, "failed")]
    assert lines[2]["message"] == "Later."


@given(
    batches=st.lists(st.integers(1, 30), min_size=1, max_size=30),
    rows=st.integers(1, 200),
    later=st.lists(st.lists(st.integers(1, 900), unique=True, min_size=1, max_size=40), max_size=3),
)
def test_every_row_is_in_exactly_one_group(batches: list[int], rows: int, later: list[list[int]]) -> None:
    """`batches` are sizes of the first pass, `later` the rows of each later pass, in any order, in batches of five."""
    files, expected, first = FakeIndexFiles(), set(), 1
    for size in batches:
        numbers = range(first, first + size)
        files.write(name(first), [stored(number, "u") for number in numbers])
        expected |= set(numbers)
        first += size
    for pass_, found in enumerate(later, 1):
        expected |= set(found)
        for start in range(0, len(found), 5):
            batch = found[start : start + 5]
            lines: list[ResultLine] = [stored(number, "u") for number in batch]
            files.write(name(min(batch), pass_=pass_, last=max(batch)), lines)

    groups = groups_of(files.part_names("results"), rows=rows)
    read = [line["row"] for group in groups for line in read_group(files, group)]

    assert read == sorted(expected)
