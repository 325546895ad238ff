"""BatchWriteItem and BatchGetItem for durable tables, in front of moto: an item is copied between request and file.

Only ordinary, valid requests are answered here, and the two limits that moto does not check. All others go on to moto,
which has the message for each error.
"""

from __future__ import annotations

import io
import json
import re
import uuid
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from moto.dynamodb.limits import HASH_KEY_MAX_LENGTH, RANGE_KEY_MAX_LENGTH
from werkzeug.wrappers import Request, Response

from local.aws.backend.application import ACCOUNT, REGION
from local.aws.backend.tables.durable import DurableTable, open_store, table_of
from local.aws.backend.tables.store import Key, Store

TARGET = "DynamoDB_20120810."
PARSED_BODY = "local.json"
"""Key of the WSGI environment: the body of a request in JSON, if another part has parsed it."""
MAX_WRITES = 25
MAX_READS = 100
MAX_ITEM_BYTES = 405_000
"""As in moto, which measured it: DynamoDB says 400 KB."""
MAX_RESPONSE_BYTES = 16 * 1024 * 1024
KEY_BYTES = {"HASH": HASH_KEY_MAX_LENGTH, "RANGE": RANGE_KEY_MAX_LENGTH}

_ORDINARY_NUMBER = re.compile(r"-?\d{1,19}(\.\d{1,19})?")
_encode = json.JSONEncoder(separators=(",", ":")).encode
_ARN = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/"

Attributes = Mapping[str, Any]
"""An item in DynamoDB's format."""


class _OrdinaryOnlyError(Exception):
    """The request is invalid or unusual: moto answers it."""


class BatchRoute:
    """A route of the HTTP endpoint. It leaves a request that it does not answer as it was."""

    def __init__(self) -> None:
        self._operations: dict[str, Callable[[Store, Any], str]] = {
            f"{TARGET}BatchWriteItem": _write,
            f"{TARGET}BatchGetItem": _read,
        }

    def __call__(self, request: Request) -> Response | None:
        operation, store = self._operations.get(request.headers.get("X-Amz-Target", "")), open_store()
        if operation is None or store is None:
            return None
        try:
            return _response(HTTPStatus.OK, operation(store, _body(request)))
        except (_OrdinaryOnlyError, ValueError):
            return None
        except _InvalidError as error:
            fields = {"__type": "com.amazon.coral.validate#ValidationException", "message": str(error)}
            return _response(HTTPStatus.BAD_REQUEST, json.dumps(fields))


def _body(request: Request) -> Any:
    """The body as JSON, parsed by the check of permissions or here. Raises ValueError."""
    environ = request.environ
    if PARSED_BODY in environ:
        return environ[PARSED_BODY]
    content = environ["wsgi.input"].read()
    environ["wsgi.input"] = io.BytesIO(content)
    return json.loads(content)


class _InvalidError(Exception):
    """The request exceeds a limit that moto does not check."""


def _write(store: Store, body: Any) -> str:
    puts: list[tuple[int, Key, str]] = []
    deletes: list[tuple[int, Key]] = []
    for name, requests in _tables(body, {"RequestItems"}).items():
        table = _durable(name)
        for request in requests:
            match request:
                case {"PutRequest": {"Item": dict(item)}} if len(request) == 1:
                    puts.append((table.stored.table, _key(table, item), _text(table, item)))
                case {"DeleteRequest": {"Key": dict(key)}} if len(request) == 1:
                    deletes.append((table.stored.table, _only_key(table, key)))
                case _:
                    raise _OrdinaryOnlyError
    _check_writes([(table, key) for table, key, _ in puts] + deletes)
    with store.transaction():
        for number, put_key, text in puts:
            store.put(number, [(put_key, text)])
        for number, deleted_key in deletes:
            store.delete(number, [deleted_key])
    return '{"UnprocessedItems":{}}'


def _check_writes(keys: list[tuple[int, Key]]) -> None:
    if not keys:
        raise _OrdinaryOnlyError
    if len(keys) > MAX_WRITES:
        raise _InvalidError("Too many items requested for the BatchWriteItem call")
    if len(set(keys)) < len(keys):
        raise _InvalidError("Provided list of item keys contains duplicates")


def _read(store: Store, body: Any) -> str:
    requested: dict[str, tuple[int, list[Key]]] = {}
    for name, options in _tables(body, {"RequestItems"}).items():
        table = _durable(name)
        if not set(options) <= {"Keys", "ConsistentRead"}:
            raise _OrdinaryOnlyError
        keys = [_only_key(table, key) for key in options["Keys"]]
        if len(set(keys)) < len(keys):
            raise _OrdinaryOnlyError
        requested[name] = table.stored.table, keys
    if not 0 < sum(len(keys) for _, keys in requested.values()) <= MAX_READS:
        raise _OrdinaryOnlyError
    found = {name: store.get_many(number, keys) for name, (number, keys) in requested.items()}
    if sum(len(text) for texts in found.values() for text in texts) > MAX_RESPONSE_BYTES:
        raise _OrdinaryOnlyError
    tables = ",".join(f"{json.dumps(name)}:[{','.join(texts)}]" for name, texts in found.items())
    return f'{{"Responses":{{{tables}}},"UnprocessedKeys":{{}}}}'


def _tables(body: Any, allowed: set[str]) -> dict[str, Any]:
    match body:
        case {"RequestItems": dict(tables)} if set(body) <= allowed:
            return tables
    raise _OrdinaryOnlyError


def _durable(name: str) -> DurableTable:
    try:
        table = table_of(name.removeprefix(_ARN))
    except KeyError:
        raise _OrdinaryOnlyError from None
    if not isinstance(table, DurableTable) or table.stream_shard is not None:
        raise _OrdinaryOnlyError
    return table


def _only_key(table: DurableTable, key: Attributes) -> Key:
    if len(key) != len(table.schema):
        raise _OrdinaryOnlyError
    return _key(table, key)


def _key(table: DurableTable, item: Attributes) -> Key:
    for part in table.schema:
        name = part["AttributeName"]
        kind = table.hash_key_type if part["KeyType"] == "HASH" else table.range_key_type
        value = item.get(name)
        if not isinstance(value, dict) or list(value) != [kind] or kind == "B" or not value[kind]:
            raise _OrdinaryOnlyError
        if _size(value) > KEY_BYTES[part["KeyType"]]:
            raise _OrdinaryOnlyError
    return table.stored.key_of(item)


def _text(table: DurableTable, item: Attributes) -> str:
    """The item as the store keeps it, after all checks but those of its key."""
    if any(item.get(name) in ({"S": ""}, {"B": ""}) for name in table.attribute_keys):
        raise _OrdinaryOnlyError
    if sum(_text_size(name) + _size(value) for name, value in item.items()) > MAX_ITEM_BYTES:
        raise _OrdinaryOnlyError
    return _encode(item)


def _size(value: Any) -> int:
    """The size of a valid value, as DynamoDB counts it."""
    if type(value) is dict and len(value) == 1:
        for kind, content in value.items():
            size = _SIZES.get(kind)
            if size is not None:
                return size(content)
    raise _OrdinaryOnlyError


def _text_size(text: Any) -> int:
    if not isinstance(text, str):
        raise _OrdinaryOnlyError
    return len(text) if text.isascii() else len(text.encode())


def _number_size(number: Any) -> int:
    if not isinstance(number, str) or not _ORDINARY_NUMBER.fullmatch(number):
        raise _OrdinaryOnlyError
    return len(number) // 2 + 1


def _flag_size(flag: Any) -> int:
    if not isinstance(flag, bool):
        raise _OrdinaryOnlyError
    return 1


def _null_size(flag: Any) -> int:
    if flag is not True:
        raise _OrdinaryOnlyError
    return 1


def _list_size(values: Any) -> int:
    if not isinstance(values, list):
        raise _OrdinaryOnlyError
    return 3 + sum(1 + _size(inner) for inner in values)


def _map_size(fields: Any) -> int:
    if not isinstance(fields, dict):
        raise _OrdinaryOnlyError
    return 3 + sum(1 + _text_size(name) + _size(inner) for name, inner in fields.items())


_SIZES: dict[str, Callable[[Any], int]] = {
    "S": _text_size,
    "N": _number_size,
    "BOOL": _flag_size,
    "NULL": _null_size,
    "L": _list_size,
    "M": _map_size,
}
"""The types that are answered here, each with the size of its values."""


def _response(status: HTTPStatus, text: str) -> Response:
    headers = {"X-Amzn-RequestId": str(uuid.uuid4())}
    return Response(text, status, headers, content_type="application/x-amz-json-1.0")
