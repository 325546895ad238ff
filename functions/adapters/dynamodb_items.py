"""DynamoDB items to and from Python dictionaries. DynamoDB's numbers are decimals, Python's are int and float."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

_MAX_EXACT = 10**38
"""DynamoDB stores integers of up to 38 digits."""

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


def to_item(values: Mapping[str, object]) -> "dict[str, AttributeValueTypeDef]":
    return {name: to_attribute(value) for name, value in values.items()}


def to_attribute(value: object) -> "AttributeValueTypeDef":
    """Raises TypeError for a value that DynamoDB has no type for."""
    if type(value) is str:
        return {"S": value}
    if type(value) is int and abs(value) < _MAX_EXACT:
        return {"N": str(value)}
    return _serialize(_with_decimals(value))


def from_item(item: "Mapping[str, Any]") -> dict[str, Any]:  # the caller knows the attributes of its table
    """Integral numbers are returned as int, all others as float."""
    return {name: _with_numbers(_deserialize(value)) for name, value in item.items()}


def _with_decimals(value: object) -> object:
    """Replaces floats, which boto3 rejects, and tuples, which it has no type for."""
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, Mapping):
        return {name: _with_decimals(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_with_decimals(inner) for inner in value]
    return value


def _with_numbers(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return {name: _with_numbers(inner) for name, inner in value.items()}
    return [_with_numbers(inner) for inner in value] if isinstance(value, list) else value
