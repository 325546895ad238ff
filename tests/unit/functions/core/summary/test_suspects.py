"""Placeholders: one image for many URLs of a host."""

import random
import tracemalloc

import pytest

from functions.core.model.types import ResultLine
from functions.core.summary import suspects
from functions.core.summary.suspects import MIN_ROWS, Suspects


def line(row: int, host: str, digest: str, outcome: str = "stored") -> ResultLine:
    return {
        "row": row,
        "url": f"https://{host}/{row}.jpg",
        "outcome": outcome,
        "sha256": digest,
        "bytes": 9,
        "object_key": f"images/{digest}",
    }


def found(lines: list[ResultLine]) -> Suspects:
    suspects = Suspects()
    for each in lines:
        suspects.add(each)
    return suspects


def test_an_image_of_a_third_of_the_urls_of_a_host_is_a_suspect() -> None:
    rows = [line(row, "a.example", "placeholder" if row % 3 == 0 else f"image-{row}") for row in range(1, 91)]

    result = found(rows)

    assert result.found() == [("a.example", "placeholder", 30, 9, "images/placeholder", 3)]
    assert result.note() == "30 rows of a.example are one and the same image: a placeholder? It is in suspects.csv."
    assert list(result.lines()) == [
        "host,sha256,rows,bytes,object_key,first_row\r\n",
        "a.example,placeholder,30,9,images/placeholder,3\r\n",
    ]


@pytest.mark.parametrize("outcome", ["unchanged", "skipped"])
def test_images_of_an_earlier_run_count(outcome: str) -> None:
    assert found([line(row, "a.example", "same", outcome) for row in range(MIN_ROWS)]).found()


@pytest.mark.parametrize("outcome", ["duplicate", "failed"])
def test_other_rows_do_not_count(outcome: str) -> None:
    assert not found([line(row, "a.example", "same", outcome) for row in range(MIN_ROWS)]).found()


def test_few_rows_and_the_same_image_on_many_hosts_are_no_suspects() -> None:
    few = [line(row, "a.example", "same") for row in range(MIN_ROWS - 1)]
    many_hosts = [line(row, f"{row}.example", "same") for row in range(10 * MIN_ROWS)]

    assert found(few + many_hosts).note() is None


def test_the_note_names_the_most_frequent_image_and_the_number_of_others() -> None:
    rows = [line(row, "a.example", "often") for row in range(1200)]
    rows += [line(row, host, "rarely") for host in ("b.example", "c.example") for row in range(20)]

    note = found(rows).note()

    assert note == (
        "1,200 rows of a.example are one and the same image: a placeholder? It is in suspects.csv, and 2 more like it."
    )


def test_memory_is_bounded_and_a_frequent_image_is_still_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows of the placeholder are anywhere among ten times as many images as are kept."""
    monkeypatch.setattr(suspects, "MAX_IMAGES", 500)
    order = random.Random(2026)
    counted = Suspects()
    tracemalloc.start()
    try:
        for row in range(10_000):
            placeholder = order.random() < 0.05
            counted.add(line(row, "a.example", "placeholder" if placeholder else f"{row:064d}"))
        after_some, _ = tracemalloc.get_traced_memory()
        for row in range(10_000, 40_000):
            placeholder = order.random() < 0.05
            counted.add(line(row, "a.example", "placeholder" if placeholder else f"{row:064d}"))
        after_all, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert [values[1] for values in counted.found()] == ["placeholder"]
    assert after_all < 2 * after_some
