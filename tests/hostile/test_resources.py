"""Limits of memory, disk and threads with hostile servers."""

import errno
import gzip
import json
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from typing import IO, Any

import pytest

from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.web import response
from functions.core.web.resolver import Resolver
from tests.hostile.conftest import Serve
from tests.hostile.engine import Engine
from tests.hostile.faults import GOOD
from tests.support import images
from tests.support.servers import answer, flooding, head

MEBIBYTE = 1024 * 1024
JPEG = images.jpeg()


def probe(*urls: str) -> dict[str, Any]:
    """Mirror in another process, because this one runs the servers."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile.memory_probe", *urls],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return dict(json.loads(done.stdout))


def test_endless_bodies_and_gzip_bombs_all_at_once_leave_memory_flat(serve: Serve) -> None:
    bomb = gzip.compress(JPEG + bytes(64 * MEBIBYTE), 9)
    server = serve(
        {
            **{f"/good{n}.jpg": GOOD for n in range(64)},
            **{f"/endless{n}.jpg": flooding(head() + JPEG, bytes(64 * 1024)) for n in range(32)},
            **{f"/bomb{n}.jpg": answer(headers={"Content-Encoding": "gzip"}, body=bomb) for n in range(32)},
        }
    )
    good = probe(*(server.url(path) for path in server.routes if "good" in path))
    hostile = probe(*(server.url(path) for path in server.routes if "good" not in path))
    assert good["reasons"] == {}
    assert hostile["reasons"] == {"too_large": 64}
    assert hostile["peak"] - good["peak"] < 64 * MEBIBYTE


def test_a_full_disk_defers_a_row_until_there_is_space(
    serve: Serve, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FullOnce(tempfile.SpooledTemporaryFile):  # type: ignore[type-arg]
        full: Iterator[bool] = iter([True])

        def write(self, data: bytes) -> int:
            if next(self.full, False):
                raise OSError(errno.ENOSPC, "No space left on device")
            return int(super().write(data))

    monkeypatch.setattr(response.tempfile, "SpooledTemporaryFile", FullOnce)
    server = serve({"/a.jpg": GOOD})
    result = engine.mirror(server.url("/a.jpg"))
    assert result.stored == [1]
    assert server.hits["/a.jpg"] == 2


@pytest.fixture
def never() -> Iterator[threading.Event]:
    """An event for lookups that hang; it is set when the test is over."""
    event = threading.Event()
    yield event
    event.set()


def test_a_lookup_that_hangs_fails_its_row_in_time(
    serve: Serve, make_engine: Callable[..., Engine], never: threading.Event
) -> None:
    def look_up(name: str) -> tuple[str, ...]:
        if name.startswith("hanging"):
            never.wait(30)
        return ("127.0.0.1",)

    server = serve({f"/{n}.jpg": GOOD for n in range(8)})
    rows = [f"http://hanging{n}.test/" for n in range(40)] + [server.url(f"/{n}.jpg", "good.test") for n in range(8)]
    result = make_engine(look_up=look_up).mirror(*rows, timeout=0.5, rounds=1, concurrency=64)
    assert {line["reason"] for line in result.failures} == {"dns"}
    assert result.stored == list(range(41, 49))
    assert result.seconds[0] < 1
    never.set()


def test_hanging_lookups_delay_neither_other_names_nor_the_end_of_the_process() -> None:
    script = """
        import threading
        from functions.core.model.errors import RowError
        from functions.core.web.resolver import Resolver
        def look_up(name):
            return ("127.0.0.1",) if name == "good" else threading.Event().wait()
        resolver = Resolver(look_up)
        for n in range(50):
            try:
                resolver.addresses(f"hanging{n}", 0.001)
            except RowError as error:
                assert error.reason == "dns"
        print(resolver.addresses("good", 5.0))
    """
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (0, "('127.0.0.1',)\n"), done.stderr
    assert time.monotonic() - started < 10


def test_a_name_is_looked_up_once_for_many_requests_and_again_after_a_failure() -> None:
    lookups: list[str] = []

    def look_up(name: str) -> tuple[str, ...]:
        lookups.append(name)
        if len(lookups) == 1:
            raise OSError("try again")
        return ("192.0.2.1",)

    resolver = Resolver(look_up)
    with pytest.raises(RowError) as raised:
        resolver.addresses("a.test", 5)
    assert raised.value.reason is Reason.DNS
    assert {resolver.addresses("a.test", 5) for _ in range(9)} == {("192.0.2.1",)}
    assert len(lookups) == 2


def test_a_body_above_the_memory_limit_is_kept_on_disk_and_read_completely(serve: Serve, engine: Engine) -> None:
    image = images.bmp(1000, 800)
    assert len(image) > 2 * response.IN_MEMORY_BYTES
    checks: list[bool] = []

    class Store:
        def put(self, upload: Any, if_match: object) -> str:
            file: IO[bytes] = upload.file
            checks.append(getattr(file, "_rolled", False) and file.read() == image)
            return '"0"'

        def head(self, key: str) -> None:
            """There is no object."""

    engine.store = Store()
    server = serve({"/a.bmp": answer(body=image)})
    assert engine.mirror(server.url("/a.bmp")).stored == [1]
    assert checks == [True]
