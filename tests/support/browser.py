"""Headless Chromium, controlled by the DevTools protocol over a pair of pipes, without a driver or a library.

https://chromedevtools.github.io/devtools-protocol/
"""

import base64
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Self

from tests.support.debian import program

NAMES = ("chromium", "chromium-browser", "google-chrome")

KEYS = {"Tab": (9, ""), "Enter": (13, "\r"), "Space": (32, " "), "ArrowDown": (40, ""), "Escape": (27, "")}
"""Names of keys → their codes, and the text that they send."""

_ELEMENT = "document.querySelector(%s).getBoundingClientRect()"
MAX_TABS = 120
WAIT_SECONDS = 120
"""Only a failing test waits that long."""

_FLAGS = (
    "--headless",
    "--no-sandbox",  # Chromium does not start as root with a sandbox; it opens only pages of the tests
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
# Chromium reads commands from descriptor 3 and responds on descriptor 4; both may be in use in this process.
_START = """
import fcntl, os, sys
for wanted, given in [(n, fcntl.fcntl(int(arg), fcntl.F_DUPFD, 10)) for n, arg in ((3, sys.argv[1]), (4, sys.argv[2]))]:
    os.dup2(given, wanted)
os.execvp(sys.argv[3], sys.argv[3:])
"""


class Protocol:
    """Sends commands, one at a time, and keeps the events that arrive."""

    def __init__(self, commands: IO[bytes], answers: IO[bytes]) -> None:
        self._commands = commands
        self._answers = answers
        self._number = 0
        self._rest = b""
        self.events: list[dict[str, Any]] = []

    def __call__(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """The result of a command. Raises RuntimeError if it fails or the browser has exited."""
        self._number += 1
        command = {"id": self._number, "method": method, "params": parameters}
        self._commands.write(json.dumps(command | ({"sessionId": session} if session else {})).encode() + b"\0")
        self._commands.flush()
        while True:
            message = self._next()
            if message.get("id") != self._number:
                self.events.append(message)
            elif "error" in message:
                raise RuntimeError(f"{method}: {message['error']['message']}")
            else:
                result: dict[str, Any] = message["result"]
                return result

    def until(self, method: str) -> None:
        """Waits for an event."""
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self._next())

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            piece = self._answers.read1()
            if not piece:
                raise RuntimeError("the browser has exited")
            self._rest += piece
        text, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message


class Page:
    """A page in a window of its own: its requests, its console messages, its screenshot."""

    def __init__(self, protocol: Protocol, url: str, *, width: int, dark: bool = False, medium: str = "screen") -> None:
        self._protocol = protocol
        protocol.events.clear()
        self._target = protocol("Target.createTarget", url="about:blank")["targetId"]
        self._session = protocol("Target.attachToTarget", targetId=self._target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._do(f"{domain}.enable")
        self.look(width=width, dark=dark, medium=medium)
        self._do("Page.navigate", url=url)
        protocol.until("Page.loadEventFired")

    def look(self, *, width: int, dark: bool = False, medium: str = "screen") -> None:
        """Changes the window, the colour scheme and the medium, also of a page that is open."""
        self._do("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._do("Emulation.setEmulatedMedia", media=medium, features=[scheme])

    @property
    def requests(self) -> list[str]:
        """All requested URLs, that of the page included, without `data:` URLs."""
        urls = [event["request"]["url"] for event in self._events("Network.requestWillBeSent")]
        return [url for url in urls if not url.startswith("data:")]

    @property
    def statuses(self) -> list[tuple[str, int]]:
        """URLs and status codes of all responses, also of those that the page cannot read."""
        answers = [event["response"] for event in self._events("Network.responseReceived")]
        return [(answer["url"], answer["status"]) for answer in answers]

    @property
    def complaints(self) -> list[str]:
        """The messages of the console: errors, warnings, policy violations and script output."""
        logged = [event["entry"]["text"] for event in self._events("Log.entryAdded")]
        thrown = [event["exceptionDetails"]["text"] for event in self._events("Runtime.exceptionThrown")]
        printed = [json.dumps(event["args"]) for event in self._events("Runtime.consoleAPICalled")]
        dialogs = [event["message"] for event in self._events("Page.javascriptDialogOpening")]
        return logged + thrown + printed + dialogs

    def value(self, expression: str) -> Any:
        """The value of a JavaScript expression in this page."""
        answer = self._do("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def screenshot(self, path: Path) -> None:
        """The whole page, also what lies outside the window."""
        path.parent.mkdir(parents=True, exist_ok=True)
        shot = self._do("Page.captureScreenshot", captureBeyondViewport=True, optimizeForSpeed=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def wait_for(self, expression: str) -> None:
        """Returns when a JavaScript expression is true, also after a new document has been loaded."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(RuntimeError, AssertionError):  # the document has just been replaced
                if self.value(f"Boolean({expression})"):
                    return
            time.sleep(0.05)
        raise TimeoutError(f"never true: {expression}\n{self.value('document.body.innerText')}")

    def press(self, *keys: str) -> None:
        """Presses keys: names such as `Tab` and `Enter`, or text, which is typed into the focused element."""
        for key in keys:
            if key not in KEYS:
                self._do("Input.insertText", text=key)
                continue
            code, text = KEYS[key]
            names = {"key": " " if key == "Space" else key, "code": key, "windowsVirtualKeyCode": code}
            self._do("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **names)
            self._do("Input.dispatchKeyEvent", type="keyUp", **names)

    def tab_to(self, selector: str) -> None:
        """Presses Tab until the element has the focus. Raises AssertionError if it never has, or has no outline."""
        for _ in range(MAX_TABS):
            if self.value(f"document.activeElement?.matches({json.dumps(selector)}) ?? false"):
                assert self.value("getComputedStyle(document.activeElement).outlineStyle") != "none", selector
                return
            self.press("Tab")
        raise AssertionError(f"Tab does not reach {selector}")

    def choose_file(self, path: Path) -> None:
        """Opens the dialog of the focused file input with the keyboard, and chooses a file in it."""
        self._do("Page.setInterceptFileChooserDialog", enabled=True)
        self.press("Space")
        self._protocol.until("Page.fileChooserOpened")
        opened = self._events("Page.fileChooserOpened")[-1]
        self._do("DOM.setFileInputFiles", files=[str(path)], backendNodeId=opened["backendNodeId"])

    def drop_file(self, selector: str, path: Path) -> None:
        """Drags a file of this machine over an element, and drops it."""
        middle = f"(box => [box.x + box.width / 2, box.y + box.height / 2])({_ELEMENT % json.dumps(selector)})"
        x, y = self.value(middle)
        data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
        for step in ("dragEnter", "dragOver", "drop"):
            self._do("Input.dispatchDragEvent", type=step, x=x, y=y, data=data)

    def pdf(self, path: Path) -> None:
        """The page as printed on A4."""
        path.parent.mkdir(parents=True, exist_ok=True)
        printed = self._do("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, printBackground=False)
        path.write_bytes(base64.b64decode(printed["data"]))

    def _events(self, method: str) -> list[Mapping[str, Any]]:
        self.value("0")  # events that occurred before are sent before the response to this
        return [event["params"] for event in self._protocol.events if event.get("method") == method]

    def _do(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._protocol(method, self._session, **parameters)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._protocol("Target.closeTarget", targetId=self._target)


class Browser:
    """A browser with a temporary profile."""

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol

    def open(self, url: str, *, width: int = 1280, dark: bool = False, medium: str = "screen") -> Page:
        return Page(self._protocol, url, width=width, dark=dark, medium=medium)


@contextmanager
def browser() -> Iterator[Browser]:
    """Raises NoBrowserError."""
    path = program(*NAMES)
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
