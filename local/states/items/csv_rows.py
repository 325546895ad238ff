"""CSV as Step Functions parses it, which differs from Python's csv module.

DG "ItemReader (Map)", "How Step Functions parses input CSV files": all values are strings; a quoted field can contain
delimiters and newlines; `""` is a quotation mark, also in a field without quotes; a backslash before a backslash, a
quotation mark or the delimiter produces that character, any other backslash is dropped; missing fields are empty
strings, surplus fields are dropped.

Not documented, and chosen here: records end at LF or CRLF; empty lines are skipped; a single quotation mark inside an
unquoted field is kept; text after a closing quotation mark is appended; a quoted field without an end is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from local.states.base import payloads, quotas


def rows(lines: Iterable[str], delimiter: str, header: Sequence[str] | None) -> Iterator[dict[str, str]]:
    """`lines` include their line ends. Without `header`, the first record is the header.

    Raises ValueError if the header is too long, or if the file ends inside a quoted field.
    """
    data = records(lines, delimiter)
    names = list(header) if header is not None else next(data, [])
    if payloads.byte_length(delimiter.join(names)) > quotas.MAX_CSV_HEADER_BYTES:
        raise ValueError(f"the header is longer than {quotas.MAX_CSV_HEADER_BYTES} bytes")
    width = len(names)
    for record in data:
        record += [""] * (width - len(record))
        yield dict(zip(names, record, strict=False))


def records(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    """The fields of each record. Raises ValueError if the file ends inside a quoted field."""
    parser: _RecordParser | None = None
    for line in lines:
        if parser is None:
            text = _without_line_end(line)
            if '"' not in text and "\\" not in text:  # most lines, hence the short cut
                if text:
                    yield text.split(delimiter)
                continue
            parser = _RecordParser(delimiter)
        if parser.feed(line):
            yield parser.fields()
            parser = None
    if parser is not None:
        raise ValueError("the file ends inside a quoted field")


def _without_line_end(line: str) -> str:
    return line.removesuffix("\n").removesuffix("\r")


class _RecordParser:
    """Parses one record that contains quotation marks or backslashes, line by line."""

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter
        self._escapable = {"\\", '"', delimiter}
        self._fields: list[str] = []
        self._field: list[str] = []
        self._in_quotes = False
        self._at_field_start = True

    def feed(self, line: str) -> bool:
        """Returns True if the record ends with this line."""
        position = 0
        text = _without_line_end(line)
        while position < len(text):
            parse = self._parse_quoted if self._in_quotes else self._parse_unquoted
            position += parse(text, position)
        if self._in_quotes:
            self._field.append(line[len(text) :])
        return not self._in_quotes

    def fields(self) -> list[str]:
        return [*self._fields, "".join(self._field)]

    # The methods below parse what is at the position, and return the number of characters consumed.

    def _parse_quoted(self, line: str, position: int) -> int:
        character = line[position]
        if character == "\\":
            return self._parse_backslash(line, position)
        if character != '"':
            return self._append(character)
        if line[position + 1 : position + 2] == '"':
            return self._append('"') + 1
        self._in_quotes = False
        return 1

    def _parse_unquoted(self, line: str, position: int) -> int:
        character = line[position]
        if character == self._delimiter:
            self._fields.append("".join(self._field))
            self._field, self._at_field_start = [], True
            return 1
        if character == '"' and self._at_field_start:
            self._in_quotes, self._at_field_start = True, False
            return 1
        if character == "\\":
            return self._parse_backslash(line, position)
        return self._append(character) + (character == '"' and line[position + 1 : position + 2] == '"')

    def _parse_backslash(self, line: str, position: int) -> int:
        following = line[position + 1 : position + 2]
        self._at_field_start = False
        if following in self._escapable:
            self._field.append(following)
            return 2
        return 1

    def _append(self, character: str) -> int:
        self._field.append(character)
        self._at_field_start = False
        return 1
