"""What the API refuses, as problem documents (RFC 9457)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"


class FieldError(BaseModel):
    field: str = Field(description="where in the request, such as `items.3.url`", examples=["options.concurrency"])
    message: str


class ProblemDocument(BaseModel):
    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldError] = Field(default_factory=list, description="the fields that are wrong")


@dataclass
class Problem(Exception):
    """Ends a request. `detail` is a sentence that its author can act on."""

    status: HTTPStatus
    detail: str
    errors: Sequence[FieldError] = field(default_factory=list)

    def document(self) -> ProblemDocument:
        return ProblemDocument(
            title=self.status.phrase, status=self.status.value, detail=self.detail, errors=list(self.errors)
        )


def not_found(what: str) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, what)


def conflict(why: str) -> Problem:
    return Problem(HTTPStatus.CONFLICT, why)


def invalid(field: str, message: str) -> Problem:
    """One field is wrong, for a reason that no schema can tell."""
    return invalid_fields([FieldError(field=field, message=message)])


def invalid_fields(faults: Sequence[FieldError]) -> Problem:
    first = faults[0]
    more = f" ({len(faults) - 1} more)" if len(faults) > 1 else ""
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{first.field}: {first.message}{more}", faults)
