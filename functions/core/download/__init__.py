"""Downloading a batch: one row to one outcome, many rows at a time, one round after another."""
