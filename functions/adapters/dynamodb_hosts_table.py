"""The hosts table: what the batches of all runs share about hosts."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from botocore.exceptions import ClientError

from functions.adapters.dynamodb_images_table import MAX_READS
from functions.adapters.errors import AWS_ERRORS, error_code, failure_message
from functions.core.model.errors import TableFault
from functions.core.model.types import RobotsRecord, RobotsState

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

ROBOTS = "#robots"
"""The end of the key of the record of robots.txt; the rest is the origin."""


class DynamoHostsTable:
    """Its key is `host`, `expires_at` is its TTL."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def robots(self, origins: Sequence[str]) -> Mapping[str, RobotsRecord]:
        """The records that exist, by origin. One that DynamoDB has not read in the first attempt is left out: a batch
        that needs it claims it. Raises TableFault."""
        records = {}
        for start in range(0, len(origins), MAX_READS):
            keys = [{"host": {"S": origin + ROBOTS}} for origin in origins[start : start + MAX_READS]]
            try:
                response = self._dynamodb.batch_get_item(RequestItems={self._table: {"Keys": keys}})
            except AWS_ERRORS as error:
                raise TableFault(failure_message("DynamoDB BatchGetItem", error)) from error
            for item in response["Responses"].get(self._table, []):
                records[item["host"]["S"].removesuffix(ROBOTS)] = _record(item)
        return records

    def claim_robots(self, origin: str, claim: RobotsRecord, now: int) -> RobotsRecord | None:
        """Writes a claim if there is no record that holds at `now`, else returns that record. Raises TableFault."""
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=_item(origin, claim),
                ConditionExpression="attribute_not_exists(#host) OR #expires_at <= :now",
                ExpressionAttributeNames={"#host": "host", "#expires_at": "expires_at"},
                ExpressionAttributeValues={":now": {"N": str(now)}},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except AWS_ERRORS as error:
            if isinstance(error, ClientError) and error_code(error) == "ConditionalCheckFailedException":
                return _record(cast("Mapping[str, AttributeValueTypeDef]", error.response.get("Item", {})))
            raise TableFault(failure_message("DynamoDB PutItem", error)) from error
        return None

    def put_robots(self, origin: str, record: RobotsRecord) -> None:
        """Writes a record. Raises TableFault."""
        try:
            self._dynamodb.put_item(TableName=self._table, Item=_item(origin, record))
        except AWS_ERRORS as error:
            raise TableFault(failure_message("DynamoDB PutItem", error)) from error


def _item(origin: str, record: RobotsRecord) -> "Mapping[str, AttributeValueTypeDef]":
    return {
        "host": {"S": origin + ROBOTS},
        "state": {"S": record.state.value},
        "expires_at": {"N": str(record.expires_at)},
        "content": {"B": record.content},
    }


def _record(item: "Mapping[str, AttributeValueTypeDef]") -> RobotsRecord:
    """Raises TableFault for an item of another form."""
    try:
        content = bytes(item["content"]["B"])
        return RobotsRecord(RobotsState(item["state"]["S"]), int(item["expires_at"]["N"]), content)
    except (KeyError, ValueError) as error:
        raise TableFault("An item of the hosts table has another form than this version writes.") from error
