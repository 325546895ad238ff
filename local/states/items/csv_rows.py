"""CSV as Step Functions documents it ("How Step Functions parses input CSV files"), not as Python's csv does.

All values are strings; a quoted field may hold delimiters and newlines; `""` is a quotation mark, in a field
without quotes too; a backslash before a backslash, a quotation mark or the delimiter gives that character,
any other backslash is dropped; missing fields are empty strings, surplus ones are dropped.

Not documented, and chosen here: records end at LF or CRLF, empty lines are skipped, a single quotation mark
inside an unquoted field stays, text after a closing quotation mark is appended, an unclosed one is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}
MAX_HEADER_BYTES = 10 * 1024


def rows(lines: Iterable[str], delimiter: str, given: Sequence[str] | None) -> Iterator[dict[str, str]]:
    """`lines` keep their line ends. Without `given` the first record names the fields.

    Raises ValueError.
    """
    found = records(lines, delimiter)
    header = list(given) if given is not None else next(found, [])
    if len(delimiter.join(header).encode("utf-8", "surrogatepass")) > MAX_HEADER_BYTES:
        raise ValueError(f"the header is longer than {MAX_HEADER_BYTES} bytes")
    width = len(header)
    for record in found:
        record += [""] * (width - len(record))
        yield dict(zip(header, record, strict=False))


def records(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    open_record: _Record | None = None
    for line in lines:
        if open_record is None:
            bare = _without_end(line)
            if '"' not in bare and "\\" not in bare:
                if bare:
                    yield bare.split(delimiter)
                continue
            open_record = _Record(delimiter)
        if open_record.read(line):
            yield open_record.fields()
            open_record = None
    if open_record is not None:
        raise ValueError("the file ends inside a quoted field")


def _without_end(line: str) -> str:
    return line.removesuffix("\n").removesuffix("\r")


class _Record:
    """One record with quotation marks or backslashes in it, read line by line until it is whole."""

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter
        self._escapable = {"\\", '"', delimiter}
        self._fields: list[str] = []
        self._field: list[str] = []
        self._quoted = False
        self._fresh = True

    def read(self, line: str) -> bool:
        """Whether the record ends with this line."""
        at = 0
        bare = _without_end(line)
        while at < len(bare):
            at += self._inside(bare, at) if self._quoted else self._outside(bare, at)
        if self._quoted:
            self._field.append(line[len(bare) :])
        return not self._quoted

    def fields(self) -> list[str]:
        return [*self._fields, "".join(self._field)]

    def _inside(self, line: str, at: int) -> int:
        """Reads on in a quoted field; the number of characters used."""
        sign = line[at]
        if sign == "\\":
            return self._backslash(line, at)
        if sign != '"':
            return self._keep(sign)
        if line[at + 1 : at + 2] == '"':
            return self._keep('"') + 1
        self._quoted = False
        return 1

    def _outside(self, line: str, at: int) -> int:
        sign = line[at]
        if sign == self._delimiter:
            self._fields.append("".join(self._field))
            self._field, self._fresh = [], True
            return 1
        if sign == '"' and self._fresh:
            self._quoted, self._fresh = True, False
            return 1
        if sign == "\\":
            return self._backslash(line, at)
        return self._keep(sign) + (sign == '"' and line[at + 1 : at + 2] == '"')

    def _backslash(self, line: str, at: int) -> int:
        following = line[at + 1 : at + 2]
        self._fresh = False
        if following in self._escapable:
            self._field.append(following)
            return 2
        return 1

    def _keep(self, sign: str) -> int:
        self._field.append(sign)
        self._fresh = False
        return 1
