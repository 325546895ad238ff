"""The images table."""

import json
import random
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar, cast

from functions.adapters.dynamodb_items import from_item, to_item
from functions.adapters.errors import AWS_ERRORS, error_code, failure_message
from functions.core.model.errors import TableFault
from functions.core.model.keys import from_table_row, table_key, to_table_row
from functions.core.model.types import ImageRecord

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        AttributeValueTypeDef,
        BatchWriteItemOutputTypeDef,
        KeysAndAttributesTypeDef,
        WriteRequestUnionTypeDef,
    )

    Item = Mapping[str, AttributeValueTypeDef]

T = TypeVar("T")

IDENTITY = ("object_key", "object_etag", "sha256", "run_id", "row")
"""The attributes in which two records of a URL differ if they are about different objects."""

MAX_WRITES = 25
"""Maximum number of items in a BatchWriteItem request."""

MAX_READS = 100
"""Maximum number of keys in a BatchGetItem request."""

MAX_ATTEMPTS = 8
"""Maximum number of requests for a batch. The waits between them double, to about ten seconds in all."""


class DynamoImagesTable:
    """Reads and writes in batches, and repeats what DynamoDB returns as unprocessed."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table
        dynamodb.meta.events.register("before-call.dynamodb.BatchWriteItem", _set_body, unique_id="encoded-body")

    def look_up(self, urls: Sequence[str]) -> Mapping[str, ImageRecord]:
        """The existing rows by URL. Raises TableFault."""
        records: dict[str, ImageRecord] = {}
        for chunk in _chunks(list(dict.fromkeys(urls)), MAX_READS):
            for record in self._read([_key(url) for url in chunk]):
                records[record["url"]] = record
        return records

    def record(self, rows: Sequence[ImageRecord]) -> None:
        """Writes rows. Raises TableFault unless all were written."""
        for chunk in _chunks(rows, MAX_WRITES):
            self._write([{"PutRequest": {"Item": _item(row)}} for row in chunk])

    def read(self, url: str) -> ImageRecord | None:
        """The row of a URL, strongly consistent. Raises TableFault."""
        return next(iter(self._read([_key(url)], consistent=True)), None)

    def replace(self, record: ImageRecord, former: ImageRecord | None) -> bool:
        """Writes a row if the row of its URL is `former`, or if there is none and it is None. Raises TableFault."""
        try:
            self._dynamodb.put_item(TableName=self._table, Item=_item(record), **_unless_changed(former))
        except AWS_ERRORS as error:
            if error_code(error) == "ConditionalCheckFailedException":
                return False
            raise TableFault(failure_message("DynamoDB PutItem", error)) from error
        return True

    def _read(self, keys: "Sequence[Item]", *, consistent: bool = False) -> list[ImageRecord]:
        items: list[Item] = []
        for attempt in range(MAX_ATTEMPTS):
            request: KeysAndAttributesTypeDef = {"Keys": keys, "ConsistentRead": consistent}
            try:
                response = self._dynamodb.batch_get_item(RequestItems={self._table: request})
            except AWS_ERRORS as error:
                raise TableFault(failure_message("DynamoDB BatchGetItem", error)) from error
            items += response["Responses"].get(self._table, [])
            unprocessed = response["UnprocessedKeys"].get(self._table)
            if not unprocessed:
                return [cast(ImageRecord, from_table_row(from_item(item))) for item in items]
            keys = unprocessed["Keys"]
            _back_off(attempt)
        raise TableFault(f"DynamoDB BatchGetItem left {len(keys)} reads unprocessed after {MAX_ATTEMPTS} attempts.")

    def _write(self, requests: "Sequence[WriteRequestUnionTypeDef]") -> None:
        for attempt in range(MAX_ATTEMPTS):
            try:
                response = self._send({self._table: requests})
            except AWS_ERRORS as error:
                raise TableFault(failure_message("DynamoDB BatchWriteItem", error)) from error
            requests = response["UnprocessedItems"].get(self._table, [])
            if not requests:
                return
            _back_off(attempt)
        raise TableFault(
            f"DynamoDB BatchWriteItem left {len(requests)} writes unprocessed after {MAX_ATTEMPTS} attempts."
        )

    def _send(self, request_items: "Mapping[str, Sequence[WriteRequestUnionTypeDef]]") -> "BatchWriteItemOutputTypeDef":
        """BatchWriteItem with a body that is encoded here. Everything else is botocore's, whose serializer takes half
        of the CPU of a request with 25 items: it looks up the shape of each attribute. It sees the items only where it
        validates them."""
        _request.body = json.dumps({"RequestItems": request_items}, separators=(",", ":")).encode()
        try:
            validates = self._dynamodb.meta.config.parameter_validation  # type: ignore[attr-defined]  # not in the stubs
            return self._dynamodb.batch_write_item(RequestItems=request_items if validates else {})
        finally:
            _request.body = None


_request = threading.local()
"""`body` is that of the request which this thread sends."""


def _set_body(params: dict[str, object], **_: object) -> None:
    """Botocore's event before it signs a request, on the thread of the call."""
    body = getattr(_request, "body", None)
    if body is not None:
        params["body"] = body


def _key(url: str) -> "Item":
    return {"url": {"S": table_key(url)}}


def _item(record: ImageRecord) -> "Item":
    return to_item(to_table_row(record))


def _unless_changed(former: ImageRecord | None) -> dict[str, Any]:
    """The condition that the row of the URL is `former`. The names of its attributes may be reserved words."""
    if former is None:
        return {"ConditionExpression": "attribute_not_exists(#url)", "ExpressionAttributeNames": {"#url": "url"}}
    values = {f":{name}": value for name, value in former.items() if name in IDENTITY}
    terms = (f"#{name} = :{name}" if f":{name}" in values else f"attribute_not_exists(#{name})" for name in IDENTITY)
    condition = {
        "ConditionExpression": " AND ".join(["attribute_exists(#url)", *terms]),
        "ExpressionAttributeNames": {f"#{name}": name for name in ("url", *IDENTITY)},
    }
    return condition | ({"ExpressionAttributeValues": to_item(values)} if values else {})


def _back_off(attempt: int) -> None:
    time.sleep(random.uniform(0, 0.05 * 2**attempt))


def _chunks(values: Sequence[T], size: int) -> Iterator[list[T]]:
    iterator = iter(values)
    return iter(lambda: list(islice(iterator, size)), [])
