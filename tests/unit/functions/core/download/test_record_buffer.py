"""The buffer for records of the images table."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from functions.core.download.record_buffer import BATCH_RECORDS, ImageRecordBuffer
from functions.core.model.errors import TableFault
from tests.support.fakes import FakeImageTable


def ignore(error: Exception | None) -> None:
    """The outcome of a row, which these tests do not have."""


def test_records_are_written_in_batches_and_the_rest_at_the_end() -> None:
    table = FakeImageTable()
    with ImageRecordBuffer(table) as buffer:
        for number in range(2 * BATCH_RECORDS + 3):
            buffer.add({"url": f"u{number}"}, ignore)
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
    buffer.add({"url": "u"}, ignore)

    with pytest.raises(ZeroDivisionError), buffer:
        raise ZeroDivisionError

    assert list(table.rows) == ["u"]


def test_a_table_fault_is_raised_by_the_call_that_completes_a_batch() -> None:
    table = FakeImageTable()
    table.faults.append(TableFault("gone"))
    buffer = ImageRecordBuffer(table)
    for number in range(BATCH_RECORDS - 1):
        buffer.add({"url": f"u{number}"}, ignore)

    with pytest.raises(TableFault):
        buffer.add({"url": "last"}, ignore)


def test_a_table_fault_at_the_end_is_raised_too() -> None:
    table = FakeImageTable()
    table.faults.append(TableFault("gone"))

    with pytest.raises(TableFault), ImageRecordBuffer(table) as buffer:
        buffer.add({"url": "u"}, ignore)


def test_many_threads_lose_nothing() -> None:
    table = FakeImageTable()
    with ImageRecordBuffer(table) as buffer, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: buffer.add({"url": f"u{number}"}, ignore), range(500)))

    assert len(table.rows) == 500
    assert max(table.written) <= BATCH_RECORDS


class Results:
    """What each record was told, by URL; `add` is what a worker does."""

    def __init__(self) -> None:
        self.told: dict[str, str | None] = {}

    def add(self, buffer: ImageRecordBuffer, url: str) -> None:
        buffer.add({"url": url}, lambda error: self.told.update({url: error and type(error).__name__}))


def test_a_record_counts_when_its_batch_is_written() -> None:
    table, results = FakeImageTable(), Results()
    with ImageRecordBuffer(table) as buffer:
        for number in range(BATCH_RECORDS - 1):
            results.add(buffer, f"u{number}")
        assert results.told == {}

        results.add(buffer, "last")
        assert results.told == dict.fromkeys(table.rows)
        results.add(buffer, "one more")

    assert results.told == dict.fromkeys(table.rows)
    assert len(table.rows) == BATCH_RECORDS + 1


@pytest.mark.parametrize("count", [BATCH_RECORDS, 3], ids=["in add", "at the end"])
def test_an_unexpected_exception_is_told_to_every_record_of_the_write(count: int) -> None:
    table, results = FakeImageTable(), Results()
    table.faults.append(ZeroDivisionError())

    with ImageRecordBuffer(table) as buffer:
        for number in range(count):
            results.add(buffer, f"u{number}")

    assert results.told == {f"u{number}": "ZeroDivisionError" for number in range(count)}
    assert table.rows == {}


def test_no_record_counts_after_a_table_fault() -> None:
    table, results = FakeImageTable(), Results()
    table.faults.append(TableFault("gone"))

    with pytest.raises(TableFault), ImageRecordBuffer(table) as buffer:
        results.add(buffer, "u")

    assert results.told == {}
