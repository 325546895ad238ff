"""The sentences about invalid values, word by word."""

from dataclasses import dataclass
from typing import Any

import pytest

from functions.core.model.types import JsonObject
from functions.core.model.validation import FieldNames, describe_schema, join_choices, show_value


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer"}, "a whole number"),
        ({"type": "integer", "minimum": 0, "maximum": 0}, "a whole number from 0 to 0"),
        ({"type": "integer", "minimum": 1, "maximum": 1000}, "a whole number from 1 to 1,000"),
        ({"type": "number", "minimum": 0.5}, "a number of 0.5 or more"),
        ({"type": "number", "maximum": 60}, "a number of up to 60"),
        ({"type": "string"}, "text"),
        ({"type": "string", "maxLength": 2048}, "text of up to 2,048 characters"),
        ({"type": "string", "minLength": 1}, "text of 1 or more characters"),
        ({"type": "string", "minLength": 1, "maxLength": 9}, "text of 1 to 9 characters"),
        ({"type": "array"}, "a list"),
        ({"type": "array", "minItems": 1}, "a list of 1 or more items"),
        ({"type": "array", "minItems": 1, "maxItems": 3}, "a list of 1 to 3 items"),
        ({"type": "boolean"}, "true or false"),
        ({"type": "object"}, "a JSON object"),
        ({}, "a JSON object"),
        ({"enum": ["a", "b", 3]}, "one of a, b or 3"),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, "a whole number"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text"),
        ({"anyOf": [{"enum": ["a", "b"]}]}, "one of a or b"),
    ],
)
def test_a_schema_is_described_in_words(schema: JsonObject, words: str) -> None:
    assert describe_schema(schema) == words


@pytest.mark.parametrize(("choices", "words"), [("a", "a"), ("ab", "a or b"), ("abc", "a, b or c")])
def test_the_last_choice_follows_an_or(choices: str, words: str) -> None:
    assert join_choices(choices) == words


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("x", "'x'"),
        ("x" * 60, f"'{'x' * 60}'"),
        ("x" * 61, f"'{'x' * 60}\u2026'"),
        (None, "null"),
        (1.5, "1.5"),
        (["a"], '["a"]'),
        ({"a": True}, '{"a": true}'),
        ([1] * 20, f"[{', '.join('1' * 20)}]"),  # 60 characters
        ([1] * 21, f"[{'1, ' * 19}1,\u2026"),
        (b"x", "\"b'x'\""),
    ],
)
def test_a_value_is_shown_with_at_most_sixty_characters(value: object, shown: str) -> None:
    assert show_value(value) == shown


def test_a_value_that_is_nested_too_deeply_or_too_long_is_shown_by_its_type() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]

    assert show_value(value) == "a value of type list"
    assert show_value(10**5000) == "a value of type int"


@dataclass
class Model:
    size: int = 0
    tags: tuple[str, ...] = ()


LONG_TEXT = "text of up to 256 characters"
SIZES = FieldNames("field", Model, place=" of the model")


def error(kind: str, value: object, *place: str | int, **context: object) -> Any:
    return {"type": kind, "loc": place or ("size",), "msg": "", "input": value, "ctx": context}


@pytest.mark.parametrize(
    ("details", "sentence"),
    [
        (error("int_parsing", "x"), "Must be a whole number; received 'x'."),
        (error("missing", {}), "Must be present."),
        (
            error("string_too_long", "x" * 1000, "name", max_length=256),
            f"Must be {LONG_TEXT}; received 1,000 characters.",
        ),
        (error("string_too_short", "", "name", min_length=1), "Must be text of 1 or more characters; received ''."),
        (
            error("too_long", [1] * 1001, "name", max_length=10),
            "Must be a list of up to 10 items; received 1,001 items.",
        ),
        (error("too_short", (), "name", min_length=1), "Must be a list of 1 or more items; received 0 items."),
        (error("too_long", "x", "name", max_length=10), "Must be a list of up to 10 items; received 'x'."),
        (error("string_type", 5, "tags", 0), "Must be text; received 5."),
        (error("value_error", 5, "name", error="It is odd."), "Must be valid; received 5. It is odd."),
        (error("value_error", 5, "name", error="Is it odd?"), "Must be valid; received 5. Is it odd?"),
        (error("value_error", 5, "name"), "Must be valid; received 5."),
        (error("int_type", 5, "name", error="Not shown."), "Must be a whole number; received 5."),
        (error("extra_forbidden", 5, "sizes"), "There is no field 'sizes' of the model. Did you mean 'size'?"),
        (error("extra_forbidden", 5, "x"), "There is no field 'x' of the model. The fields are: size, tags."),
    ],
)
def test_an_error_is_explained(details: Any, sentence: str) -> None:
    assert SIZES.explain_value(details) == sentence


def test_an_explanation_names_the_field_and_the_value_as_it_was_received() -> None:
    explained = SIZES.explain(error("int_parsing", "x"), {"size": " x "})

    assert explained == "Field 'size' of the model must be a whole number; received ' x '."
    assert (
        SIZES.explain(error("string_type", 5, "tags", 1), {}) == "Field 'tags.1' of the model must be text; received 5."
    )
    assert SIZES.reject("size", 7) == "Field 'size' of the model must be a whole number; received 7."


def test_what_a_field_accepts_can_be_described_better_than_by_its_schema() -> None:
    names = FieldNames("option", Model, accepted={"size": "an even number"})

    assert names.reject("size", 7) == "Option 'size' must be an even number; received 7."
