"""The handler: from the event of API Gateway to the response, also when an error occurs."""

import base64
import json
from dataclasses import fields
from typing import Any

import pytest

from docs.openapi import DOCUMENT, document
from functions import api
from functions.core.api.problems import conflict, not_found
from functions.core.api.responses import Accepted
from functions.core.model.errors import TableFault
from functions.core.model.options import Options
from functions.core.report.links import LinkedPage
from tests.support.api_handler import send


class FakeSubmission:
    """Accepts every request, or raises `error`."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.keys: list[str | None] = []

    def submit(self, request: Any, key: str | None) -> Accepted:
        self.keys.append(key)
        if self.error:
            raise self.error
        return Accepted.model_validate(
            {"run_id": "api-1", "execution_arn": "arn:e", "status": "starting", "probe": None}
        )


@pytest.fixture
def submission(monkeypatch: pytest.MonkeyPatch) -> FakeSubmission:
    fake = FakeSubmission()
    monkeypatch.setattr(api, "run_submission", lambda: fake)
    return fake


BODY = json.dumps({"urls": ["https://example.com/ä.jpg"]}, ensure_ascii=False)


def test_a_run_that_is_accepted_has_an_address_below_the_stage(submission: FakeSubmission) -> None:
    response = send("POST", "/runs", BODY, **{"Idempotency-Key": "k"})

    assert (response["statusCode"], json.loads(response["body"])["run_id"]) == (202, "api-1")
    assert response["multiValueHeaders"]["Location"] == ["/v1/runs/api-1"]
    assert submission.keys == ["k"]


def test_a_body_in_base64_is_the_same_body(submission: FakeSubmission) -> None:
    response = send("POST", "/runs", base64.b64encode(BODY.encode()).decode(), encoded=True)

    assert response["statusCode"] == 202


@pytest.mark.parametrize(
    ("error", "status"),
    [(conflict("The run has ended."), 409), (TableFault("arn:secret refuses"), 503), (RuntimeError("arn:secret"), 500)],
)
def test_whatever_goes_wrong_is_a_problem_that_tells_nothing_of_our_own(
    submission: FakeSubmission, error: Exception, status: int
) -> None:
    submission.error = error

    response = send("POST", "/runs", BODY)

    assert (response["statusCode"], json.loads(response["body"])["status"]) == (status, status)
    assert response["multiValueHeaders"]["Content-Type"] == ["application/problem+json"]
    assert "secret" not in response["body"]
    assert "Traceback" not in response["body"]


def test_an_internal_error_names_the_request_id_that_the_log_has(submission: FakeSubmission) -> None:
    submission.error = RuntimeError("arn:secret")

    response = send("POST", "/runs", BODY, request_id="id-of-gateway")

    detail = json.loads(response["body"])["detail"]
    assert detail == "Internal error. Search the API log for request ID id-of-gateway."
    assert api.logger.get_correlation_id() == "id-of-gateway"


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
    submission: FakeSubmission, method: str, path: str, body: str | None, content_type: str, status: int
) -> None:
    response = send(method, path, body, **{"content-type": content_type})

    assert (response["statusCode"], json.loads(response["body"])["status"]) == (status, status)
    assert not submission.keys


# powertools leaves the style sheet of Swagger UI open.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_document_and_its_page_are_served_where_the_gateway_has_their_paths() -> None:
    document = json.loads(send("GET", "/openapi.json")["body"])
    page = send("GET", "/docs")

    assert document["openapi"].startswith("3.1")
    assert "/openapi.json" not in document["paths"]
    assert (page["statusCode"], page["multiValueHeaders"]["Content-Type"]) == (200, ["text/html"])


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("base", "server"),
    [("/v1", "/v1"), ("/_aws/execute-api/api1/v1", "/_aws/execute-api/api1/v1"), ("/mirror", "/mirror"), ("", "/")],
    ids=["stage", "local", "custom-domain", "root"],
)
def test_the_document_and_its_page_send_requests_to_where_they_were_served(base: str, server: str) -> None:
    document = json.loads(send("GET", "/openapi.json", base=base)["body"])
    page = send("GET", "/docs", base=base)["body"]

    assert [each["url"] for each in document["servers"]] == [server]
    assert f'"url": "{server}"' in page


def test_operations_are_named_and_grouped_and_every_problem_is_documented() -> None:
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]

    assert [operation["operationId"] for operation in operations] == [
        *("findImage", "createManifestUpload", "listRuns", "createRun", "getRun", "updateRun"),
        *("cancelRun", "getRunReport", "retryRun"),
    ]
    assert {tag for operation in operations for tag in operation["tags"]} == {tag["name"] for tag in document["tags"]}
    for operation in operations:
        assert {"403", "422", "429", "500", "503"} <= set(operation["responses"])


class FakeReports:
    def page(self, run_id: str) -> LinkedPage:
        if run_id != "demo-1":
            raise not_found(f"Run {run_id} does not exist.")
        return LinkedPage('<!doctype html><p>✓ "ä"', "default-src 'none'")


def test_a_report_is_a_page_with_its_policy_that_is_not_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "run_reports", FakeReports)

    response = send("GET", "/runs/demo-1/report")

    assert (response["statusCode"], response["body"]) == (200, '<!doctype html><p>✓ "ä"')
    assert response["isBase64Encoded"] is False
    assert response["multiValueHeaders"] == {
        "Content-Type": ["text/html; charset=utf-8"],
        "Content-Security-Policy": ["default-src 'none'"],
        "Cache-Control": ["no-store"],
        "X-Content-Type-Options": ["nosniff"],
    }


@pytest.mark.parametrize(("run_id", "status"), [("demo-2", 404), ("No_Id", 422)])
def test_a_report_that_does_not_exist_is_a_problem(monkeypatch: pytest.MonkeyPatch, run_id: str, status: int) -> None:
    monkeypatch.setattr(api, "run_reports", FakeReports)

    response = send("GET", f"/runs/{run_id}/report")

    assert (response["statusCode"], json.loads(response["body"])["status"]) == (status, status)
    assert response["multiValueHeaders"]["Content-Type"] == ["application/problem+json"]


def test_every_option_is_in_the_document_with_its_meaning() -> None:
    options = json.loads(send("GET", "/openapi.json")["body"])["components"]["schemas"]["RunOptions"]["properties"]

    meanings = {field.name: field.metadata["meaning"] for field in fields(Options)}
    assert {name: option["description"] for name, option in options.items()} == meanings
    assert (options["per_host"]["minimum"], options["per_host"]["maximum"]) == (1, 256)


def test_the_committed_document_is_that_of_the_api() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "the API has changed: run `python -m docs.openapi`"


@pytest.mark.parametrize(
    ("path", "query", "field", "message"),
    [
        ("/runs", {"limit": "0"}, "limit", "Must be a whole number from 1 to 100; received '0'."),
        ("/runs", {"limit": "101"}, "limit", "Must be a whole number from 1 to 100; received '101'."),
        ("/runs", {"next": ""}, "next", "Must be the pagination token of the previous page; received ''."),
        ("/runs", {"status": "x"}, "status", "Must be one of starting, running, cancelling, succeeded, failed or "),
        ("/images", {"url": ""}, "url", "Must be a URL of 1 to 16,384 characters; received ''."),
        ("/images", None, "url", "Must be present."),
        ("/runs/No_Id", None, "run_id", "Must be a run ID: 1 to 80 lower-case letters, digits and hyphens; received "),
    ],
)
def test_an_invalid_parameter_is_named_with_what_it_accepts(
    path: str, query: dict[str, str] | None, field: str, message: str
) -> None:
    response = send("GET", path, query=query)

    (error,) = json.loads(response["body"])["errors"]
    assert (response["statusCode"], error["field"]) == (422, field)
    assert error["message"].startswith(message)


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_an_invalid_header_is_named_with_what_it_accepts(submission: FakeSubmission, key: str) -> None:
    response = send("POST", "/runs", BODY, **{"Idempotency-Key": key})

    (error,) = json.loads(response["body"])["errors"]
    assert error["field"].lower() == "idempotency-key"
    assert error["message"].startswith("Must be text of 1 to 255 characters; received ")
