"""Reproducible measurements. A speed is always a ratio to another program that is measured beside it."""
