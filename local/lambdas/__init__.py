"""Lambda environments as subprocesses: warm ones are reused, crashes, timeouts and memory limits are real."""
