"""Every error that options, settings and API requests can raise is explained in our own words, never in pydantic's."""

import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import pytest

from cdk.settings import Settings, SettingsError
from functions import api
from functions.core.api.requests import SHAPES, ChangeRequest, UploadRequest
from functions.core.model.errors import InvalidManifest
from functions.core.model.option_validation import validate_options
from functions.core.model.options import Options
from functions.core.model.validation import ACCEPTED, UNKNOWN_NAME, FieldNames
from tests.support.api_handler import send

JSON_VALUES: tuple[Any, ...] = (
    *(None, True, False, -1, 0, 1, 1.5, 10**30, 1e300),
    *("", "x", "5", "true", "\ud800", "J\u00f6rg", "x" * 5000, "9" * 4500, "01", "1_0"),
    *([], [1], [None], ["x"] * 10_001, {}, {"a": 1}),
)
PYTHON_VALUES = (*JSON_VALUES, float("nan"), float("inf"), b"\xff", (), 1j)
PYDANTIC = re.compile(
    r"Input should|Extra inputs|Field required|Missing required|Unexpected keyword|unable to parse|Value error"
    r"|(String|List|Tuple|Dictionary|Data) should|valid (string|integer|number|boolean|list|dictionary|tuple)"
    r"|should (be|have|match)|Keys should|Assertion failed|Unable to extract tag|fractional part",
    re.IGNORECASE,
)


@dataclass
class Explained:
    """The types of the errors that were explained, and the sentences."""

    types: set[str]
    sentences: set[str]


@pytest.fixture
def explained(monkeypatch: pytest.MonkeyPatch) -> Explained:
    seen = Explained(set(), set())

    def record(method: Callable[..., str]) -> Callable[..., str]:
        def recording(names: FieldNames, error: Any, *more: Any) -> str:
            sentence = method(names, error, *more)
            assert error["msg"] not in sentence
            seen.types.add(error["type"])
            seen.sentences.add(sentence)
            return sentence

        return recording

    for name in ("explain", "explain_value"):
        monkeypatch.setattr(FieldNames, name, record(getattr(FieldNames, name)))
    return seen


def check_options() -> Iterator[str]:
    for name, value in itertools.product((*Options.__dataclass_fields__, "speed", "\ud800", ""), PYTHON_VALUES):
        try:
            validate_options({name: value})
        except InvalidManifest as error:
            yield str(error)


def check_settings() -> Iterator[str]:
    names = [field.name for field in fields(Settings)]
    for name, value in itertools.product((*names, "speed"), PYTHON_VALUES):
        try:
            Settings.from_context({name: value})
        except SettingsError as error:
            yield str(error)


def bodies() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    valid = {
        "urls": {"urls": ["a"]},
        "items": {"items": [{"url": "a"}]},
        "resourcePaths": {"baseUrl": "http://x", "resourcePaths": ["a"]},
        "manifest": {"manifest": "s3://input/manifests/a.csv"},
    }
    routes = [("POST", "/runs", SHAPES[name], body) for name, body in valid.items()]
    routes += [("PATCH", "/runs/r", ChangeRequest, {}), ("POST", "/manifests", UploadRequest, {})]
    for method, path, model, body in routes:
        names = [*model.model_json_schema()["properties"], "speed", "\ud800"]
        for name, value in itertools.product(names, JSON_VALUES):
            yield method, path, {**body, name: value}
            yield method, path, {**body, name: [value]}
    for name, value in itertools.product((*Options.__dataclass_fields__, "speed"), JSON_VALUES):
        yield "POST", "/runs", {"urls": ["a"], "options": {name: value}}
    for value in JSON_VALUES:
        yield "POST", "/runs", {"items": [{"url": value}]}
    yield from [("POST", "/runs", {}), ("POST", "/runs", {"urls": [], "items": []}), ("PATCH", "/runs/r", {})]


def check_requests() -> Iterator[str]:
    responses = [send(method, path, json.dumps(body)) for method, path, body in bodies()]
    responses += [send(method, path) for method, path in (("POST", "/runs"), ("PATCH", "/runs/r"), ("GET", "/images"))]
    for name, value in itertools.product(("limit", "status", "next", "url"), JSON_VALUES):
        responses += [send("GET", path, query={name: str(value)}) for path in ("/runs", "/images")]
    responses += [send("POST", "/runs", "{}", **{"Idempotency-Key": key}) for key in ("", "x" * 256)]
    responses += [send("GET", "/runs/No_Id")]
    for response in responses:
        if response["statusCode"] == 422:
            yield from (error["message"] for error in json.loads(response["body"])["errors"])


@pytest.fixture
def _no_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """A valid request ends with 500."""
    for name in ("run_submission", "run_queries", "run_control", "config"):
        monkeypatch.setattr(api, name, lambda: None)
    monkeypatch.setattr(api.logger, "exception", lambda _: None)


@pytest.mark.usefixtures("_no_aws")
def test_no_message_has_the_words_of_pydantic_and_every_type_of_error_has_its_own(explained: Explained) -> None:
    messages = [*check_options(), *check_settings(), *check_requests()]

    assert len(messages) > 1000
    assert [message for message in messages if PYDANTIC.search(message)] == []
    assert explained.types - UNKNOWN_NAME == set(ACCEPTED)
    assert explained.types >= UNKNOWN_NAME


def test_a_message_says_what_is_accepted_and_what_was_received(explained: Explained) -> None:
    for _ in (*check_options(), *check_settings()):
        pass

    for sentence in explained.sentences:
        assert re.search(r"must be .+; received .+\.|There is no (option|setting) .+\. (Did you mean|The) ", sentence)


def test_an_unknown_type_of_error_is_explained_without_its_message() -> None:
    error: Any = {"type": "new_in_pydantic", "loc": ("a",), "msg": "Input should be new", "input": 5, "ctx": {}}

    assert FieldNames("field").explain_value(error) == "Must be valid; received 5."
