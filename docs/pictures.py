"""The pictures of the README, made from the demo: `python -m docs.pictures` runs it and needs Chromium.

It writes docs/demo.svg, the output in a terminal, and docs/report.webp, the beginning of the page of the run.
"""

import io
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).parent.parent
TERMINAL = Path(__file__).with_name("demo.svg")
PAGE = Path(__file__).with_name("report.webp")

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WIDTH, HEIGHT = 1200, 1180
COLUMNS = 110
FONT = re.compile(r"@font-face \{[^}]*\}\s*")
"""Fonts of another host. A reader has a monospace font."""

STATE = "Succeeded with failures."
"""Beginning of the first line of the result, which a terminal shows in bold yellow."""


def main() -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"None of {', '.join(BROWSERS)} is installed.")
    with TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        output = _run_demo(out)
        page = next(line.split()[1] for line in output.splitlines() if line.startswith("Report:"))
        _draw_page(browser, Path(page))
        text = output[output.index(STATE) :].replace(str(out), "out")
    _draw_terminal(f"$ make run\n{text}")


def _run_demo(out: Path) -> str:
    command = ["./image-mirror", "run", "--out", str(out)]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def _draw_page(browser: str, page: Path) -> None:
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=4000")
    screenshot = (f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={PAGE}")
    subprocess.run([browser, *options, *screenshot, page.as_uri()], check=True, capture_output=True)


def _draw_terminal(text: str) -> None:
    console = Console(file=io.StringIO(), record=True, width=COLUMNS, highlight=False)
    for line in text.splitlines():
        style = "bold yellow" if line.startswith(STATE) else ""
        console.print(Text(line.rstrip(), style, overflow="ellipsis", no_wrap=True))
    picture = console.export_svg(title="Image Mirror", theme=MONOKAI)
    TERMINAL.write_text(FONT.sub("", picture), encoding="utf-8")


if __name__ == "__main__":
    main()
