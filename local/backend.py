"""All that we know of moto's insides; no other module does. Its state is one for the whole process.

moto is asked over HTTP wherever that is good enough; here is what has no API (hooks, references resolved by
CloudFormation) and what an API would make slow (a hundred thousand objects and rows).
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from moto.cloudformation.models import cloudformation_backends
from moto.cloudformation.parsing import clean_json, get_model_map
from moto.cloudwatch.models import MetricAggregatedDatum, cloudwatch_backends
from moto.core.common_models import CloudFormationModel
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table
from moto.events.models import Rule, events_backends
from moto.events.utils import EventTemplateParser
from moto.logs.models import logs_backends
from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3 import notifications
from moto.s3.models import FakeKey, s3_backends
from moto.sqs.models import sqs_backends

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from local.metrics import Measured

ACCOUNT = "123456789012"
REGION = "us-east-1"
PARTITION = "aws"
MAX_STREAM_EVENTS = 10_000
MAX_TRACES = 10_000
logging.getLogger("moto").addHandler(logging.NullHandler())


class _Dispatcher(DomainDispatcherApplication):
    """moto looks for each of its 180 service folders on disk, every request, under a lock: half its time."""

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self._known: dict[str | None, Any] = {}

    def get_backend_for_host(self, host: str | None) -> Any:
        if host not in self._known:
            self._known[host] = super().get_backend_for_host(host)
        return self._known[host]


def application() -> WSGIApplication:
    """All of moto's services as one WSGI application."""
    return _Dispatcher()


def reset() -> None:
    """Forgets every resource of every service."""
    moto_api_backend.reset()


# CloudFormation


def accept_without_effect(types: Iterable[str]) -> None:
    """Lets CloudFormation create resources of these types as names without a thing behind them."""
    for name in types:
        if name not in get_model_map():
            get_model_map()[name] = _inert(name)


@cache
def _inert(resource_type: str) -> type[CloudFormationModel]:
    class Inert(CloudFormationModel):
        def __init__(self, name: str) -> None:
            self.physical_resource_id = name

        @staticmethod
        def cloudformation_name_type() -> str:
            return ""

        @staticmethod
        def cloudformation_type() -> str:
            return resource_type

        @classmethod
        def create_from_cloudformation_json(cls, resource_name: str, *_: Any, **__: Any) -> Inert:
            return cls(resource_name)

    return Inert


def is_known_type(resource_type: str) -> bool:
    return resource_type in get_model_map()


def resolved_properties(stack_name: str, logical_id: str) -> dict[str, Any]:
    """The properties of a deployed resource; every Ref, GetAtt, Join and Sub is the value it stands for."""
    resources = cloudformation_backends[ACCOUNT][REGION].get_stack(stack_name).resource_map
    properties = resources._resource_json_map[logical_id].get("Properties", {})
    resolved: dict[str, Any] = clean_json(copy.deepcopy(properties), resources)
    return resolved


# S3


@dataclass(frozen=True)
class ObjectFact:
    """What S3 tells about an object when something happened to it."""

    bucket: str
    key: str
    size: int
    etag: str
    version_id: str | None


class _FileKey(FakeKey):
    """An object whose bytes stay in their file until someone asks: restoring a folder reads nothing."""

    def __init__(self, bucket: str, name: str, path: Path, content_type: str | None) -> None:
        super().__init__(name, b"", ACCOUNT, REGION, bucket_name=bucket, encryption="AES256")
        self._path = path
        self.contentsize = path.stat().st_size
        if content_type:
            self.set_metadata({"Content-Type": content_type})

    @property
    def value(self) -> bytes:
        return self._path.read_bytes()

    @value.setter
    def value(self, new_value: bytes) -> None:
        self.contentsize = len(new_value)

    @property
    def etag(self) -> str:
        if self._etag is None:
            with self._path.open("rb") as file:
                self._etag = hashlib.file_digest(file, _md5).hexdigest()
        return f'"{self._etag}"'


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)


def objects(bucket: str, prefix: str = "") -> Iterator[tuple[str, FakeKey]]:
    """Names and objects as they are now. The same object stands for unchanged content."""
    keys = s3_backends[ACCOUNT][PARTITION].get_bucket(bucket).keys
    for name in list(keys):
        found = keys.get(name)
        if isinstance(found, FakeKey) and name.startswith(prefix):
            yield name, found


def put_file(bucket: str, name: str, path: Path, content_type: str | None) -> FakeKey:
    """Puts a file into a bucket without an event."""
    key = _FileKey(bucket, name, path, content_type)
    s3_backends[ACCOUNT][PARTITION].get_bucket(bucket).keys.setlist(name, [key])
    return key


def on_object_event(hook: Callable[[str, ObjectFact], None] | None) -> None:
    """`hook` gets ("s3:ObjectCreated:Put", fact) for each event of a bucket that has EventBridge on.

    None puts moto's own sender back, which has a constant sequencer, a misnamed etag and no errors.
    """
    sender: Any = _MOTOS_SENDER if hook is None else _sender(hook)
    notifications._send_event_bridge_message = sender


_MOTOS_SENDER: Any = notifications._send_event_bridge_message


def _sender(hook: Callable[[str, ObjectFact], None]) -> Callable[[str, Any, str, Any], None]:
    def send(account_id: str, bucket: Any, event_name: str, key: Any) -> None:
        name = str(getattr(event_name, "value", event_name))
        if name.endswith(":Put") and getattr(key, "multipart", None) is not None:
            return  # moto tells of a finished multipart upload twice
        version = key.version_id if bucket.is_versioned else None
        hook(name, ObjectFact(bucket.name, key.name, key.size, key.etag.strip('"'), version))

    return send


# DynamoDB


def _count(table: Table) -> int:
    """moto's own walks a dictionary into which other threads write, and DescribeTable then ends in a 500."""
    values: list[Any] = list(table.items.values())
    return sum(len(value) for value in values) if table.has_range_key else len(values)


Table.__len__ = _count  # type: ignore[method-assign]


def rows(table: str) -> Iterator[dict[str, Any]]:
    """Every row of a table without a sort key, in plain JSON types."""
    items: list[Any] = list(dynamodb_backends[ACCOUNT][REGION].tables[table].items.values())
    for item in items:
        yield {name: _plain(value) for name, value in item.attrs.items()}


def put_row(table: str, row: Mapping[str, Any]) -> None:
    """Raises `KeyError` without the partition key."""
    found: Any = dynamodb_backends[ACCOUNT][REGION].tables[table]
    attributes = {name: DynamoType(_typed(value)) for name, value in row.items()}
    item = Item(attributes[found.hash_key_attr], None, {})
    dict.update(item.attrs, attributes)  # its own `update` weighs the whole item again for each attribute
    found.items[item.hash_key] = item


def _plain(value: DynamoType) -> Any:
    return _PLAIN.get(value.type, lambda it: it)(value.value)


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


_PLAIN: dict[str, Callable[[Any], Any]] = {
    "N": _number,
    "NULL": lambda _: None,
    "L": lambda items: [_plain(item) for item in items],
    "M": lambda fields: {name: _plain(item) for name, item in fields.items()},
    "SS": sorted,
    "NS": lambda items: sorted(_number(item) for item in items),
    "B": lambda content: base64.b64encode(content).decode() if isinstance(content, bytes) else content,
}


def _typed(value: Any) -> dict[str, Any]:
    if value is None:
        return {"NULL": True}
    for kind, typed in _TYPED:
        if isinstance(value, kind):
            return typed(value)
    raise TypeError(f"no DynamoDB type for {type(value).__name__}")


_TYPED: tuple[tuple[Any, Callable[[Any], dict[str, Any]]], ...] = (
    (str, lambda text: {"S": text}),
    (bool, lambda flag: {"BOOL": flag}),
    ((int, float), lambda number: {"N": str(number)}),
    (list, lambda items: {"L": [_typed(item) for item in items]}),
    (dict, lambda fields: {"M": {name: _typed(item) for name, item in fields.items()}}),
)


# EventBridge, SQS, CloudWatch Logs


def matching_targets(event: Any) -> Iterator[tuple[Rule, dict[str, Any]]]:
    """The targets of the default bus's enabled rules whose pattern matches, by moto's own matching."""
    for rule in list(events_backends[ACCOUNT][REGION].event_buses["default"].rules.values()):
        matches = rule.event_pattern.get_pattern() and rule.event_pattern.matches_event(event)
        if rule.state == "ENABLED" and matches:
            for target in list(rule.targets):
                yield rule, target


def send_to_target(rule: Rule, target: dict[str, Any], event: Mapping[str, Any], epoch: float) -> None:
    """One target by moto's own sender, which wants the time as seconds. Raises what it does not know."""
    single = copy.copy(rule)
    single.targets = [target]
    stamped: Any = {**event, "time": epoch, "ingestion-time": epoch}
    single.send_to_targets(stamped, transform_input="InputTransformer" in target)


def transformed(transformer: Mapping[str, Any], event: Mapping[str, Any]) -> Any:
    """An InputTransformer's result."""
    stamped: Any = {**event, "ingestion-time": event["time"]}
    paths = transformer.get("InputPathsMap", {})
    return EventTemplateParser.parse(transformer["InputTemplate"], paths, stamped)


def queue_messages(queue_name: str) -> list[dict[str, Any]]:
    """The bodies of all messages of a queue, oldest first; they stay in it."""
    queue: Any = sqs_backends[ACCOUNT][REGION].get_queue(queue_name)
    return [json.loads(message.body) for message in list(queue._messages)]


def put_log_events(group: str, stream: str, events: list[dict[str, Any]]) -> None:
    """Creates the group and the stream; of a stream the last ten thousand events are kept."""
    logs = logs_backends[ACCOUNT][REGION]
    if group not in logs.groups:
        logs.create_log_group(group, tags={})
    if stream not in logs.groups[group].streams:
        logs.create_log_stream(group, stream)
    logs.put_log_events(group, stream, events)
    del logs.groups[group].streams[stream].events[:-MAX_STREAM_EVENTS]


# CloudWatch metrics, X-Ray


def add_to_metric(measured: Measured) -> None:
    """Folded into one datum a minute, as CloudWatch keeps it; moto would keep every value as an object."""
    data: Any = cloudwatch_backends[ACCOUNT][REGION].metric_data
    values, minute = measured.values, measured.minute.replace(tzinfo=None)  # moto compares naive UTC
    for datum in reversed(data[-MAX_METRICS_A_MINUTE:]):
        if _same(datum, measured) and datum.timestamp == minute:
            datum.sum += sum(values)
            datum.sample_count += len(values)
            datum.min, datum.max = min(datum.min, *values), max(datum.max, *values)
            return
    dimensions = [{"Name": name, "Value": value} for name, value in measured.dimensions]
    folded = min(values), max(values), len(values), sum(values)
    data.append(MetricAggregatedDatum(measured.namespace, measured.name, *folded, dimensions, minute, measured.unit))


MAX_METRICS_A_MINUTE = 200


def _same(datum: Any, measured: Measured) -> bool:
    found = tuple((dimension.name, dimension.value) for dimension in datum.dimensions)
    return (datum.namespace, datum.name, found) == (measured.namespace, measured.name, measured.dimensions)


@cache
def _xray() -> Any:
    """moto's X-Ray, without the SDK that it loads for a mock of it: a second of CPU, and a socket left open."""
    mock = ModuleType("moto.xray.mock_client")
    vars(mock).update(MockXrayClient=object, XRaySegment=object)
    sys.modules.setdefault(mock.__name__, mock)
    return import_module("moto.xray.models").xray_backends


def put_segment(document: str) -> None:
    """Of traces, the last ten thousand are kept. Raises what moto raises for a document that is none."""
    xray = _xray()[ACCOUNT][REGION]
    xray.process_segment(document)
    traces = xray._segment_collection._traces
    while len(traces) > MAX_TRACES:
        del traces[next(iter(traces))]
