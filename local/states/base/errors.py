"""What can go wrong, in two worlds.

StatesError             an error of the language: has a name, Retry and Catch look at it
InvocationRefusedError       Lambda did not run the function: becomes a StatesError of that name
Stopped                 StopExecution, or a sibling failed: nothing catches it
TimedOut                the whole execution ran out of time: nothing catches it
InvalidDefinition       the definition is wrong
└── UnsupportedDefinition   it may be right, but this interpreter does not know that part
ApiError                what the API answers, under the service's own name
"""

from __future__ import annotations

ERROR_LENGTH = 256
CAUSE_LENGTH = 32_768


class StatesError(Exception):
    def __init__(self, name: str, cause: str = "") -> None:
        super().__init__(f"{name}: {cause}")
        self.name = name[:ERROR_LENGTH]
        self.cause = cause[:CAUSE_LENGTH]

    def output(self) -> dict[str, str]:
        """What a Catch hands to its next state."""
        return {"Error": self.name, "Cause": self.cause}


class InvocationRefusedError(Exception):
    """`name` is the error of the language, e.g. `Lambda.TooManyRequestsException`."""

    def __init__(self, name: str, message: str = "") -> None:
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message


class Stopped(Exception):
    """The execution, or this part of it, is to end now."""


class TimedOut(Exception):
    """TimeoutSeconds of the machine, or the five minutes of an Express execution."""


class InvalidDefinition(Exception):
    pass


class UnsupportedDefinition(InvalidDefinition):
    pass


class ApiError(Exception):
    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
