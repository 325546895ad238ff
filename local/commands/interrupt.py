"""Waiting to be told to end."""

import os
import signal
from typing import NoReturn


def until_interrupted() -> NoReturn:
    """Waits on the main thread for a signal whose handler raises. Raises what it raises: KeyboardInterrupt for SIGINT.

    Python runs handlers between two instructions. One that comes after the last of them and before a wait for a lock
    is kept for when the wait is over, which may be never; here it leaves a byte in a pipe that is read.
    """
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    before = signal.set_wakeup_fd(writes)
    try:
        while True:
            os.read(reads, 1)
    finally:
        signal.set_wakeup_fd(before)
        os.close(reads)
        os.close(writes)
