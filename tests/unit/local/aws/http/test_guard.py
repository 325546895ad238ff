"""The guard in front of moto, on a real socket: what web pages and unknown clients get, by service."""

from __future__ import annotations

import http.client
import logging
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from botocore.exceptions import ClientError
from botocore.parsers import create_parser

from local.aws import backend
from local.aws.clients import Clients, Credentials
from local.aws.http.gateway import PREFIX
from local.aws.http.guard import Guard
from local.aws.http.server import Server

API = f"{PREFIX}/api1/v1/runs"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Endpoint:
    """A guarded server. It serves moto, and on the paths of the REST API the `answer`, an exception or headers."""

    def __init__(self) -> None:
        self.credentials = Credentials.random()
        self.answer: Exception | list[tuple[str, str]] = []
        self.passed: list[str] = []
        self._moto = backend.application()
        self.server = Server()
        self.server.start(Guard(self._serve, self.server.endpoint, self.secret_of))
        self.host = str(urlsplit(self.server.endpoint).netloc)
        self.port = int(self.host.rpartition(":")[2])

    def secret_of(self, access_key: str) -> str | None:
        own = self.credentials
        return own.secret_key if access_key == own.access_key else backend.issued_secret(access_key)

    def client(self, service: str, credentials: Credentials | None = None) -> Any:
        return Clients(self.server.endpoint, credentials or self.credentials)(service)

    def request(self, method: str, path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
        """Status, body and headers of the response. Header names have underscores for dashes."""
        with closing(http.client.HTTPConnection(self.host, timeout=20)) as connection:
            connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            return response.status, response.read().decode(), {k.lower(): v for k, v in response.getheaders()}

    def raw(self, *lines: str) -> bytes:
        """The status line of the response."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode())
            with connection.makefile("rb") as response:
                return response.readline()

    def _serve(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.passed.append(environ["PATH_INFO"])
        if not environ["PATH_INFO"].startswith(PREFIX):
            return self._moto(environ, start_response)
        if isinstance(self.answer, Exception):
            raise self.answer
        start_response("200 OK", self.answer)
        return [b"{}"]


@pytest.fixture(scope="module")
def shared() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    yield endpoint
    endpoint.server.stop()
    backend.reset()


@pytest.fixture
def endpoint(shared: Endpoint) -> Endpoint:
    backend.reset()
    shared.answer = []
    shared.passed.clear()
    return shared


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "LocalHost", "a-bucket.localhost", "a.b.localhost", "[::1]"]
)
def test_a_loopback_name_with_the_port_is_served(endpoint: Endpoint, host: str) -> None:
    line = endpoint.raw(f"GET {API} HTTP/1.1", f"Host: {host}:{endpoint.port}", "Connection: close")

    assert line == b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "host",
    [
        "rebound.example:PORT",
        "127.0.0.1.example:PORT",
        "localhost.example:PORT",
        "notlocalhost:PORT",
        "127.0.0.1",
        "127.0.0.1:1",
        "localhost",
        "user@127.0.0.1:PORT",
        "127.0.0.1:PORT, rebound.example",
        "192.168.0.1:PORT",
        "",
    ],
)
def test_another_name_or_port_is_refused(endpoint: Endpoint, host: str) -> None:
    """DNS rebinding: the page's own name has become 127.0.0.1, and the browser sends that name."""
    named = f"Host: {host.replace('PORT', str(endpoint.port))}"

    assert endpoint.raw(f"GET {API} HTTP/1.1", named, "Connection: close").split()[1] == b"403"
    assert endpoint.passed == []


def test_a_request_without_a_host_is_refused(endpoint: Endpoint) -> None:
    assert endpoint.raw(f"GET {API} HTTP/1.0").split()[1] == b"403"


def test_the_host_of_an_absolute_target_counts(endpoint: Endpoint) -> None:
    line = endpoint.raw(
        f"GET http://rebound.example:{endpoint.port}{API} HTTP/1.1", f"Host: {endpoint.host}", "Connection: close"
    )

    assert line.split()[1] == b"403"


@pytest.mark.parametrize(
    "origin", ["https://example.com", "null", "http://127.0.0.1:1", "http://localhost:PORT", "https://127.0.0.1:PORT"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_a_page_of_another_origin_is_refused_without_any_cors_header(
    endpoint: Endpoint, method: str, origin: str
) -> None:
    status, text, headers = endpoint.request(method, API, Origin=origin.replace("PORT", str(endpoint.port)))

    assert (status, headers["content-type"]) == (403, "text/plain; charset=utf-8")
    assert "web pages" in text
    assert [name for name in headers if name.startswith("access-control-")] == []
    assert endpoint.passed == []


def test_a_page_of_the_own_origin_is_served(endpoint: Endpoint) -> None:
    assert endpoint.request("POST", API, Origin=endpoint.server.endpoint)[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "mode", "status"),
    [
        ("GET", API, "no-cors", 403),
        ("GET", API, "navigate", 200),
        ("POST", API, "navigate", 403),
        ("GET", f"{API}?X-Amz-Signature=x", "no-cors", 200),
    ],
)
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_of_another_page_only_links_and_presigned_urls_are_served(
    endpoint: Endpoint, method: str, path: str, mode: str, status: int, site: str
) -> None:
    """An image of another page has no Origin header."""
    assert endpoint.request(method, path, Sec_Fetch_Site=site, Sec_Fetch_Mode=mode)[0] == status


def test_a_preflight_is_refused(endpoint: Endpoint) -> None:
    for origin in ("https://example.com", endpoint.server.endpoint):
        status, _, headers = endpoint.request("OPTIONS", API, Origin=origin, Access_Control_Request_Method="DELETE")
        assert status == 403
        assert [name for name in headers if name.startswith("access-control-")] == []


@pytest.mark.parametrize(
    "path", ["/moto-api", "/moto-api/", "/moto-api/reset", "//moto-api/reset", "/%6Doto-api/reset"]
)
def test_the_control_api_of_moto_does_not_exist(endpoint: Endpoint, path: str) -> None:
    endpoint.client("s3").create_bucket(Bucket="kept")

    assert [endpoint.request(method, path)[0] for method in ("GET", "POST")] == [404, 404]
    assert [bucket["Name"] for bucket in endpoint.client("s3").list_buckets()["Buckets"]] == ["kept"]


def test_cors_headers_of_a_service_are_removed(endpoint: Endpoint) -> None:
    endpoint.answer = [("Access-Control-Allow-Origin", "*"), ("access-control-max-age", "9"), ("X-Kept", "1")]

    _, _, headers = endpoint.request("GET", API)

    assert headers["x-kept"] == "1"
    assert [name for name in headers if name.startswith("access-control-")] == []


def test_moto_adds_no_cors_headers(endpoint: Endpoint) -> None:
    response = endpoint.client("s3").list_buckets()

    assert [name for name in response["ResponseMetadata"]["HTTPHeaders"] if name.startswith("access-control-")] == []


CALLS: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("s3", "list_buckets", {}, "InvalidAccessKeyId", "InternalError"),
    ("dynamodb", "list_tables", {}, "UnrecognizedClientException", "InternalFailure"),
    ("sqs", "list_queues", {}, "UnrecognizedClientException", "InternalFailure"),
    ("logs", "describe_log_groups", {}, "UnrecognizedClientException", "InternalFailure"),
    ("cloudwatch", "list_metrics", {}, "UnrecognizedClientException", "InternalFailure"),
    ("sns", "list_topics", {}, "InvalidClientTokenId", "InternalFailure"),
    ("cloudformation", "list_stacks", {}, "InvalidClientTokenId", "InternalFailure"),
    ("sts", "get_caller_identity", {}, "InvalidClientTokenId", "InternalFailure"),
    ("lambda", "list_functions", {}, "UnrecognizedClientException", "ServiceException"),
    ("xray", "get_sampling_rules", {}, "UnrecognizedClientException", "ServiceException"),
]


def _code(call: Callable[..., Any], **parameters: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize(("service", "action", "parameters", "code", "_internal"), CALLS)
def test_an_unknown_access_key_is_refused_with_the_error_of_the_service(
    endpoint: Endpoint, service: str, action: str, parameters: dict[str, Any], code: str, _internal: str
) -> None:
    stranger = endpoint.client(service, Credentials("AKIAIOSFODNN7EXAMPLE", "secret"))

    assert _code(getattr(stranger, action), **parameters)[0] == code
    assert endpoint.passed == []


def test_an_unknown_access_key_of_a_presigned_url_is_refused(endpoint: Endpoint) -> None:
    stranger = endpoint.client("s3", Credentials("AKIAIOSFODNN7EXAMPLE", "secret"))
    target = urlsplit(stranger.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"}))

    status, text, _ = endpoint.request("GET", f"{target.path}?{target.query}")

    assert status == 403
    assert "<Code>InvalidAccessKeyId</Code>" in text
    assert "does not exist in our records" in text


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 403, "<Code>AccessDenied</Code>"),
        ({"Authorization": "Basic bWU6bWU="}, 403, "<Code>AccessDenied</Code>"),
        ({"X_Amz_Target": "DynamoDB_20120810.ListTables"}, 400, '"MissingAuthenticationTokenException"'),
        ({"Content_Type": "application/x-www-form-urlencoded"}, 403, "<Code>MissingAuthenticationToken</Code>"),
        ({"Authorization": "AWS AKIAIOSFODNN7EXAMPLE:x"}, 403, "<Code>InvalidAccessKeyId</Code>"),
        ({"Authorization": "AWS4-HMAC-SHA256 nonsense"}, 403, "UnrecognizedClientException"),
    ],
)
def test_an_unsigned_request_is_refused_with_the_error_of_the_service(
    endpoint: Endpoint, headers: dict[str, str], status: int, code: str
) -> None:
    found, text, more = endpoint.request("POST", "/", **headers)

    assert found == status
    assert code in text + more.get("x-amzn-errortype", "")
    assert endpoint.passed == []


def test_an_error_in_cbor_is_read_by_botocore(endpoint: Endpoint) -> None:
    response = requests.post(f"{endpoint.server.endpoint}/service/x", headers={"Smithy-Protocol": "rpc-v2-cbor"})

    parsed = create_parser("smithy-rpc-v2-cbor").parse(
        {"status_code": response.status_code, "headers": response.headers, "body": response.content}, None
    )

    assert response.status_code == 400
    assert parsed["Error"]["Code"] == "MissingAuthenticationTokenException"
    assert parsed["Error"]["Message"] == "Request is missing Authentication Token"


def test_the_rest_api_needs_no_signature_but_accepts_no_unknown_key(endpoint: Endpoint) -> None:
    scope = "20260101/us-east-1/execute-api/aws4_request"
    signed = "AWS4-HMAC-SHA256 Credential={}/" + scope + ", SignedHeaders=host, Signature=x"

    assert endpoint.request("GET", API)[0] == 200
    assert endpoint.request("GET", API, Authorization=signed.format(endpoint.credentials.access_key))[0] == 200
    status, text, headers = endpoint.request("GET", API, Authorization=signed.format("AKIAIOSFODNN7EXAMPLE"))
    assert (status, headers["x-amzn-errortype"]) == (403, "UnrecognizedClientException")
    assert text == '{"message": "The security token included in the request is invalid."}'


def test_the_keys_of_an_assumed_role_are_accepted(endpoint: Endpoint) -> None:
    arn = f"arn:aws:iam::{backend.ACCOUNT}:role/deploy"
    issued = endpoint.client("sts").assume_role(RoleArn=arn, RoleSessionName="cdk")["Credentials"]

    role = endpoint.client("s3", Credentials(issued["AccessKeyId"], issued["SecretAccessKey"]))

    assert role.list_buckets()["Buckets"] == []


def test_credentials_differ_and_look_like_those_of_aws() -> None:
    one, other = Credentials.random(), Credentials.random()

    assert one.access_key != other.access_key
    assert one.secret_key != other.secret_key
    assert len(one.access_key) == 20
    assert one.access_key.isalnum()
    assert one.secret_key not in repr(one)


@pytest.mark.parametrize(("service", "action", "parameters", "_code", "internal"), CALLS)
def test_an_exception_is_an_error_of_the_service_and_goes_to_the_log_only(
    endpoint: Endpoint,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    service: str,
    action: str,
    parameters: dict[str, Any],
    _code: str,
    internal: str,
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("an error inside moto")

    monkeypatch.setattr(endpoint, "_moto", broken)
    client = endpoint.client(service)
    client.meta.config.retries = None
    with pytest.raises(ClientError) as caught:
        getattr(client, action)(**parameters)

    assert caught.value.response["Error"]["Code"] == internal
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert capfd.readouterr().err == ""
    assert "an error inside moto" in caplog.text


def test_an_exception_of_the_rest_api_is_an_internal_server_error(
    endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint.answer = ValueError("broken")

    status, text, _ = endpoint.request("GET", API)

    assert (status, text) == (500, '{"message": "Internal error of the local AWS."}')
    assert "broken" in caplog.text


@pytest.mark.parametrize("statistic", ["pr99", "TM(10:90)", "sum", "wm99"])
def test_a_statistic_that_does_not_exist_here_is_not_implemented(
    endpoint: Endpoint, statistic: str, caplog: pytest.LogCaptureFixture
) -> None:
    cloudwatch = endpoint.client("cloudwatch")
    metric = {"Namespace": "N", "MetricName": "m"}
    span = {"StartTime": NOW, "EndTime": NOW.replace(hour=1)}
    query = {"Id": "a", "MetricStat": {"Metric": metric, "Period": 60, "Stat": statistic}}

    with pytest.raises(ClientError, match=r"has no statistic .*only Average, Maximum") as caught:
        cloudwatch.get_metric_data(MetricDataQueries=[query], **span)
    assert caught.value.response["Error"]["Code"] == "NotImplemented"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert _code(cloudwatch.get_metric_statistics, **metric, **span, Period=60, ExtendedStatistics=["x"]) == (
        "NotImplemented",
        501,
    )
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("expression", ["FILL(a,0)", "SELECT SUM(m) FROM N"])
def test_metric_math_is_not_implemented(endpoint: Endpoint, expression: str) -> None:
    stat = {"Metric": {"Namespace": "N", "MetricName": "m"}, "Period": 60, "Stat": "Sum"}
    queries = [{"Id": "a", "MetricStat": stat}, {"Id": "b", "Expression": expression, "Period": 60}]

    with pytest.raises(ClientError, match=r"NotImplemented.*has no metric math: "):
        endpoint.client("cloudwatch").get_metric_data(
            MetricDataQueries=queries, StartTime=NOW, EndTime=NOW.replace(hour=1)
        )


def test_the_statistics_that_exist_are_answered(endpoint: Endpoint) -> None:
    metric = {"Namespace": "N", "MetricName": "m"}
    query = {"Id": "a", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}

    found = endpoint.client("cloudwatch").get_metric_data(
        MetricDataQueries=[query], StartTime=NOW, EndTime=NOW.replace(hour=1)
    )

    assert found["MetricDataResults"][0]["Values"] == []


def test_a_service_that_does_not_exist_here_is_not_implemented(
    endpoint: Endpoint, capfd: pytest.CaptureFixture[str]
) -> None:
    assert _code(endpoint.client("chime").list_accounts) == ("NotImplemented", 501)
    assert capfd.readouterr() == ("", "")


def test_an_operation_that_does_not_exist_here_is_named(
    endpoint: Endpoint, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ClientError, match=r"has no GET /[-0-9]+/functions/f/recursion-config") as caught:
        endpoint.client("lambda").get_function_recursion_config(FunctionName="f")

    assert caught.value.response["Error"]["Code"] == "NotImplemented"
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_resource_that_does_not_exist_is_an_error_of_the_service(endpoint: Endpoint) -> None:
    assert _code(endpoint.client("lambda").get_function, FunctionName="f") == ("ResourceNotFoundException", 404)
