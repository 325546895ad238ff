"""The errors of the API, one function each. A new error belongs here.

Codes and texts are those of the service: API "Errors" of each action, and "Common Errors".
"""

from __future__ import annotations

from http import HTTPStatus


class ApiError(Exception):
    """A response with an error. `code` is the name of the error, `status` the HTTP status."""

    def __init__(self, code: str, message: str = "", status: int = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def validation_error(message: str) -> ApiError:
    """A member of the request is missing, or has the wrong type or value."""
    return ApiError("ValidationException", message)


def unknown_operation(action: str) -> ApiError:
    return ApiError("UnknownOperationException", f"{action} is not implemented")


def service_unavailable() -> ApiError:
    return ApiError("ServiceUnavailable", "The engine is closed", HTTPStatus.SERVICE_UNAVAILABLE)


def invalid_name(name: str) -> ApiError:
    return ApiError("InvalidName", f"Invalid Name: '{name}'")


def invalid_arn(arn: str) -> ApiError:
    prefix = "" if arn.startswith("arn:") else "Invalid ARN prefix: "
    return ApiError("InvalidArn", f"Invalid Arn: '{prefix}{arn}'")


def invalid_token() -> ApiError:
    return ApiError("InvalidToken", "Invalid Token")


def invalid_definition(reason: object) -> ApiError:
    return ApiError("InvalidDefinition", f"Invalid State Machine Definition: '{reason}'")


def invalid_execution_input(reason: object) -> ApiError:
    return ApiError("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{reason}'")


def state_machine_does_not_exist(arn: str) -> ApiError:
    return ApiError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")


def state_machine_already_exists(arn: str) -> ApiError:
    return ApiError("StateMachineAlreadyExists", f"State Machine Already Exists: '{arn}'")


def state_machine_type_not_supported() -> ApiError:
    return ApiError("StateMachineTypeNotSupported", "This operation is not supported by this type of state machine")


def invalid_logging_configuration(reason: str) -> ApiError:
    return ApiError("InvalidLoggingConfiguration", f"Invalid Logging Configuration: {reason}")


def nothing_to_update() -> ApiError:
    return ApiError(
        "MissingRequiredParameter",
        "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified",
    )


def constraint_violated(name: str, value: object, constraint: str) -> ApiError:
    """A member of the request violates a constraint of the API, such as a length."""
    failed = f"Value '{value}' at '{name}' failed to satisfy constraint: Member must {constraint}"
    return validation_error(f"1 validation error detected: {failed}")


def execution_does_not_exist(arn: str) -> ApiError:
    return ApiError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")


def execution_already_exists(arn: str) -> ApiError:
    return ApiError("ExecutionAlreadyExists", f"Execution Already Exists: '{arn}'")


def resource_not_found(arn: str) -> ApiError:
    return ApiError("ResourceNotFound", f"Resource not found: '{arn}'")
