"""Measurements of many batches and runs that share hosts: `make bench-fleet`."""
