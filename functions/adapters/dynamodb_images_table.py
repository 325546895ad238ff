"""The images table."""

import random
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from functions.adapters.errors import AWS_ERRORS, code_of
from functions.core.model.errors import TableFault

WRITES = 25
READS = 100
TRIES = 8
"""Of what DynamoDB leaves unprocessed; with doubling waits some ten seconds in all."""

_to_dynamo = TypeSerializer().serialize
_from_dynamo = TypeDeserializer().deserialize


class DynamoImagesTable:
    """Reads and writes in batches, until nothing is unprocessed."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def look_up(self, urls: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """The rows that exist, by URL. Raises TableFault."""
        found: dict[str, Mapping[str, Any]] = {}
        for chunk in _chunks(list(dict.fromkeys(urls)), READS):
            for item in self._read([{"url": {"S": url}} for url in chunk]):
                row = {name: _plain(_from_dynamo(value)) for name, value in item.items()}
                found[row["url"]] = row
        return found

    def record(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Raises TableFault unless all were written."""
        for chunk in _chunks(rows, WRITES):
            items = [{name: _to_dynamo(value) for name, value in row.items()} for row in chunk]
            self._write([{"PutRequest": {"Item": item}} for item in items])

    def _read(self, keys: list[Any]) -> list[Any]:
        found: list[Any] = []
        for attempt in range(TRIES):
            answer = self._call("batch_get_item", {self._table: {"Keys": keys}})
            found += answer["Responses"].get(self._table, [])
            keys = answer["UnprocessedKeys"].get(self._table, {}).get("Keys", [])
            if not keys:
                return found
            _back_off(attempt)
        raise TableFault(f"DynamoDB left {len(keys)} reads unprocessed.")

    def _write(self, requests: list[Any]) -> None:
        for attempt in range(TRIES):
            answer = self._call("batch_write_item", {self._table: requests})
            requests = answer["UnprocessedItems"].get(self._table, [])
            if not requests:
                return
            _back_off(attempt)
        raise TableFault(f"DynamoDB left {len(requests)} writes unprocessed.")

    def _call(self, operation: str, request_items: Any) -> Any:
        try:
            return getattr(self._dynamodb, operation)(RequestItems=request_items)
        except AWS_ERRORS as error:
            raise TableFault(f"DynamoDB refuses {operation} ({code_of(error)}): {error}") from error


def _plain(value: Any) -> Any:
    """DynamoDB's numbers are decimals; ours are all whole."""
    return int(value) if isinstance(value, Decimal) else value


def _back_off(attempt: int) -> None:
    time.sleep(random.uniform(0, 0.05 * 2**attempt))


def _chunks(values: Sequence[Any], size: int) -> Any:
    rest = iter(values)
    return iter(lambda: list(islice(rest, size)), [])
