"""States and parts of states that both state machines have."""

from typing import Any

# A state's fields depend on its type, and it is read by Step Functions only: Amazon States Language has no types here.
State = dict[str, Any]


def invoke(function: str, payload: State, partition: str) -> State:
    return {
        "Type": "Task",
        "Resource": integration(partition, "lambda:invoke"),
        "Parameters": {"FunctionName": function, "Payload": payload},
        "OutputPath": "$.Payload",
    }


def integration(partition: str, name: str) -> str:
    """The ARN of a service integration. With that of another partition the stack deploys and no execution can run."""
    return f"arn:{partition}:states:::{name}"


def retry_lambda_errors(*, seconds: int, attempts: int, max_delay: int, jitter: str = "FULL") -> State:
    """Retry when Lambda throttles or fails itself. Full jitter, because many requests are throttled at once."""
    return {
        "ErrorEquals": [
            "Lambda.TooManyRequestsException",
            "Lambda.ServiceException",
            "Lambda.AWSLambdaException",
            "Lambda.SdkClientException",
        ],
        "IntervalSeconds": seconds,
        "MaxAttempts": attempts,
        "BackoffRate": 2,
        "MaxDelaySeconds": max_delay,
        "JitterStrategy": jitter,
    }


def retry_all(*, seconds: int) -> State:
    """Retry a crash, a timeout (Sandbox.Timedout) or an InfrastructureError of the function twice."""
    return {"ErrorEquals": ["States.ALL"], "IntervalSeconds": seconds, "MaxAttempts": 2, "BackoffRate": 1}


def when_equal(variable: str, value: str, next_state: str) -> State:
    return {"Variable": variable, "StringEquals": value, "Next": next_state}
