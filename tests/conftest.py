"""For all tests: botocore validates the requests of the functions, and programs of a test can be interrupted."""

import os
import signal

import tests.support.validation
from local.lambdas.function import WORKER_IMPORTS

os.environ[WORKER_IMPORTS] = tests.support.validation.__name__

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # of a background job of a script; child processes inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)
