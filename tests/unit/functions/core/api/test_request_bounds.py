"""The bounds of the requests, as the OpenAPI document has them."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from functions.core.api import body as body_module
from functions.core.api.body import decode_body, parse_json
from functions.core.api.problems import FieldError, Problem, conflict, invalid, invalid_fields, not_found
from functions.core.api.requests import ChangeRequest, RetryRequest, RunRequest, UploadRequest

PATHS = {"baseUrl": "https://a", "resourcePaths": ["x"]}


@pytest.mark.parametrize(
    ("model", "accepted"),
    [
        (RunRequest, {"urls": ["x"] * 10_000}),
        (RunRequest, {"items": [{"url": "x"}] * 10_000}),
        (RunRequest, {**PATHS, "resourcePaths": ["x"] * 10_000}),
        (RunRequest, {**PATHS, "lambdaConcur": 1}),
        (RunRequest, {**PATHS, "lambdaConcur": 256}),
        (RunRequest, {**PATHS, "baseUrl": "HttpS://" + "a" * 2040}),
        (RunRequest, {"manifest": "s3://a-b.9/" + "k" * 1089}),
        (ChangeRequest, {"max_concurrency": 1}),
        (ChangeRequest, {"max_concurrency": 10_000}),
        (UploadRequest, {"name": "a" * 100}),
        (UploadRequest, {"name": "9._-A"}),
        (RetryRequest, {}),
    ],
)
def test_a_request_is_accepted_up_to_its_bounds(model: type[BaseModel], accepted: dict[str, Any]) -> None:
    model.model_validate(accepted)


@pytest.mark.parametrize(
    ("model", "rejected"),
    [
        (RunRequest, {"urls": ["x"] * 10_001}),
        (RunRequest, {"urls": []}),
        (RunRequest, {"items": [{"url": "x"}] * 10_001}),
        (RunRequest, {"items": []}),
        (RunRequest, {"items": [{"url": ""}]}),
        (RunRequest, {**PATHS, "resourcePaths": ["x"] * 10_001}),
        (RunRequest, {**PATHS, "resourcePaths": []}),
        (RunRequest, {**PATHS, "lambdaConcur": 0}),
        (RunRequest, {**PATHS, "lambdaConcur": 257}),
        (RunRequest, {**PATHS, "lambdaConcur": "5"}),
        (RunRequest, {**PATHS, "baseUrl": "https://" + "a" * 2041}),
        (RunRequest, {**PATHS, "baseUrl": "ftp://a"}),
        (RunRequest, {"manifest": "s3://a-b.9/" + "k" * 1090}),
        (RunRequest, {"manifest": "s3://A/k"}),
        (RunRequest, {"manifest": "s3://a/"}),
        (ChangeRequest, {"max_concurrency": 0}),
        (ChangeRequest, {"max_concurrency": 10_001}),
        (ChangeRequest, {"max_concurrency": 5, "more": 1}),
        (UploadRequest, {"name": "a" * 101}),
        (UploadRequest, {"name": ""}),
        (UploadRequest, {"name": ".csv"}),
        (UploadRequest, {"name": "a/b.csv"}),
    ],
)
def test_a_request_beyond_its_bounds_is_rejected(model: type[BaseModel], rejected: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        model.model_validate(rejected)


@pytest.mark.parametrize(
    ("model", "rejected", "message"),
    [
        (RunRequest, {**PATHS, "baseUrl": "ftp://a"}, "Must be an absolute URL of up to 2,048 characters that starts"),
        (RunRequest, {"manifest": "a.csv"}, "Must be the S3 URI of an object, such as s3://"),
        (UploadRequest, {"name": "a/b"}, "Must be a file name of 1 to 100 letters, digits, dots, hyphens and"),
        (ChangeRequest, {"max_concurrency": 0}, "Must be a whole number from 1 to 10,000; received 0."),
    ],
)
def test_a_message_says_what_a_field_accepts(model: type[BaseModel], rejected: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as raised:
        model.model_validate(rejected)

    assert raised.value.errors()[0]["msg"].startswith(message)


def test_the_name_of_an_upload_has_a_default() -> None:
    assert UploadRequest.model_validate({}).name == "manifest.csv"


def test_equal_requests_have_the_same_fingerprint_whatever_the_order_of_their_fields() -> None:
    one = RunRequest.model_validate({"urls": ["a"], "options": {"rounds": 1, "timeout": 2.5}}).root
    other = RunRequest.model_validate({"options": {"timeout": 2.5, "rounds": 1}, "urls": ["a"]}).root
    third = RunRequest.model_validate({"urls": ["a"], "options": {"rounds": 1}}).root

    assert one.fingerprint() == other.fingerprint() == '{"options": {"rounds": 1, "timeout": 2.5}, "urls": ["a"]}'
    assert one.fingerprint() != third.fingerprint()


@pytest.mark.parametrize(("digits", "accepted"), [(400, True), (401, False)])
def test_a_number_may_have_four_hundred_digits(digits: int, accepted: bool) -> None:
    text = '{"a": ' + "9" * digits + "}"

    if accepted:
        assert parse_json(text) == {"a": 10**400 - 1}
        return
    with pytest.raises(Problem, match="a number has 401 digits, the maximum is 400"):
        parse_json(text)


@pytest.mark.parametrize("encoded", [False, True])
def test_a_body_may_have_five_mebibytes(encoded: bool) -> None:
    """In base64, four characters are three bytes. 5 MiB are 5,242,880 bytes, two more than a multiple of three."""
    assert body_module.MAX_BYTES == 5_242_880
    largest = "AAAA" * 1_747_626 + "AAA=" if encoded else "x" * 5_242_880
    larger = "AAAA" * 1_747_627 if encoded else "x" * 5_242_881

    assert len(decode_body(largest, encoded=encoded, content_type="") or "") == 5_242_880
    with pytest.raises(Problem) as raised:
        decode_body(larger, encoded=encoded, content_type="")
    assert raised.value.status == 413


@pytest.mark.parametrize(
    ("content_type", "accepted"),
    [("", True), ("application/json", True), (" Application/JSON ; charset=utf-8", True), ("text/json", False)],
)
def test_a_body_is_json_by_its_content_type(content_type: str, accepted: bool) -> None:
    if accepted:
        assert decode_body("{}", encoded=False, content_type=content_type) == "{}"
        return
    with pytest.raises(Problem) as raised:
        decode_body("{}", encoded=False, content_type=content_type)
    assert raised.value.status == 415


def test_a_problem_names_its_status_its_first_field_and_how_many_more() -> None:
    first, second = FieldError(field="a", message="Wrong."), FieldError(field="b", message="Bad.")

    assert invalid("a", "Wrong.").document().model_dump() == {
        "type": "about:blank",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "a: Wrong.",
        "errors": [{"field": "a", "message": "Wrong."}],
    }
    assert invalid_fields([first, second]).detail == "a: Wrong. (1 more)"
    assert (not_found("x").status, conflict("x").status) == (404, 409)
