"""The runs table."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from functions.adapters.dynamodb_items import from_item, to_attribute, to_item
from functions.adapters.errors import AWS_ERRORS, error_code, failure_message
from functions.core.model.errors import TableFault
from functions.core.model.runs import RUN_KIND
from functions.core.model.types import RunFields, RunRecord

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NEWEST = "newest"
"""Name of the index of all runs by `started_at`."""


class DynamoRunsTable:
    """One item for each run. Requests are built from parts, which boto3's types do not express: hence Any."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def create(self, record: RunRecord) -> bool:
        """Adds a record. False if there is one of that `run_id` already. Raises TableFault."""
        return self._write_if("attribute_not_exists(run_id)", "PutItem", self._dynamodb.put_item, Item=to_item(record))

    def claim(self, record: RunRecord) -> bool:
        """Records that `execution_arn` runs this run; other attributes of an existing record are kept.

        False if the run has ended, or if the record names another execution. An execution may claim its run again.
        Raises TableFault.
        """
        update = _update_of({name: value for name, value in record.items() if name != "run_id"})
        update["ExpressionAttributeValues"][":claimant"] = to_attribute(record["execution_arn"])
        return self._write_if(
            "attribute_not_exists(run_id) OR (execution_arn = :claimant AND attribute_not_exists(ended_at))",
            "UpdateItem",
            self._dynamodb.update_item,
            Key=_key(record["run_id"]),
            **update,
        )

    def update(self, run_id: str, values: RunFields) -> None:
        """Sets attributes, of a record that may not exist yet. Raises TableFault."""
        self._call("UpdateItem", self._dynamodb.update_item, Key=_key(run_id), **_update_of(values))

    def update_unless_over(self, run_id: str, values: RunFields) -> bool:
        """Sets attributes. False if the run has ended or does not exist. Raises TableFault."""
        return self._write_if(
            "attribute_exists(run_id) AND attribute_not_exists(ended_at)",
            "UpdateItem",
            self._dynamodb.update_item,
            Key=_key(run_id),
            **_update_of(values),
        )

    def get(self, run_id: str) -> RunRecord | None:
        """The record, strongly consistent. Raises TableFault."""
        response = self._call("GetItem", self._dynamodb.get_item, Key=_key(run_id), ConsistentRead=True)
        return cast(RunRecord, from_item(response["Item"])) if "Item" in response else None

    def newest(
        self, status: str | None, limit: int, after: Mapping[str, str] | None
    ) -> tuple[list[RunRecord], Mapping[str, str] | None]:
        """A page of records, and the key to continue after, or None on the last page. Raises TableFault.

        `limit` is the maximum number of records that are read: with a `status`, a page may be shorter, even empty.
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
            request["ExclusiveStartKey"] = to_item({**after, "kind": RUN_KIND})
        response = self._call(
            "Query", self._dynamodb.query, IndexName=NEWEST, ScanIndexForward=False, Limit=limit, **request
        )
        last_key = from_item(response.get("LastEvaluatedKey") or {})
        last_key.pop("kind", None)
        return [cast(RunRecord, from_item(item)) for item in response["Items"]], last_key or None

    def _write_if(self, condition: str, name: str, operation: Callable[..., Any], **request: Any) -> bool:
        try:
            operation(TableName=self._table, ConditionExpression=condition, **request)
        except AWS_ERRORS as error:
            if error_code(error) == "ConditionalCheckFailedException":
                return False
            raise TableFault(failure_message(f"DynamoDB {name}", error)) from error
        return True

    def _call(self, name: str, operation: Callable[..., Any], **request: Any) -> Any:
        try:
            return operation(TableName=self._table, **request)
        except AWS_ERRORS as error:
            raise TableFault(failure_message(f"DynamoDB {name}", error)) from error


def _key(run_id: str) -> dict[str, Any]:
    return {"run_id": {"S": run_id}}


def _update_of(values: Mapping[str, object]) -> dict[str, Any]:
    """The update expression that sets these attributes. Their names may be reserved words."""
    return {
        "UpdateExpression": "SET " + ", ".join(f"#{n} = :{n}" for n in range(len(values))),
        "ExpressionAttributeNames": {f"#{n}": name for n, name in enumerate(values)},
        "ExpressionAttributeValues": {f":{n}": to_attribute(value) for n, value in enumerate(values.values())},
    }
