"""The API compared with its OpenAPI document, with generated requests."""

import json
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from functions.api import app
from local.aws.cloud import Cloud
from local.aws.http.connection import MAX_HEAD_BYTES

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
    negative_data_rejection,
]
schema = schemathesis.openapi.from_dict(json.loads(app.get_openapi_json_schema(title="Image Mirror", version="1")))


@pytest.fixture(scope="module", autouse=True)
def _wait_for_runs(cloud: Cloud) -> None:
    """Waits for the runs that generated requests have started."""
    yield
    cloud.settle()


def _query_bytes(case: schemathesis.Case) -> int:
    """The HTTP server refuses a longer request line with 431 before it reaches the API."""
    return sum(len(quote(str(value), errors="replace")) for value in (case.query or {}).values())


@schema.parametrize()
@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_response_conforms_to_the_document(cloud: Cloud, case: schemathesis.Case) -> None:
    assume(_query_bytes(case) < MAX_HEAD_BYTES // 2)
    case.call_and_validate(base_url=cloud.api_url, checks=CHECKS)
