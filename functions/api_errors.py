"""Exceptions of the API as problem documents (RFC 9457)."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeAlias

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from functions.core.api.problems import MEDIA_TYPE, Problem, invalid_fields, not_found
from functions.core.api.requests import field_errors
from functions.core.model.errors import InfrastructureError

ApiResponse: TypeAlias = Response[Any]
"""Any, because powertools would validate the body of a response against another type."""


logger = Logger()


def problem_response(problem: Problem) -> ApiResponse:
    body = problem.document().model_dump_json(exclude_defaults=True)
    return Response(problem.status.value, MEDIA_TYPE, body)


def validation_error(error: RequestValidationError) -> ApiResponse:
    return problem_response(invalid_fields(field_errors(error.errors())))


def not_found_error(_: NotFoundError) -> ApiResponse:
    return problem_response(not_found("There is no such path."))


def service_error(error: InfrastructureError) -> ApiResponse:
    """The message of the service goes to the log only: it names resources of the account."""
    logger.error("AWS service error", error=type(error).__name__, cause=str(error))
    detail = "An AWS service is temporarily unavailable. Retry with the same Idempotency-Key."
    return problem_response(Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail))


def internal_error(_: Exception) -> ApiResponse:
    """The correlation ID of the log is the request ID of API Gateway."""
    logger.exception("Internal error")
    detail = f"Internal error. Search the API log for request ID {logger.get_correlation_id()}."
    return problem_response(Problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail))


# Callable[[Any], ...]: each handler takes its own kind of exception.
EXCEPTION_HANDLERS: Mapping[type[Exception], Callable[[Any], ApiResponse]] = {
    Problem: problem_response,
    RequestValidationError: validation_error,
    NotFoundError: not_found_error,
    InfrastructureError: service_error,
    Exception: internal_error,
}
