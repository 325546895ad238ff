"""The records of hosts in the hosts table: leases of places and cool-downs. Those of robots.txt are in the same table.

The item has an attribute for each place that was ever taken: p0, p1 and so on, the time until which its lease holds.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from botocore.exceptions import ClientError

from functions.adapters.dynamodb_images_table import MAX_READS
from functions.adapters.errors import AWS_ERRORS, error_code, failure_message
from functions.core.model.errors import TableFault
from functions.core.model.types import CoolDown, HostChange, HostRecord
from functions.core.model.types.hosts import PLACE_ATTRIBUTE

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Item = Mapping[str, AttributeValueTypeDef]

LIMIT = "#limit"
"""The end of the key of the record of a host; the rest is its name, with the port."""

KEEP_SECONDS = 86_400
"""How long a record is kept after its last change and its wait, in seconds."""


class DynamoHostRecords:
    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def records(self, hosts: Sequence[str]) -> Mapping[str, HostRecord]:
        """The records that exist, by host. One that DynamoDB has not read in the first attempt is left out: a change is
        made on conditions. Raises TableFault."""
        records = {}
        for start in range(0, len(hosts), MAX_READS):
            keys = [_key(host) for host in hosts[start : start + MAX_READS]]
            try:
                response = self._dynamodb.batch_get_item(RequestItems={self._table: {"Keys": keys}})
            except AWS_ERRORS as error:
                raise TableFault(failure_message("DynamoDB BatchGetItem", error)) from error
            for item in response["Responses"].get(self._table, []):
                records[item["host"]["S"].removesuffix(LIMIT)] = _record(item)
        return records

    def change(self, host: str, change: HostChange) -> HostRecord | None:
        """Changes a record, or returns what it is now if the change does not hold. Raises TableFault."""
        values = {name: {"N": _number(value)} for name, value in _values(change)}
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=_key(host),
                UpdateExpression=_update(change),
                ConditionExpression=" AND ".join(_conditions(change)),
                ExpressionAttributeValues=values,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except AWS_ERRORS as error:
            if isinstance(error, ClientError) and error_code(error) == "ConditionalCheckFailedException":
                return _record(cast("Item", error.response.get("Item", {})))
            raise TableFault(failure_message("DynamoDB UpdateItem", error)) from error
        return None


def _key(host: str) -> "dict[str, AttributeValueTypeDef]":
    return {"host": {"S": host + LIMIT}}


def _values(change: HostChange) -> Iterator[tuple[str, float]]:
    """The values of the expressions, by name: DynamoDB rejects one that no expression uses."""
    if change.taken:
        yield ":now", change.now
    for place, end in (*change.taken.items(), *change.returned.items()):
        yield f":p{place}", end
    not_before = change.cool_down.not_before if change.cool_down else 0.0
    yield ":expires_at", int(max(change.now, not_before)) + KEEP_SECONDS
    if change.cool_down:
        yield ":not_before", not_before
        yield ":refusals", change.cool_down.refusals
        yield ":rate", change.cool_down.rate
        yield ":seen", change.seen.not_before


def _number(value: float) -> str:
    """In microseconds: a time that is read is equal to the one that was written."""
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _update(change: HostChange) -> str:
    names = [f"p{place}" for place in change.taken]
    names += ["not_before", "refusals", "rate"] if change.cool_down else []
    removed = [f"p{place}" for place in change.returned]
    sets = ", ".join(f"{name} = :{name}" for name in [*names, "expires_at"])
    return f"SET {sets} REMOVE {', '.join(removed)}" if removed else f"SET {sets}"


def _conditions(change: HostChange) -> Iterator[str]:
    for place in change.taken:
        yield f"(attribute_not_exists(p{place}) OR p{place} < :now)"
    for place in change.returned:
        yield f"p{place} = :p{place}"
    if change.cool_down:
        missing = "attribute_not_exists(not_before) OR " if not change.seen.not_before else ""
        yield f"({missing}not_before = :seen)"


def _record(item: "Item") -> HostRecord:
    """Raises TableFault for an item of another form."""
    try:
        numbers = {name: float(value["N"]) for name, value in item.items() if name != "host"}
    except (KeyError, ValueError) as error:
        raise TableFault("An item of the hosts table has another form than this version writes.") from error
    leases = {int(match[1]): end for name, end in numbers.items() if (match := PLACE_ATTRIBUTE.fullmatch(name))}
    cool_down = CoolDown(numbers.get("not_before", 0.0), int(numbers.get("refusals", 0)), numbers.get("rate", 0.0))
    return HostRecord(leases, cool_down)
