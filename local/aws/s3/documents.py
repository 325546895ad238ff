"""XML documents of the S3 API, read and written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import formatdate
from typing import TypeAlias
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from local.aws.store.errors import S3Error

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
MAX_DOCUMENT_BYTES = 2 * 1024 * 1024
_ESCAPED = {"\r": "&#13;"}

Node: TypeAlias = "str | int | bool | Mapping[str, Node] | Iterable[Node]"
"""A list repeats its element."""


def document(name: str, children: Mapping[str, Node | None], *, namespace: bool = True) -> bytes:
    """Children that are None are left out."""
    opening = f'{name} xmlns="{NAMESPACE}"' if namespace else name
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{opening}>{_children(children)}</{name}>'.encode()


def _children(children: Mapping[str, Node | None]) -> str:
    return "".join(_element(name, value) for name, value in children.items() if value is not None)


def _element(name: str, value: Node) -> str:
    if isinstance(value, bool):
        return f"<{name}>{str(value).lower()}</{name}>"
    if isinstance(value, str | int):
        return f"<{name}>{escape(str(value), _ESCAPED)}</{name}>"
    if isinstance(value, Mapping):
        return f"<{name}>{_children(value)}</{name}>"
    return "".join(_element(name, each) for each in value)


def parsed(content: bytes) -> ElementTree.Element:
    """Element names without their namespace. Raises S3Error(MalformedXML)."""
    if b"<!DOCTYPE" in content:  # no entities: they can grow without a bound
        raise S3Error("MalformedXML")
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        raise S3Error("MalformedXML") from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def number(text: str) -> int:
    """Raises S3Error(InvalidArgument)."""
    if not (text.isdecimal() and len(text) <= 9):
        raise S3Error("InvalidArgument", "Provided value is not an integer or is not within its range")
    return int(text)


def iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def http_date(moment: float) -> str:
    return formatdate(moment, usegmt=True)
