"""Rows of the images table, written in batches while downloads go on."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from functions.core.download.record_buffer import ROWS, ImageRecordBuffer
from functions.core.model.errors import TableFault
from tests.support.fakes import FakeImageTable


def test_rows_are_written_by_the_batch_and_what_is_left_at_the_end() -> None:
    table = FakeImageTable()
    with ImageRecordBuffer(table) as recorder:
        for number in range(2 * ROWS + 3):
            recorder.add({"url": f"u{number}"})
        assert table.written == [ROWS, ROWS]

    assert table.written == [ROWS, ROWS, 3]
    assert len(table.rows) == 2 * ROWS + 3


def test_no_rows_are_no_write() -> None:
    table = FakeImageTable()
    with ImageRecordBuffer(table):
        pass

    assert table.written == []


def test_what_is_left_is_written_also_when_the_work_breaks_off() -> None:
    table = FakeImageTable()
    recorder = ImageRecordBuffer(table)
    recorder.add({"url": "u"})

    with pytest.raises(ZeroDivisionError), recorder:
        raise ZeroDivisionError

    assert list(table.rows) == ["u"]


def test_a_table_that_is_broken_is_told_to_whoever_filled_the_batch() -> None:
    table = FakeImageTable()
    table.faults.append(TableFault("gone"))
    recorder = ImageRecordBuffer(table)
    for number in range(ROWS - 1):
        recorder.add({"url": f"u{number}"})

    with pytest.raises(TableFault):
        recorder.add({"url": "last"})


def test_a_table_that_is_broken_at_the_end_is_told_too() -> None:
    table = FakeImageTable()
    table.faults.append(TableFault("gone"))

    with pytest.raises(TableFault), ImageRecordBuffer(table) as recorder:
        recorder.add({"url": "u"})


def test_many_threads_lose_nothing() -> None:
    table = FakeImageTable()
    with ImageRecordBuffer(table) as recorder, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: recorder.add({"url": f"u{number}"}), range(500)))

    assert len(table.rows) == 500
    assert max(table.written) <= ROWS
