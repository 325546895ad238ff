"""Exceptions of the API as problem documents (RFC 9457)."""

from http import HTTPStatus
from typing import Any, TypeAlias

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from functions.core.api.problems import MEDIA_TYPE, Problem, invalid_fields, not_found
from functions.core.api.requests import field_errors
from functions.core.model.errors import InfrastructureError

ApiResponse: TypeAlias = Response[Any]
"""Any, because powertools would validate the body of a response against another type."""


def register_error_responses(app: APIGatewayRestResolver, logger: Logger) -> None:
    @app.exception_handler(Problem)
    def _problem(problem: Problem) -> ApiResponse:
        return problem_response(problem)

    @app.exception_handler(RequestValidationError)
    def _validation_error(error: RequestValidationError) -> ApiResponse:
        return problem_response(invalid_fields(field_errors(error.errors())))

    @app.exception_handler(NotFoundError)
    def _not_found_error(_: NotFoundError) -> ApiResponse:
        return problem_response(not_found("There is no such path."))

    @app.exception_handler(InfrastructureError)
    def _service_error(error: InfrastructureError) -> ApiResponse:
        """The message of the service goes to the log only: it names resources of the account."""
        logger.error("AWS service error", error=type(error).__name__, cause=str(error))
        detail = "An AWS service is temporarily unavailable. Retry with the same Idempotency-Key."
        return problem_response(Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail))

    @app.exception_handler(Exception)
    def _internal_error(_: Exception) -> ApiResponse:
        logger.exception("Internal error")
        request_id = app.current_event.request_context.request_id
        detail = f"Internal error. Search the API log for request ID {request_id}."
        return problem_response(Problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail))


def problem_response(problem: Problem) -> ApiResponse:
    body = problem.document().model_dump_json(exclude_defaults=True)
    return Response(problem.status.value, MEDIA_TYPE, body)
