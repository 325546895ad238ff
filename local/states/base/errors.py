"""Exceptions of the interpreter, and the error names that the language reserves.

StatesError                 an error of the Amazon States Language: Retry and Catch compare its name
└── ReportedError           one that a Fail state, a task or a branch reported, not the evaluation of the state itself
    └── NestedError         one of a branch, an iteration or a Map Run
InvocationRefusedError      Lambda did not run the function; a Task turns it into a StatesError of the same name
StoppedError                StopExecution was called, or a concurrent branch failed; cannot be caught
TimedOutError               the execution exceeded its total time; cannot be caught
InvalidDefinitionError      the definition violates the language
└── UnsupportedDefinitionError  the definition may be valid, but uses a part that this interpreter lacks

The errors of the API (ApiError) are in `service/errors.py`.
"""

from __future__ import annotations

from typing import Final

from local.states.base import quotas

# Reserved names, with the meanings of the Developer Guide, "Handling errors in Step Functions workflows".

ALL: Final = "States.ALL"
"""Wildcard of Retry and Catch: any error except RUNTIME."""

TASK_FAILED: Final = "States.TaskFailed"
"""Wildcard of Retry and Catch: any error that ALL matches, except TIMEOUT."""

TIMEOUT: Final = "States.Timeout"
"""A Task exceeded TimeoutSeconds, or the execution exceeded its total time."""

PERMISSIONS: Final = "States.Permissions"
"""The role of the state machine may not do this."""

RUNTIME: Final = "States.Runtime"
"""A path matches nothing, or a value has the wrong type. Cannot be retried or caught."""

DATA_LIMIT_EXCEEDED: Final = "States.DataLimitExceeded"
"""A payload exceeds the quota of 256 KiB. ALL matches it, although the Developer Guide denies that; an output of a
state that is too large cannot be caught."""

RESULT_PATH_MATCH_FAILURE: Final = "States.ResultPathMatchFailure"
"""ResultPath cannot be applied to the input of the state."""

INTRINSIC_FAILURE: Final = "States.IntrinsicFailure"
"""An intrinsic function cannot process its arguments."""

NO_CHOICE_MATCHED: Final = "States.NoChoiceMatched"
"""No rule of a Choice matches, and the state has no Default."""

EXCEED_TOLERATED_FAILURE_THRESHOLD: Final = "States.ExceedToleratedFailureThreshold"
"""More items of a Map failed than its tolerated failure threshold allows."""

ITEM_READER_FAILED: Final = "States.ItemReaderFailed"
"""The ItemReader cannot read its source."""

RESULT_WRITER_FAILED: Final = "States.ResultWriterFailed"
"""The ResultWriter cannot write to its destination."""


class StatesError(Exception):
    """An error of the language. `name` and `cause` are truncated to the lengths that the API allows."""

    def __init__(self, name: str, cause: str = "") -> None:
        super().__init__(f"{name}: {cause}")
        self.name = name[: quotas.MAX_ERROR_LENGTH]
        self.cause = cause[: quotas.MAX_CAUSE_LENGTH]

    def output(self) -> dict[str, str]:
        """The error output that a Catch passes to its next state: `{"Error": ..., "Cause": ...}`."""
        return {"Error": self.name, "Cause": self.cause}

    def details(self) -> dict[str, str]:
        """The error in an event of the history, which omits what is empty."""
        return {name: text for name, text in (("error", self.name), ("cause", self.cause)) if text}


class ReportedError(StatesError):
    """An error that something below the state reported: a Fail state, a function, a branch."""


class NestedError(ReportedError):
    """The error of a branch, an iteration or a Map Run, which failed its Parallel or Map."""


class InvocationRefusedError(Exception):
    """Lambda did not run the function. `name` is the error name, such as `Lambda.TooManyRequestsException`."""

    def __init__(self, name: str, message: str = "") -> None:
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message


class StoppedError(Exception):
    """The execution, or this branch of it, was stopped."""


class TimedOutError(Exception):
    """The execution exceeded TimeoutSeconds of its state machine, or the five minutes of an Express execution."""


class InvalidDefinitionError(Exception):
    """The definition violates the language. The API answers with `InvalidDefinition`."""


class UnsupportedDefinitionError(InvalidDefinitionError):
    """The definition uses a part of the language that this interpreter does not implement."""
