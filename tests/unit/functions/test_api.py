"""The handler: from API Gateway's event to an answer, whatever happens in between."""

import base64
import json
from typing import Any

import pytest

from functions import api
from functions.core.api.problems import conflict
from functions.core.api.responses import Accepted
from functions.core.model.errors import TableFault


class Context:
    function_name = "api"
    function_version = "$LATEST"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:f"
    aws_request_id = "request"


class FakeSubmitter:
    """Accepts what it is asked for, or raises."""

    def __init__(self) -> None:
        self.fault: Exception | None = None
        self.keys: list[str | None] = []

    def submit(self, request: Any, key: str | None) -> Accepted:
        self.keys.append(key)
        if self.fault:
            raise self.fault
        return Accepted.model_validate({"run_id": "api-1", "execution_arn": "arn:e", "status": "starting"})


@pytest.fixture
def submitter(monkeypatch: pytest.MonkeyPatch) -> FakeSubmitter:
    fake = FakeSubmitter()
    monkeypatch.setattr(api, "run_submission", lambda: fake)
    return fake


def ask(method: str, path: str, body: str | None = None, *, encoded: bool = False, **headers: str) -> dict[str, Any]:
    headers = {"content-type": "application/json", **headers}
    event = {
        "httpMethod": method,
        "path": path,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "body": body,
        "isBase64Encoded": encoded,
        "requestContext": {"requestId": "r", "stage": "v1", "path": f"/v1{path}"},
    }
    answer: dict[str, Any] = api.handler(event, Context())  # type: ignore[arg-type]
    return answer


BODY = json.dumps({"urls": ["https://example.com/ä.jpg"]}, ensure_ascii=False)


def test_a_run_that_is_accepted_has_an_address_below_the_stage(submitter: FakeSubmitter) -> None:
    answer = ask("POST", "/runs", BODY, **{"Idempotency-Key": "k"})

    assert (answer["statusCode"], json.loads(answer["body"])["run_id"]) == (202, "api-1")
    assert answer["multiValueHeaders"]["Location"] == ["/v1/runs/api-1"]
    assert submitter.keys == ["k"]


def test_a_body_in_base64_is_the_same_body(submitter: FakeSubmitter) -> None:
    answer = ask("POST", "/runs", base64.b64encode(BODY.encode()).decode(), encoded=True)

    assert answer["statusCode"] == 202


@pytest.mark.parametrize(
    ("fault", "status"),
    [(conflict("It is over."), 409), (TableFault("arn:secret refuses"), 503), (RuntimeError("arn:secret"), 500)],
)
def test_whatever_goes_wrong_is_a_problem_that_tells_nothing_of_our_own(
    submitter: FakeSubmitter, fault: Exception, status: int
) -> None:
    submitter.fault = fault

    answer = ask("POST", "/runs", BODY)

    assert (answer["statusCode"], json.loads(answer["body"])["status"]) == (status, status)
    assert answer["multiValueHeaders"]["Content-Type"] == ["application/problem+json"]
    assert "secret" not in answer["body"]
    assert "Traceback" not in answer["body"]


@pytest.mark.parametrize(
    ("method", "path", "body", "content_type", "status"),
    [
        ("POST", "/runs", "urls=a", "application/x-www-form-urlencoded", 415),
        ("POST", "/runs", "{", "application/json", 400),
        ("POST", "/runs", "[]", "application/json", 400),
        ("POST", "/runs", None, "application/json", 422),
        ("PATCH", "/runs/r", '{"max_concurrency": "2"}', "application/json", 422),
        ("GET", "/runs/No_Id", None, "application/json", 422),
        ("GET", "/nowhere", None, "application/json", 404),
    ],
)
def test_a_request_that_does_not_fit_is_a_problem(
    submitter: FakeSubmitter, method: str, path: str, body: str | None, content_type: str, status: int
) -> None:
    answer = ask(method, path, body, **{"content-type": content_type})

    assert (answer["statusCode"], json.loads(answer["body"])["status"]) == (status, status)
    assert not submitter.keys


# powertools leaves the style sheet of Swagger UI open.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_document_and_its_page_can_be_had_where_the_gateway_lets_them() -> None:
    document = json.loads(ask("GET", "/openapi.json")["body"])
    page = ask("GET", "/docs")

    assert document["openapi"].startswith("3.1")
    assert "/openapi.json" not in document["paths"]
    assert (page["statusCode"], page["multiValueHeaders"]["Content-Type"]) == (200, ["text/html"])


def test_every_option_is_in_the_document_with_its_meaning() -> None:
    options = json.loads(ask("GET", "/openapi.json")["body"])["components"]["schemas"]["RunOptions"]["properties"]

    assert options["per_host"]["description"] == "requests at a time to one host in one batch"
    assert (options["per_host"]["minimum"], options["per_host"]["maximum"]) == (1, 256)
