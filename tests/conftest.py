"""For all tests: botocore validates the requests of the functions, programs of a test can be interrupted, and the
garbage collector leaves out what was imported."""

import gc
import os
import signal

import tests.support.validation
from local.lambdas.function import WORKER_IMPORTS

os.environ[WORKER_IMPORTS] = tests.support.validation.__name__

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # of a background job of a script; child processes inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection() -> None:
    """Imports make a million objects that stay. The garbage collector would look at all of them many times."""
    gc.disable()


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()
