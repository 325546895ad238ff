"""Keys of items as bytes, in the order in which moto sorts the keys: strings by code point, numbers by value."""

from __future__ import annotations

from decimal import Decimal

EXPONENT_OFFSET = 500
"""Added to the exponent of a number, so that it is positive. DynamoDB's exponents are between -130 and 125."""

_COMPLEMENT = bytes.maketrans(b"0123456789", b"9876543210")


def key_bytes(kind: str, value: object) -> bytes:
    """The value of a key of type S, N or B. A binary value is bytes, as in moto."""
    if kind == "N":
        return _number_bytes(Decimal(str(value)))
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


def _number_bytes(number: Decimal) -> bytes:
    """Equal numbers such as 1 and 1.0 have the same bytes."""
    if number.is_zero():
        return b"1"
    digits = "".join(map(str, number.as_tuple().digits)).rstrip("0")
    text = f"{number.adjusted() + EXPONENT_OFFSET:04}{digits}".encode()
    return b"2" + text if number > 0 else b"0" + text.translate(_COMPLEMENT) + b"~"
