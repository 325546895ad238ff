"""Error responses of the API: problem details (RFC 9457)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"


class FieldError(BaseModel):
    field: str = Field(description="Location in the request, such as `items.3.url`.", examples=["options.concurrency"])
    message: str


class ProblemDocument(BaseModel):
    """Problem details (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldError] = Field(default_factory=list, description="The fields that are invalid.")


@dataclass
class Problem(Exception):  # noqa: N818 - the term of RFC 9457
    """Ends a request with an error response. `detail` is a sentence that tells the client what to do."""

    status: HTTPStatus
    detail: str
    errors: Sequence[FieldError] = field(default_factory=list)

    def document(self) -> ProblemDocument:
        return ProblemDocument(
            title=self.status.phrase, status=self.status.value, detail=self.detail, errors=list(self.errors)
        )


def not_found(detail: str) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, detail)


def conflict(detail: str) -> Problem:
    return Problem(HTTPStatus.CONFLICT, detail)


def invalid(field: str, message: str) -> Problem:
    """One field is invalid, for a reason that the schema does not express."""
    return invalid_fields([FieldError(field=field, message=message)])


def invalid_fields(errors: Sequence[FieldError]) -> Problem:
    first = errors[0]
    more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{first.field}: {first.message}{more}", errors)
