"""Measurements that anyone can start again: a speed here is a ratio to something run beside it."""
