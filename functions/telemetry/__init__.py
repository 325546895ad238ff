"""Metrics, traces and log lines of the functions. `core` does not depend on it."""
