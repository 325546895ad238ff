"""For all tests: botocore validates the requests of the functions, programs of a test can be interrupted, the garbage
collector leaves out what was imported, and the unit tests come last."""

import gc
import os
import signal
from pathlib import Path

import pytest

import tests.support.validation
from local.lambdas.function import WORKER_IMPORTS

UNIT = Path(__file__).parent / "unit"

os.environ[WORKER_IMPORTS] = tests.support.validation.__name__

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # of a background job of a script; child processes inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection() -> None:
    """Imports make a million objects that stay. The garbage collector would look at all of them many times."""
    gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The unit tests come last: their files are short, so that all workers of `make test` end at the same time."""
    items.sort(key=lambda item: UNIT in item.path.parents)


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()
