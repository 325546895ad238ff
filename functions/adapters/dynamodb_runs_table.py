"""The runs table."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from functions.adapters.errors import AWS_ERRORS, code_of
from functions.core.model.errors import TableFault
from functions.core.model.runs import RUN_KIND

NEWEST = "newest"
"""The index of all runs by `started_at`."""

_deserialized = TypeDeserializer().deserialize


class DynamoRunsTable:
    """One record a run."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def create(self, record: Mapping[str, Any]) -> bool:
        """False where there is one of that `run_id` already. Raises TableFault."""
        return self._conditional(
            self._dynamodb.put_item,
            Item=_to_item(record),
            ConditionExpression="attribute_not_exists(run_id)",
        )

    def claim(self, record: Mapping[str, Any]) -> bool:
        """False where another execution has the run already, or it is over. What else stands in the record stays.

        An execution may claim its own again: the one that the API has named, or that of an earlier try.
        """
        values = {name: value for name, value in record.items() if name != "run_id"}
        request = _setting(values)
        request["ExpressionAttributeValues"][":mine"] = _to_dynamo(record["execution_arn"])
        return self._conditional(
            self._dynamodb.update_item,
            Key=_key(record["run_id"]),
            ConditionExpression="attribute_not_exists(run_id)"
            " OR (execution_arn = :mine AND attribute_not_exists(ended_at))",
            **request,
        )

    def update(self, run_id: str, values: Mapping[str, Any]) -> None:
        """Sets attributes, of a record that may not exist yet. Raises TableFault."""
        _called(self._dynamodb.update_item, TableName=self._table, Key=_key(run_id), **_setting(values))

    def update_unless_over(self, run_id: str, values: Mapping[str, Any]) -> bool:
        """False where the run is over, or unknown. Raises TableFault."""
        return self._conditional(
            self._dynamodb.update_item,
            Key=_key(run_id),
            ConditionExpression="attribute_exists(run_id) AND attribute_not_exists(ended_at)",
            **_setting(values),
        )

    def get(self, run_id: str) -> Mapping[str, Any] | None:
        """Raises TableFault."""
        answer = _called(self._dynamodb.get_item, TableName=self._table, Key=_key(run_id), ConsistentRead=True)
        return _from_item(answer["Item"]) if "Item" in answer else None

    def newest(
        self, status: str | None, limit: int, after: Mapping[str, str] | None
    ) -> tuple[list[Mapping[str, Any]], Mapping[str, str] | None]:
        """At most `limit` records, and where to go on, or None at the end. Raises TableFault.

        `limit` bounds what is read, not what is found: with a `status`, a page may be short, even empty.
        """
        request: dict[str, Any] = {
            "KeyConditionExpression": "kind = :kind",
            "ExpressionAttributeValues": {":kind": {"S": RUN_KIND}},
        }
        if status:
            request["FilterExpression"] = "#status = :status"
            request["ExpressionAttributeNames"] = {"#status": "status"}
            request["ExpressionAttributeValues"][":status"] = {"S": status}
        if after:
            request["ExclusiveStartKey"] = _to_item({**after, "kind": RUN_KIND})
        answer = _called(
            self._dynamodb.query,
            TableName=self._table,
            IndexName=NEWEST,
            ScanIndexForward=False,
            Limit=limit,
            **request,
        )
        last = _from_item(answer.get("LastEvaluatedKey") or {})
        last.pop("kind", None)
        return [_from_item(item) for item in answer["Items"]], last or None

    def _conditional(self, operation: Callable[..., Any], **request: Any) -> bool:
        try:
            operation(TableName=self._table, **request)
        except ClientError as error:
            if code_of(error) == "ConditionalCheckFailedException":
                return False
            raise _fault(error) from error
        except AWS_ERRORS as error:
            raise _fault(error) from error
        return True


def _called(operation: Callable[..., Any], **request: Any) -> Any:
    try:
        return operation(**request)
    except AWS_ERRORS as error:
        raise _fault(error) from error


def _key(run_id: str) -> dict[str, Any]:
    return {"run_id": {"S": run_id}}


def _setting(values: Mapping[str, Any]) -> dict[str, Any]:
    """An update that sets these attributes, whatever their names."""
    return {
        "UpdateExpression": "SET " + ", ".join(f"#{n} = :{n}" for n in range(len(values))),
        "ExpressionAttributeNames": {f"#{n}": name for n, name in enumerate(values)},
        "ExpressionAttributeValues": {f":{n}": _to_dynamo(value) for n, value in enumerate(values.values())},
    }


def _to_item(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _to_dynamo(value) for name, value in values.items()}


def _from_item(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(_deserialized(value)) for name, value in item.items()}


def _to_dynamo(value: Any) -> Any:
    return TypeSerializer().serialize(_decimal(value))


def _decimal(value: Any) -> Any:
    """DynamoDB takes no floats."""
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, Mapping):
        return {name: _decimal(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_decimal(inner) for inner in value]
    return value


def _plain(value: Any) -> Any:
    """As it went in."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _fault(error: Exception) -> TableFault:
    return TableFault(f"DynamoDB refuses the runs table ({code_of(error)}): {error}")
