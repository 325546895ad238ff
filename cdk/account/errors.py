"""The error of the commands for an account."""


class AccountError(Exception):
    """A command cannot do its work, and has changed nothing unless the message says so."""
