"""Chromium without a window, driven by the DevTools protocol over a pair of pipes: no driver, no library.

https://chromedevtools.github.io/devtools-protocol/
"""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome")
SECONDS = 600
"""For an installation from Debian's mirror."""

_FLAGS = (
    "--headless",
    "--no-sandbox",  # it refuses to start as root with one; it opens nothing but our own pages
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
# Chromium reads its commands from descriptor 3 and answers on 4; both may be in use here for something else.
_START = """
import fcntl, os, sys
for wanted, given in [(n, fcntl.fcntl(int(arg), fcntl.F_DUPFD, 10)) for n, arg in ((3, sys.argv[1]), (4, sys.argv[2]))]:
    os.dup2(given, wanted)
os.execvp(sys.argv[3], sys.argv[3:])
"""


class NoBrowser(Exception):
    """There is none, and none can be installed; the text says why."""


def program() -> str:
    """The browser's path; on a Debian where we are root it is installed. Raises NoBrowser."""
    if found := _found():
        return found
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise NoBrowser("there is no Chromium, and only root on a system with apt-get can install one: do it by hand")
    for command in (["apt-get", "update"], ["apt-get", "install", "--yes", "--no-install-recommends", "chromium"]):
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)
        if done.returncode and command[1] == "install":
            raise NoBrowser(f"apt-get could not install Chromium: {done.stderr.strip()[-300:]}")
    if found := _found():
        return found
    raise NoBrowser("apt-get has installed Chromium, but it is not on the PATH")


def _found() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Protocol:
    """Commands and their answers, one at a time; events are kept as they come."""

    def __init__(self, commands: IO[bytes], answers: IO[bytes]) -> None:
        self._commands = commands
        self._answers = answers
        self._number = 0
        self._rest = b""
        self.events: list[dict[str, Any]] = []

    def __call__(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """The result. Raises RuntimeError where the browser refuses or has gone."""
        self._number += 1
        asked = {"id": self._number, "method": method, "params": parameters}
        self._commands.write(json.dumps(asked | ({"sessionId": session} if session else {})).encode() + b"\0")
        self._commands.flush()
        while True:
            told = self._next()
            if told.get("id") != self._number:
                self.events.append(told)
            elif "error" in told:
                raise RuntimeError(f"{method}: {told['error']['message']}")
            else:
                result: dict[str, Any] = told["result"]
                return result

    def until(self, method: str) -> None:
        """Returns once the event has come."""
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self._next())

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            piece = self._answers.read1()
            if not piece:
                raise RuntimeError("the browser has gone")
            self._rest += piece
        message, _, self._rest = self._rest.partition(b"\0")
        told: dict[str, Any] = json.loads(message)
        return told


class Page:
    """A page in a window of its own: what it asked for, what it complained of, what it looks like."""

    def __init__(self, protocol: Protocol, url: str, *, width: int, dark: bool = False, medium: str = "screen") -> None:
        self._protocol = protocol
        protocol.events.clear()
        self._target = protocol("Target.createTarget", url="about:blank")["targetId"]
        self._session = protocol("Target.attachToTarget", targetId=self._target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._do(f"{domain}.enable")
        self._do("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._do("Emulation.setEmulatedMedia", media=medium, features=[scheme])
        self._do("Page.navigate", url=url)
        protocol.until("Page.loadEventFired")

    @property
    def requests(self) -> list[str]:
        """Every URL that was asked for, the page's own included; `data:` holds its own answer."""
        urls = [event["request"]["url"] for event in self._told("Network.requestWillBeSent")]
        return [url for url in urls if not url.startswith("data:")]

    @property
    def complaints(self) -> list[str]:
        """What the console shows: errors, warnings, breaches of the policy, and whatever a script says."""
        logged = [event["entry"]["text"] for event in self._told("Log.entryAdded")]
        thrown = [event["exceptionDetails"]["text"] for event in self._told("Runtime.exceptionThrown")]
        said = [json.dumps(event["args"]) for event in self._told("Runtime.consoleAPICalled")]
        dialogs = [event["message"] for event in self._told("Page.javascriptDialogOpening")]
        return logged + thrown + said + dialogs

    def value(self, expression: str) -> Any:
        """What the JavaScript expression is, in this page."""
        answer = self._do("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def screenshot(self, path: Path) -> None:
        """All of the page, not only what a window shows."""
        path.parent.mkdir(parents=True, exist_ok=True)
        shot = self._do("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def pdf(self, path: Path) -> None:
        """As printed, on A4."""
        printed = self._do("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, printBackground=False)
        path.write_bytes(base64.b64decode(printed["data"]))

    def _told(self, method: str) -> list[Mapping[str, Any]]:
        self.value("0")  # what the page has caused by now is told before the answer to this
        return [event["params"] for event in self._protocol.events if event.get("method") == method]

    def _do(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._protocol(method, self._session, **parameters)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._protocol("Target.closeTarget", targetId=self._target)


class Browser:
    """A browser with a profile of its own, which is gone afterwards."""

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol

    def open(self, url: str, *, width: int = 1280, dark: bool = False, medium: str = "screen") -> Page:
        return Page(self._protocol, url, width=width, dark=dark, medium=medium)


@contextmanager
def browser() -> Iterator[Browser]:
    """Raises NoBrowser."""
    path = program()
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [sys.executable, "-c", _START, str(theirs_in), str(theirs_out), path, *_FLAGS]
        process = subprocess.Popen(
            [*command, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        with process, open(ours_out, "wb") as commands, open(ours_in, "rb") as answers:
            protocol = Protocol(commands, answers)
            yield Browser(protocol)
            protocol("Browser.close")
