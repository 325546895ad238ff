"""Waiting for an interrupt."""

import subprocess
import sys

PROGRAM = """
import random, signal, sys, threading, time
from local.startup import wait_for_interrupt


def busy():
    while True:
        sum(range(2000))
        time.sleep(0)  # releases the interpreter lock, which is where a signal arrives too early


random.seed(1)
sys.setswitchinterval(1e-5)
signal.signal(signal.SIGALRM, signal.default_int_handler)
for _ in range(3):
    threading.Thread(target=busy, daemon=True).start()
for _ in range(300):
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 1e-3))
        wait_for_interrupt()
    except KeyboardInterrupt:
        pass
print("interrupted every time")
"""


def test_a_signal_ends_the_wait_even_if_it_arrives_just_before_it() -> None:
    """A wait for `threading.Event` misses some of the 300 signals, and then never ends."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "interrupted every time\n"), done.stderr
