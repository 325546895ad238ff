"""Bodies in chunks: HTTP's own (RFC 9112, section 7.1), and S3's of the same shape within them, whose trailer has the
checksum. boto3 sends objects so where it speaks TLS."""


def chunked(data: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Content, trailer, and what comes after the body; None as long as its end has not come."""
    content, position = [], 0
    while True:
        line_ends = data.find(b"\r\n", position)
        if line_ends < 0:
            return None
        size, begins = int(data[position:line_ends].partition(b";")[0], 16), line_ends + 2
        if not size:
            break
        content.append(data[begins : begins + size])
        position = begins + size + 2
    if data.startswith(b"\r\n", begins):
        return b"".join(content), b"", data[begins + 2 :]
    trailer, end, rest = data[begins:].partition(b"\r\n\r\n")
    return (b"".join(content), trailer, rest) if end else None
