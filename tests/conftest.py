"""For all tests: programs that a test starts can be interrupted."""

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # of a background job of a script; child processes inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)
