"""A function, asked and answering: what the engine is given to do it with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Invocation:
    """What a function answered: `error` is None, or Lambda's FunctionError, and then the payload is
    `{"errorType", "errorMessage", …}`."""

    payload: Any
    error: str | None = None


Invoke = Callable[[str, Any], Invocation]
"""By name or ARN, with its payload. Raises InvocationRefusedError."""
