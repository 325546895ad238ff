"""The error of a command that was used wrongly."""


class UsageError(Exception):
    """Wrong usage of a command. The message says what is wrong, where, and how to fix it; the exit status is 2."""
