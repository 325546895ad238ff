"""The images table."""

import json
from collections import deque
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions.adapters import dynamodb_images_table as images_table
from functions.adapters.dynamodb_images_table import MAX_ATTEMPTS, MAX_READS, MAX_WRITES, DynamoImagesTable
from functions.core.model.errors import TableFault


def row(number: int) -> dict[str, Any]:
    return {"url": f"http://a.example/{number}", "bytes": number, "width": 6, "sha256": "ab", "row": number}


class FakeDynamoDB:
    """Processes `processed` items of the first requests, one number for each, and all items of the others."""

    def __init__(self, *processed: int, error: str = "") -> None:
        self.items: dict[str, Any] = {}
        self.sizes: list[int] = []
        self._processed = deque(processed)
        self._error = error
        config = SimpleNamespace(parameter_validation=False)
        self.meta = SimpleNamespace(events=SimpleNamespace(register=self._register), config=config)

    def _register(self, event: str, handler: Callable[..., None], unique_id: str) -> None:
        assert event == "before-call.dynamodb.BatchWriteItem"
        self._before_call = handler

    def _split(self, values: list[Any]) -> tuple[list[Any], list[Any]]:
        if self._error:
            raise ClientError({"Error": {"Code": self._error, "Message": "x"}}, "operation")
        self.sizes.append(len(values))
        count = self._processed.popleft() if self._processed else len(values)
        return values[:count], values[count:]

    def batch_write_item(self, RequestItems: dict[str, Any]) -> Any:  # noqa: N803
        params = {"body": json.dumps({"RequestItems": RequestItems})}
        self._before_call(params=params)
        processed, unprocessed = self._split(json.loads(params["body"])["RequestItems"]["urls"])
        self.items |= {put["PutRequest"]["Item"]["url"]["S"]: put["PutRequest"]["Item"] for put in processed}
        return {"UnprocessedItems": {"urls": unprocessed} if unprocessed else {}}

    def batch_get_item(self, RequestItems: dict[str, Any]) -> Any:  # noqa: N803
        processed, unprocessed = self._split(RequestItems["urls"]["Keys"])
        items = [self.items[key["url"]["S"]] for key in processed if key["url"]["S"] in self.items]
        unprocessed_keys = {"urls": {"Keys": unprocessed}} if unprocessed else {}
        return {"Responses": {"urls": items}, "UnprocessedKeys": unprocessed_keys}


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The attempts after which it would have waited."""
    attempts: list[int] = []
    monkeypatch.setattr(images_table, "_back_off", attempts.append)
    return attempts


def test_rows_are_read_as_they_were_written(dynamodb: Any) -> None:
    table = DynamoImagesTable(dynamodb, "urls")
    rows = [row(number) for number in range(2 * MAX_READS + 3)]

    table.record(rows)

    urls = [row["url"] for row in rows]
    assert table.look_up([*urls, "http://unknown.example/", urls[0]]) == {row["url"]: row for row in rows}


def test_a_row_of_a_long_url_is_found_by_its_url(dynamodb: Any) -> None:
    """The four URLs differ only after 2,048 bytes, or in one byte more."""
    table = DynamoImagesTable(dynamodb, "urls")
    start = "http://a.example/" + "\u00e9" * 1_015  # of 2,047 bytes
    rows = [{**row(number), "url": start + end} for number, end in enumerate(("x", "xy", "xyz1", "xyz2"))]

    table.record(rows[:3])
    assert table.replace(rows[3], None)

    assert table.look_up([row["url"] for row in rows]) == {row["url"]: row for row in rows}
    assert [table.read(row["url"]) for row in rows] == rows
    assert not table.replace({**rows[1], "run_id": "r2"}, None)
    assert table.replace({**rows[1], "run_id": "r2"}, rows[1])
    stored = dynamodb.scan(TableName="urls")["Items"]
    assert sorted(item.get("full_url", item["url"])["S"] for item in stored) == [row["url"] for row in rows]
    assert sorted(item["url"]["S"][:7] for item in stored) == ["http://", *3 * ["sha256:"]]


def test_a_row_that_is_read_can_be_written_as_json(dynamodb: Any) -> None:
    table = DynamoImagesTable(dynamodb, "urls")
    table.record([row(5)])

    rows = table.look_up([row(5)["url"]])

    assert json.loads(json.dumps(rows)) == {row(5)["url"]: row(5)}


def test_a_row_replaces_the_one_before(dynamodb: Any) -> None:
    table = DynamoImagesTable(dynamodb, "urls")
    table.record([row(1)])
    table.record([{**row(1), "width": 9}])

    assert table.look_up([row(1)["url"]])[row(1)["url"]]["width"] == 9


def test_a_row_is_read_strongly_consistent(dynamodb: Any) -> None:
    requests: list[Any] = []
    dynamodb.meta.events.register(
        "provide-client-params.dynamodb.BatchGetItem", lambda params, **_: requests.append(params["RequestItems"])
    )
    table = DynamoImagesTable(dynamodb, "urls")
    table.record([row(1)])

    assert table.read(row(1)["url"]) == row(1)
    assert table.read("http://unknown.example/") is None
    assert [request["urls"]["ConsistentRead"] for request in requests] == [True, True]


FORMER: dict[str, Any] = {**row(1), "object_key": "images/a.png", "object_etag": '"e1"', "run_id": "r1"}
OF_0_1_0 = {name: value for name, value in FORMER.items() if name != "object_etag"}


@pytest.mark.parametrize("former", [None, FORMER, OF_0_1_0], ids=["none", "a row", "a row of 0.1.0"])
def test_a_row_replaces_the_one_that_was_read(dynamodb: Any, former: Any) -> None:
    table = DynamoImagesTable(dynamodb, "urls")
    if former is not None:
        table.record([former])
    newer = {**FORMER, "object_etag": '"e2"', "run_id": "r2"}

    assert table.replace(newer, table.read(row(1)["url"]))
    assert table.read(row(1)["url"]) == newer


@pytest.mark.parametrize(
    ("former", "there"),
    [
        pytest.param(None, FORMER, id="a row that is new"),
        pytest.param(FORMER, None, id="a row that was deleted"),
        pytest.param({"url": row(1)["url"]}, None, id="an empty row that was deleted"),
        *(
            pytest.param(FORMER, FORMER | {name: value}, id=f"another {name}")
            for name, value in (
                ("object_etag", '"e2"'),
                ("object_key", "images/b.png"),
                ("sha256", "cd"),
                ("run_id", "r2"),
                ("row", 2),
            )
        ),
        pytest.param(FORMER, OF_0_1_0, id="a row without an ETag"),
        pytest.param(OF_0_1_0, FORMER, id="a row with an ETag"),
    ],
)
def test_a_row_that_has_changed_since_it_was_read_is_kept(dynamodb: Any, former: Any, there: Any) -> None:
    table = DynamoImagesTable(dynamodb, "urls")
    if there is not None:
        table.record([there])

    assert not table.replace({**FORMER, "run_id": "r3"}, former)
    assert table.read(row(1)["url"]) == there


def test_a_conditional_write_that_fails_is_a_fault(dynamodb: Any) -> None:
    with pytest.raises(TableFault, match=r"^DynamoDB PutItem failed \(ResourceNotFoundException\)"):
        DynamoImagesTable(dynamodb, "unknown").replace({"url": "a"}, None)


def test_no_rows_are_no_request() -> None:
    fake = FakeDynamoDB(error="AccessDenied")

    assert DynamoImagesTable(fake, "urls").look_up([]) == {}
    DynamoImagesTable(fake, "urls").record([])


def test_requests_are_no_larger_than_dynamodb_allows() -> None:
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
    ("call", "message"),
    [
        (
            lambda table: table.record([row(1), row(2)]),
            "DynamoDB BatchWriteItem left 2 writes unprocessed after 8 attempts",
        ),
        (lambda table: table.look_up(["a", "b"]), "DynamoDB BatchGetItem left 2 reads unprocessed after 8 attempts"),
    ],
)
def test_what_stays_unprocessed_is_a_fault(
    call: Callable[[DynamoImagesTable], Any], message: str, waits: list[int]
) -> None:
    fake = FakeDynamoDB(*[0] * MAX_ATTEMPTS)

    with pytest.raises(TableFault, match=message):
        call(DynamoImagesTable(fake, "urls"))

    assert len(fake.sizes) == len(waits) == MAX_ATTEMPTS


@pytest.mark.parametrize("call", [lambda table: table.record([row(1)]), lambda table: table.look_up(["a"])])
def test_a_failed_request_is_a_fault_with_its_code(call: Callable[[DynamoImagesTable], Any]) -> None:
    with pytest.raises(TableFault, match=r"DynamoDB Batch(Get|Write)Item failed \(ResourceNotFoundException\): x"):
        call(DynamoImagesTable(FakeDynamoDB(error="ResourceNotFoundException"), "urls"))


def test_waits_grow_and_have_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    slept: list[float] = []
    monkeypatch.setattr(images_table.time, "sleep", slept.append)
    for attempt in range(MAX_ATTEMPTS):
        images_table._back_off(attempt)

    assert all(0 <= seconds <= 0.05 * 2**attempt for attempt, seconds in enumerate(slept))
    assert len(set(slept)) > 1
