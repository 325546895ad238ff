"""The buffer for records of the images table."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from functions.core.download.record_buffer import BATCH_RECORDS, ImageRecordBuffer
from functions.core.model.errors import TableFault
from tests.support.fakes import FakeImageTable


def test_records_are_written_in_batches_and_the_rest_at_the_end() -> None:
    table = FakeImageTable()
    with ImageRecordBuffer(table) as buffer:
        for number in range(2 * BATCH_RECORDS + 3):
            buffer.add({"url": f"u{number}"})
        assert table.written == [BATCH_RECORDS, BATCH_RECORDS]

    assert table.written == [BATCH_RECORDS, BATCH_RECORDS, 3]
    assert len(table.rows) == 2 * BATCH_RECORDS + 3


def test_without_records_nothing_is_written() -> None:
    table = FakeImageTable()
    with ImageRecordBuffer(table):
        pass

    assert table.written == []


def test_the_rest_is_written_also_after_an_exception() -> None:
    table = FakeImageTable()
    buffer = ImageRecordBuffer(table)
    buffer.add({"url": "u"})

    with pytest.raises(ZeroDivisionError), buffer:
        raise ZeroDivisionError

    assert list(table.rows) == ["u"]


def test_a_table_fault_is_raised_by_the_call_that_completes_a_batch() -> None:
    table = FakeImageTable()
    table.faults.append(TableFault("gone"))
    buffer = ImageRecordBuffer(table)
    for number in range(BATCH_RECORDS - 1):
        buffer.add({"url": f"u{number}"})

    with pytest.raises(TableFault):
        buffer.add({"url": "last"})


def test_a_table_fault_at_the_end_is_raised_too() -> None:
    table = FakeImageTable()
    table.faults.append(TableFault("gone"))

    with pytest.raises(TableFault), ImageRecordBuffer(table) as buffer:
        buffer.add({"url": "u"})


def test_many_threads_lose_nothing() -> None:
    table = FakeImageTable()
    with ImageRecordBuffer(table) as buffer, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: buffer.add({"url": f"u{number}"}), range(500)))

    assert len(table.rows) == 500
    assert max(table.written) <= BATCH_RECORDS
