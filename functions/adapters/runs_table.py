"""The runs table."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from functions.adapters.faults import AWS_ERRORS, code_of
from functions.core.faults import TableFault

_from_dynamo = TypeDeserializer().deserialize


class RunsTable:
    """One record a run."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def claim(self, record: Mapping[str, Any]) -> bool:
        """False where another execution has the run already; an execution may claim its own again."""
        item = {name: _to_dynamo(value) for name, value in record.items()}
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression="attribute_not_exists(run_id) OR execution_arn = :mine",
                ExpressionAttributeValues={":mine": item["execution_arn"]},
            )
        except ClientError as error:
            if code_of(error) == "ConditionalCheckFailedException":
                return False
            raise _fault(error) from error
        except AWS_ERRORS as error:
            raise _fault(error) from error
        return True

    def update(self, run_id: str, values: Mapping[str, Any]) -> None:
        """Sets attributes, of a record that may not exist yet. Raises TableFault."""
        names = {f"#{number}": name for number, name in enumerate(values)}
        given = {f":{number}": _to_dynamo(value) for number, value in enumerate(values.values())}
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key={"run_id": {"S": run_id}},
                UpdateExpression="SET " + ", ".join(f"#{n} = :{n}" for n in range(len(values))),
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=given,
            )
        except AWS_ERRORS as error:
            raise _fault(error) from error

    def get(self, run_id: str) -> Mapping[str, Any] | None:
        """Raises TableFault."""
        try:
            answer = self._dynamodb.get_item(TableName=self._table, Key={"run_id": {"S": run_id}}, ConsistentRead=True)
        except AWS_ERRORS as error:
            raise _fault(error) from error
        item = answer.get("Item")
        return {name: _from_dynamo(value) for name, value in item.items()} if item else None


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


def _fault(error: Exception) -> TableFault:
    return TableFault(f"DynamoDB refuses the runs table ({code_of(error)}): {error}")
