"""Runs Lambda functions in sandboxes: subprocesses that are reused, with real crashes, timeouts and memory limits."""
