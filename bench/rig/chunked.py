"""Chunked bodies: HTTP's chunked transfer coding (RFC 9112, section 7.1), and S3's `aws-chunked` content encoding.

Both have the same form. The trailer of the latter contains the checksum. boto3 sends objects like this over TLS.
"""


def decode_chunked(data: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Return the content, the trailer and the data after the body, or None while the body is incomplete."""
    content, position = [], 0
    while True:
        line_end = data.find(b"\r\n", position)
        if line_end < 0:
            return None
        size, start = int(data[position:line_end].partition(b";")[0], 16), line_end + 2
        if not size:
            break
        content.append(data[start : start + size])
        position = start + size + 2
    if data.startswith(b"\r\n", start):
        return b"".join(content), b"", data[start + 2 :]
    trailer, end, rest = data[start:].partition(b"\r\n\r\n")
    return (b"".join(content), trailer, rest) if end else None
