"""The compact protocol of Thrift, in which Parquet writes its footer."""

from collections.abc import Callable
from typing import Any, TypeAlias

Struct: TypeAlias = dict[int, Any]  # field ID to value; Any, since the file determines the type of each value

_MAX_VARINT_BITS = 64


class CompactProtocol:
    """Decoder of the Thrift compact protocol, as far as a footer needs it. Raises IndexError at the end of the data."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0
        self._readers: dict[int, Callable[[], Any]] = {
            1: lambda: True,
            2: lambda: False,
            3: self._byte,
            **dict.fromkeys((4, 5, 6), self._integer),
            7: lambda: self._bytes(8),
            8: lambda: self._bytes(self._varint()),
            9: self._list,
            10: self._list,
            11: self._map,
            12: self.struct,
        }

    def struct(self, last_field: int | None = None) -> Struct:
        """The fields of a struct by ID, up to `last_field` if it is given."""
        fields: Struct = {}
        field_id = 0
        while (head := self._byte()) and (last_field is None or field_id < last_field):
            field_id = field_id + (head >> 4) if head >> 4 else self._integer()
            fields[field_id] = self._readers[head & 15]()
        return fields

    def _list(self) -> list[Any]:
        head = self._byte()
        size, kind = head >> 4, head & 15
        size = self._varint() if size == 15 else size
        return [self._element(kind) for _ in range(size)]

    def _map(self) -> list[Any]:
        size = self._varint()
        kinds = self._byte() if size else 0
        return [(self._element(kinds >> 4), self._element(kinds & 15)) for _ in range(size)]

    def _element(self, kind: int) -> Any:
        """An element of a list or a map. A boolean is a byte there; in a struct it is part of the field's head."""
        return self._byte() == 1 if kind in (1, 2) else self._readers[kind]()

    def _byte(self) -> int:
        self._position += 1
        return self._data[self._position - 1]

    def _bytes(self, count: int) -> bytes:
        self._position += count
        if self._position > len(self._data):
            raise IndexError
        return self._data[self._position - count : self._position]

    def _varint(self) -> int:
        value, shift = 0, 0
        while (byte := self._byte()) & 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
            if shift > _MAX_VARINT_BITS:
                raise ValueError("the integer has more than 64 bits")
        return value | byte << shift

    def _integer(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
