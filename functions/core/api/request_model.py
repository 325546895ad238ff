"""The base of the request models: strict JSON types, no unknown fields, and errors in plain sentences."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from functions.core.model.validation import FieldNames

EXPLAINED = "explained"
"""Error type of an error whose message is a sentence already."""

MAX_FIELD_ERRORS = 20
"""Maximum number of invalid fields in one response."""


class RequestModel(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    accepted_values: ClassVar[Mapping[str, str]] = {}
    """What a field accepts, by its JSON name, where the JSON schema does not say it all."""

    field_names: ClassVar[FieldNames]

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:  # Any: the signature of pydantic
        cls.field_names = FieldNames("field", cls, accepted=cls.accepted_values)

    @model_validator(mode="wrap")
    @classmethod
    def _explain_errors(cls, value: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Only the model itself knows the names of its fields and the values that they accept."""
        try:
            return handler(value)
        except ValidationError as error:
            first = error.errors(include_url=False)[:MAX_FIELD_ERRORS]
            raise ValidationError.from_exception_data(cls.__name__, [cls._explained(each) for each in first]) from None

    @classmethod
    def _explained(cls, error: ErrorDetails) -> InitErrorDetails:
        sentence = error["msg"] if error["type"] == EXPLAINED else cls.field_names.explain_value(error)
        kind = PydanticCustomError(EXPLAINED, "{sentence}", {"sentence": sentence})
        return InitErrorDetails(type=kind, loc=error["loc"], input=error["input"])
