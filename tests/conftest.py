"""For all tests: botocore validates the requests of the functions and parses each of its files once, programs of a test
can be interrupted, the garbage collector leaves out what was imported, and the unit tests come last."""

import gc
import os
import signal
import time
from functools import cache
from pathlib import Path

import pytest
from botocore.loaders import JSONFileLoader

import tests.support.validation
from local.lambdas.function import WORKER_IMPORTS
from tests.support import pictures

UNIT = Path(__file__).parent / "unit"
STARTED = time.time()

os.environ[WORKER_IMPORTS] = tests.support.validation.__name__

# Each session would parse the descriptions of its services again, which takes a tenth of a second for S3.
_parsed = cache(JSONFileLoader().load_file)
JSONFileLoader.load_file = lambda _, path: _parsed(path)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # of a background job of a script; child processes inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection() -> None:
    """Imports make a million objects that stay. The garbage collector would look at all of them many times."""
    gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The unit tests come last: their files are short, so that all workers of `make test` end at the same time."""
    items.sort(key=lambda item: UNIT in item.path.parents)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names the folder of the pictures that this session has written."""
    written = [path for path in pictures.FOLDER.glob("*") if path.stat().st_mtime > STARTED]
    if written:
        terminalreporter.write_line(f"{len(written)} pictures of pages in {pictures.FOLDER}")


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()
