"""Generated examples are the same in every run, take the time they need on a busy machine, and leave nothing behind."""

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")
