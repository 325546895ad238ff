"""DynamoDB's capacity: requests above it are refused, and batches are processed in part.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html. Each table has the capacity;
the unused capacity of one second is kept (DynamoDB keeps five minutes of it).
"""

from __future__ import annotations

import io
import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from local.aws.limits.items import READS, WRITES, Units, batch_units, read_units
from local.aws.limits.token_bucket import TokenBucket

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

TARGET = "DynamoDB_20120810."
ON_DEMAND = (
    "com.amazon.coral.availability#ThrottlingException",
    "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or "
    "index so please try again shortly. If exceptions persist, check if you have a hot key: "
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html",
)
PROVISIONED = (
    "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
    "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning "
    "level with the UpdateTable API.",
)
"""Type and message of the error, by the table's billing mode."""


class ThrottledTableError(Exception):
    """The capacity of this table is used up."""

    def __init__(self, table: str) -> None:
        super().__init__(table)
        self.table = table


class Capacity:
    """The capacity of each table, in units per second; None means no limit."""

    def __init__(self, rate: float | None, now: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._now = now
        self._buckets: dict[str, TokenBucket] = {}

    def take(self, table: str, units: float) -> bool:
        bucket = self._bucket(table)
        return bucket is None or bucket.take(units)

    def charge(self, table: str, units: float) -> None:
        bucket = self._bucket(table)
        if bucket is not None:
            bucket.charge(units)

    def _bucket(self, table: str) -> TokenBucket | None:
        if self._rate is None:
            return None
        name = table.rpartition("/")[2]
        if name not in self._buckets:
            self._buckets.setdefault(name, TokenBucket(self._rate, self._now))
        return self._buckets[name]


@dataclass(frozen=True)
class Admitted:
    """What is passed on of a request, and what then becomes of the response. Any: both are JSON."""

    body: Any
    finish: Callable[[Any], Any]


class LimitedTables:
    """`is_on_demand` tells the billing mode of a table by its name."""

    def __init__(
        self, app: WSGIApplication, is_on_demand: Callable[[str], bool], *, writes: Capacity, reads: Capacity
    ) -> None:
        self._app = app
        self._is_on_demand = is_on_demand
        self._writes = writes
        self._reads = reads
        self._admissions: Mapping[str, Callable[[Any], Admitted]] = {
            **{TARGET + action: partial(self._write, units) for action, units in WRITES.items()},
            **{TARGET + action: self._read for action in READS},
            TARGET + "BatchWriteItem": self._batch_write,
            TARGET + "BatchGetItem": self._batch_get,
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        admission = self._admissions.get(environ.get("HTTP_X_AMZ_TARGET", ""))
        if admission is None:
            return self._app(environ, start_response)
        content = environ["wsgi.input"].read()
        try:
            admitted = admission(json.loads(content))
        except ThrottledTableError as error:
            return self._refuse(error.table, start_response)
        except (ValueError, KeyError, TypeError, AttributeError):  # an invalid request, which the service answers
            return self._app(_with_body(environ, content), start_response)
        passed_on = _with_body(environ, json.dumps(admitted.body).encode())
        return _finished(self._app, passed_on, start_response, admitted.finish)

    def _refuse(self, table: str, start_response: StartResponse) -> Iterable[bytes]:
        kind, message = ON_DEMAND if self._is_on_demand(table) else PROVISIONED
        content = json.dumps({"__type": kind, "message": message}).encode()
        headers = [("Content-Type", "application/x-amz-json-1.0"), ("x-amzn-RequestId", str(uuid.uuid4()))]
        start_response("400 Bad Request", headers)
        return [content]

    def _write(self, units_of: Callable[[Any], Units], body: Any) -> Admitted:
        for table, units in units_of(body).items():
            if not self._writes.take(table, units):
                raise ThrottledTableError(table)
        return Admitted(body, lambda response: response)

    def _read(self, body: Any) -> Admitted:
        """The units are known from the response: a read is admitted while any are left."""
        table, consistent = body["TableName"], bool(body.get("ConsistentRead"))
        if not self._reads.take(table, 0):
            raise ThrottledTableError(table)

        def charge(response: Any) -> Any:
            size = len(json.dumps(response.get("Items", response.get("Item", {}))))
            self._reads.charge(table, read_units(size, keys=1, consistent=consistent))
            return response

        return Admitted(body, charge)

    def _batch_write(self, body: Any) -> Admitted:
        admitted, refused = _split(
            body["RequestItems"], lambda table, request: self._writes.take(table, batch_units(request))
        )
        return _partly({**body, "RequestItems": admitted}, refused, "UnprocessedItems")

    def _batch_get(self, body: Any) -> Admitted:
        options = body["RequestItems"]

        def take(table: str, _: Any) -> bool:
            consistent = bool(options[table].get("ConsistentRead"))
            return self._reads.take(table, read_units(0, keys=1, consistent=consistent))

        admitted, refused = (
            {table: {**options[table], "Keys": keys} for table, keys in part.items()}
            for part in _split({table: chosen["Keys"] for table, chosen in options.items()}, take)
        )
        return _partly({**body, "RequestItems": admitted}, refused, "UnprocessedKeys")


Requests = dict[str, Any]
"""The requests of a batch by table."""


def _split(requests: Mapping[str, list[Any]], take: Callable[[str, Any], bool]) -> tuple[Requests, Requests]:
    """The requests that are admitted and those that are not; tables without any are left out."""
    parts: tuple[Requests, Requests] = {}, {}
    for table, of_table in requests.items():
        for request in of_table:
            parts[not take(table, request)].setdefault(table, []).append(request)
    return parts


def _partly(body: Any, refused: Requests, name: str) -> Admitted:
    """Raises ThrottledTableError where nothing is left of a batch."""
    if refused and not body["RequestItems"]:
        raise ThrottledTableError(next(iter(refused)))
    return Admitted(body, lambda response: {**response, name: {**response.get(name, {}), **refused}})


def _with_body(environ: WSGIEnvironment, content: bytes) -> WSGIEnvironment:
    return {**environ, "wsgi.input": io.BytesIO(content), "CONTENT_LENGTH": str(len(content))}


def _finished(
    app: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse, finish: Callable[[Any], Any]
) -> Iterable[bytes]:
    """The response of the application; one that is no error passes through `finish`."""
    response = Response.from_app(app, environ)
    if response.status_code == HTTPStatus.OK:
        response.set_data(json.dumps(finish(json.loads(response.get_data()))))
    response.headers.pop("x-amz-crc32", None)  # of the former body
    return response(environ, start_response)
