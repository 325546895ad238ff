"""The eighteen intrinsic functions as a table. DG "Intrinsic functions for JSONPath states".

A function raises TypeError, ValueError, IndexError or RecursionError for arguments that it cannot process;
`intrinsics.Call` turns these into `States.IntrinsicFailure`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import random
import re
import uuid
from collections.abc import Callable

from local.states.base import payloads, quotas
from local.states.base.payloads import JsonValue

# ---- escapes of quoted strings ----

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPABLE = "'{}\\"


def unescape(raw: str) -> str:
    return _ESCAPE.sub(r"\1", raw)


def unsupported_escape(raw: str) -> str | None:
    """The first escape of another character than a quote, a brace or a backslash."""
    return next((escape.group() for escape in _ESCAPE.finditer(raw) if escape.group(1) not in _ESCAPABLE), None)


# ---- checks of arguments ----


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


def _list(value: JsonValue) -> list[JsonValue]:
    if not isinstance(value, list):
        raise ValueError("not an array")
    return list(value)


def _string(value: JsonValue) -> str:
    if not isinstance(value, str):
        raise ValueError("not a string")
    return value


def _short_string(value: JsonValue) -> str:
    text = _string(value)
    maximum = quotas.MAX_INTRINSIC_TEXT_LENGTH
    _require(len(text) <= maximum, f"longer than {maximum} characters")
    return text


def _integer(value: JsonValue) -> int:
    """Numbers that are not integers are rounded, as documented for States.MathAdd."""
    if not payloads.is_number(value):
        raise ValueError("not a number")
    return math.floor(value + 0.5) if isinstance(value, float) else value


# ---- strings and JSON ----


def _format(template: JsonValue, *arguments: JsonValue) -> str:
    _require(isinstance(template, str), "the first argument must be a string")
    pieces = re.split(r"(?<!\\)((?:\\\\)*)\{\}", _string(template))
    texts, backslashes = pieces[::2], [*pieces[1::2], ""]
    count = len(texts) - 1
    _require(count == len(arguments), f"the template has {count} placeholders for {len(arguments)} arguments")
    values = [*map(_java_text, arguments), ""]
    return "".join(
        unescape(text + slashes) + value for text, slashes, value in zip(texts, backslashes, values, strict=True)
    )


def _java_text(value: JsonValue) -> str:
    """The text of a value as the service prints it: an object like a map of Java, `{name=value, ...}`."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}={_java_text(member)}" for name, member in value.items()) + "}"
    return payloads.to_plain_text(value)


def _string_to_json(text: JsonValue) -> JsonValue:
    """White space alone is null."""
    value: JsonValue = json.loads(_string(text).strip() or "null")
    return value


def _string_split(text: JsonValue, delimiters: JsonValue) -> list[str]:
    """Every character of `delimiters` splits; empty pieces are dropped."""
    _require(_string(delimiters) != "", "no delimiter")
    pieces = re.split(f"[{re.escape(_string(delimiters))}]", _string(text))
    return [piece for piece in pieces if piece]


def _json_merge(first: JsonValue, second: JsonValue, deep: JsonValue) -> dict[str, JsonValue]:
    _require(deep is False, "only a shallow merge (false) is supported")
    if not isinstance(first, dict) or not isinstance(second, dict):
        raise ValueError("both arguments must be objects")
    return {**first, **second}


# ---- arrays ----


def _array(*values: JsonValue) -> list[JsonValue]:
    return list(values)


def _array_partition(array: JsonValue, size: JsonValue) -> list[list[JsonValue]]:
    items, chunk_size = _list(array), _integer(size)
    _require(chunk_size > 0, "the chunk size must be positive")
    return [items[start : start + chunk_size] for start in range(0, len(items), chunk_size)]


def _array_contains(array: JsonValue, value: JsonValue) -> bool:
    return any(payloads.equal(item, value) for item in _list(array))


def _array_range(first: JsonValue, last: JsonValue, step: JsonValue) -> list[int]:
    start, end, stride = _integer(first), _integer(last), _integer(step)
    _require(stride != 0, "the step must not be 0")
    numbers = range(start, end + (1 if stride > 0 else -1), stride)
    _require(len(numbers) <= quotas.MAX_RANGE_LENGTH, f"more than {quotas.MAX_RANGE_LENGTH} elements")
    return list(numbers)


def _array_get_item(array: JsonValue, index: JsonValue) -> JsonValue:
    position = _integer(index)
    _require(position >= 0, "the index must not be negative")
    return _list(array)[position]


def _array_length(array: JsonValue) -> int:
    return len(_list(array))


def _array_unique(array: JsonValue) -> list[JsonValue]:
    unique: dict[str, JsonValue] = {}
    for item in _list(array):
        unique.setdefault(json.dumps(item, sort_keys=True), item)
    return list(unique.values())


# ---- encoding, hashes, numbers ----


def _base64_encode(text: JsonValue) -> str:
    return base64.b64encode(_short_string(text).encode()).decode()


def _base64_decode(text: JsonValue) -> str:
    return base64.b64decode(_short_string(text), validate=True).decode()


_HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def _hash(data: JsonValue, algorithm: JsonValue) -> str:
    _require(algorithm in _HASHES, f"unknown algorithm {algorithm!r}")
    text = _short_string(data if isinstance(data, str) else payloads.to_text(data))
    return hashlib.new(_HASHES[_string(algorithm)], text.encode(), usedforsecurity=False).hexdigest()


def _math_random(start: JsonValue, end: JsonValue, seed: JsonValue = None) -> int:
    first, last = _integer(start), _integer(end)
    generator = random.Random(None if seed is None else _integer(seed))
    return generator.randrange(first, last)


def _math_add(first: JsonValue, second: JsonValue) -> int:
    return _integer(first) + _integer(second)


def _uuid() -> str:
    return str(uuid.uuid4())


FUNCTIONS: dict[str, Callable[..., JsonValue]] = {
    "States.Format": _format,
    "States.StringToJson": _string_to_json,
    "States.JsonToString": payloads.to_text,
    "States.Array": _array,
    "States.ArrayPartition": _array_partition,
    "States.ArrayContains": _array_contains,
    "States.ArrayRange": _array_range,
    "States.ArrayGetItem": _array_get_item,
    "States.ArrayLength": _array_length,
    "States.ArrayUnique": _array_unique,
    "States.Base64Encode": _base64_encode,
    "States.Base64Decode": _base64_decode,
    "States.Hash": _hash,
    "States.JsonMerge": _json_merge,
    "States.MathRandom": _math_random,
    "States.MathAdd": _math_add,
    "States.StringSplit": _string_split,
    "States.UUID": _uuid,
}
