import base64

import pytest

from functions.core.api.body import MAX_BYTES, decode_body, parse_json
from functions.core.api.problems import Problem

JSON = "application/json"


@pytest.mark.parametrize("content_type", [JSON, "Application/JSON; charset=utf-8", ""])
def test_json_is_taken_with_and_without_its_media_type(content_type: str) -> None:
    assert decode_body('{"a": "ä"}', encoded=False, content_type=content_type) == '{"a": "ä"}'


def test_a_body_in_base64_is_decoded_and_its_byte_order_mark_left_out() -> None:
    body = base64.b64encode('\ufeff{"a": "ä"}'.encode()).decode()

    assert decode_body(body, encoded=True, content_type=JSON) == '{"a": "ä"}'


@pytest.mark.parametrize("body", [None, ""])
def test_no_body_is_no_text(body: str | None) -> None:
    assert decode_body(body, encoded=False, content_type="text/plain") is None


@pytest.mark.parametrize(
    ("body", "encoded", "content_type", "status"),
    [
        ("urls=a", False, "application/x-www-form-urlencoded", 415),
        ("{}", False, "application/jsonp", 415),
        ("x" * (MAX_BYTES + 1), False, JSON, 413),
        (base64.b64encode(b"x" * (MAX_BYTES + 1)).decode(), True, JSON, 413),
        ("/w==", True, JSON, 400),
        ("no base64!", True, JSON, 400),
        ("\ud800", False, JSON, 400),
    ],
)
def test_another_body_is_refused(body: str, encoded: bool, content_type: str, status: int) -> None:
    with pytest.raises(Problem) as problem:
        decode_body(body, encoded=encoded, content_type=content_type)

    assert problem.value.status == status


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "null",
        '"x"',
        "{",
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": 1e999}',
        '{"a": ' + "1" * 5000 + "}",
        '{"a":' * 100_000,
    ],
)
def test_what_is_no_object_of_the_standard_is_refused(text: str) -> None:
    with pytest.raises(Problem) as problem:
        parse_json(text)

    assert problem.value.status == 400


def test_an_object_is_taken() -> None:
    assert parse_json('{"a": [1, 2.5, -3, true, null, "\\ud800"]}') == {"a": [1, 2.5, -3, True, None, "\ud800"]}
