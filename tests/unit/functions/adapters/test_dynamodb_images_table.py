"""The images table."""

import json
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions.adapters import dynamodb_images_table as images_table
from functions.adapters.dynamodb_images_table import MAX_ATTEMPTS, MAX_READS, MAX_WRITES, DynamoImagesTable
from functions.core.model.errors import TableFault


def row(number: int) -> dict[str, Any]:
    return {"url": f"http://a.example/{number}", "bytes": number, "width": 6, "sha256": "ab", "row": number}


class FakeDynamoDB:
    """Takes `takes` items of each request, for as long as it says so, and leaves the rest unprocessed."""

    def __init__(self, *takes: int, error: str = "") -> None:
        self.items: dict[str, Any] = {}
        self.sizes: list[int] = []
        self._takes = deque(takes)
        self._error = error

    def _split(self, values: list[Any]) -> tuple[list[Any], list[Any]]:
        if self._error:
            raise ClientError({"Error": {"Code": self._error, "Message": "x"}}, "operation")
        self.sizes.append(len(values))
        count = self._takes.popleft() if self._takes else len(values)
        return values[:count], values[count:]

    def batch_write_item(self, RequestItems: dict[str, Any]) -> Any:  # noqa: N803
        taken, left = self._split(RequestItems["urls"])
        self.items |= {put["PutRequest"]["Item"]["url"]["S"]: put["PutRequest"]["Item"] for put in taken}
        return {"UnprocessedItems": {"urls": left} if left else {}}

    def batch_get_item(self, RequestItems: dict[str, Any]) -> Any:  # noqa: N803
        taken, left = self._split(RequestItems["urls"]["Keys"])
        found = [self.items[key["url"]["S"]] for key in taken if key["url"]["S"] in self.items]
        return {"Responses": {"urls": found}, "UnprocessedKeys": {"urls": {"Keys": left}} if left else {}}


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The tries after which it would have waited."""
    found: list[int] = []
    monkeypatch.setattr(images_table, "_back_off", found.append)
    return found


def test_what_is_recorded_is_found(dynamodb: Any) -> None:
    table = DynamoImagesTable(dynamodb, "urls")
    rows = [row(number) for number in range(2 * MAX_READS + 3)]

    table.record(rows)

    asked = [found["url"] for found in rows]
    assert table.look_up([*asked, "http://nobody.example/", asked[0]]) == {found["url"]: found for found in rows}


def test_a_row_that_is_found_is_plain_enough_for_json(dynamodb: Any) -> None:
    table = DynamoImagesTable(dynamodb, "urls")
    table.record([row(5)])

    found = table.look_up([row(5)["url"]])

    assert json.loads(json.dumps(found)) == {row(5)["url"]: row(5)}


def test_a_row_replaces_the_one_before(dynamodb: Any) -> None:
    table = DynamoImagesTable(dynamodb, "urls")
    table.record([row(1)])
    table.record([{**row(1), "width": 9}])

    assert table.look_up([row(1)["url"]])[row(1)["url"]]["width"] == 9


def test_nothing_asked_is_no_request() -> None:
    fake = FakeDynamoDB(error="AccessDenied")

    assert DynamoImagesTable(fake, "urls").look_up([]) == {}
    DynamoImagesTable(fake, "urls").record([])


def test_requests_are_no_larger_than_dynamodb_takes() -> None:
    fake = FakeDynamoDB()
    table = DynamoImagesTable(fake, "urls")

    table.record([row(number) for number in range(60)])
    table.look_up([row(number)["url"] for number in range(250)])

    assert fake.sizes == [MAX_WRITES, MAX_WRITES, 10, MAX_READS, MAX_READS, 50]


def test_what_is_left_unprocessed_is_written_again_and_no_more(waits: list[int]) -> None:
    fake = FakeDynamoDB(10, 0)
    rows = [row(number) for number in range(25)]

    DynamoImagesTable(fake, "urls").record(rows)

    assert fake.sizes == [25, 15, 15]
    assert len(fake.items) == 25
    assert waits == [0, 1]


def test_what_is_left_unprocessed_is_read_again_and_no_more(waits: list[int]) -> None:
    fake = FakeDynamoDB(4, 1, 0)
    table = DynamoImagesTable(fake, "urls")
    table.record([row(number) for number in range(4)])

    assert len(table.look_up([row(number)["url"] for number in range(4)])) == 4
    assert fake.sizes == [4, 4, 3, 3]
    assert waits == [0, 1]


@pytest.mark.parametrize(
    ("call", "left"),
    [
        (lambda table: table.record([row(1), row(2)]), "left 2 writes unprocessed"),
        (lambda table: table.look_up(["a", "b"]), "left 2 reads unprocessed"),
    ],
)
def test_what_stays_unprocessed_is_a_fault(
    call: Callable[[DynamoImagesTable], Any], left: str, waits: list[int]
) -> None:
    fake = FakeDynamoDB(*[0] * MAX_ATTEMPTS)

    with pytest.raises(TableFault, match=left):
        call(DynamoImagesTable(fake, "urls"))

    assert len(fake.sizes) == len(waits) == MAX_ATTEMPTS


@pytest.mark.parametrize("call", [lambda table: table.record([row(1)]), lambda table: table.look_up(["a"])])
def test_a_refusal_is_a_fault_with_its_code(call: Callable[[DynamoImagesTable], Any]) -> None:
    with pytest.raises(TableFault, match="ResourceNotFoundException"):
        call(DynamoImagesTable(FakeDynamoDB(error="ResourceNotFoundException"), "urls"))


def test_waits_grow_and_have_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    slept: list[float] = []
    monkeypatch.setattr(images_table.time, "sleep", slept.append)
    for attempt in range(MAX_ATTEMPTS):
        images_table._back_off(attempt)

    assert all(0 <= seconds <= 0.05 * 2**attempt for attempt, seconds in enumerate(slept))
    assert len(set(slept)) > 1
