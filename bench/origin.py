"""A web server that is not the bottleneck: `python -m bench.origin COUNT LOW HIGH` prints its address and serves.

It answers `/NUMBER.jpg` from memory, keeps connections alive, and ends when its standard input does.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bench.images import jpegs


class _Connection(asyncio.Protocol):
    def __init__(self, images: Sequence[bytes]) -> None:
        self._images = images
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].split(b"?")[0]
            image = self._images[int(path.strip(b"/").removesuffix(b".jpg")) % len(self._images)]
            self._transport.writelines(
                (b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(image), image)
            )


async def _serve(images: Sequence[bytes]) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(images), "127.0.0.1", 0, backlog=1024)
    host, port = server.sockets[0].getsockname()[:2]
    print(f"http://{host}:{port}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


@contextmanager
def origin(count: int, low: int, high: int) -> Iterator[str]:
    """The address of a server in a process of its own."""
    command = [sys.executable, "-m", "bench.origin", str(count), str(low), str(high)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


if __name__ == "__main__":
    asyncio.run(_serve(jpegs(*map(int, sys.argv[1:4]))))
