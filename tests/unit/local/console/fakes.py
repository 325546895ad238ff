"""A stack in memory: the answers of its API by method and path, and the objects of its buckets."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import requests
from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from werkzeug.test import Client

from local.api_client import ApiClient
from local.console.app import Console
from local.console.guard import Guard
from local.console.stack import ConsoleStack

HOST = "127.0.0.1:4567"
RUN = {
    "run_id": "demo-1",
    "status": "succeeded",
    "manifest": "s3://input/manifests/demo.csv",
    "execution_arn": None,
    "started_at": "2026-11-26T12:00:00.000Z",
    "ended_at": "2026-11-26T12:01:30.000Z",
    "rows": 3,
    "counts": {"stored": 2, "unchanged": 0, "skipped": 0, "duplicate": 0, "failed": 1},
    "bytes": 10,
    "images_per_second": 1.0,
    "error": None,
    "cause": None,
    "options": {},
    "note": None,
    "estimate": None,
    "live": None,
    "links": {},
}


def client_error(code: str, status: int, message: str = "What AWS says.") -> ClientError:
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(cast(Any, response), "GetObject")


@dataclass
class FakeApi:
    """Answers with a status and JSON; 404 for all other requests. `sent` are the requests, with their bodies.

    `failure` is the exception that each request raises; `error_type` the code that API Gateway adds to errors."""

    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    failure: Exception | None = None
    error_type: str = ""
    sent: list[tuple[str, Any]] = field(default_factory=list)

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        self.sent.append((f"{method} {path}", body))
        if self.failure:
            raise self.failure
        status, content = self.answers.get(f"{method} {path}", (404, {"detail": f"Not there: {path}"}))
        response = requests.Response()
        response.status_code = status
        if "detail" in content:
            response.headers["Content-Type"] = "application/problem+json"
        if self.error_type:
            response.headers["x-amzn-ErrorType"] = self.error_type
        response._content = json.dumps(content).encode()
        return response


@dataclass
class FakeS3:
    """`objects` are by bucket and key. `reads` are the keys and the ranges of the reads. `failure` is the exception of
    each request."""

    failure: Exception | None = None
    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    reads: list[tuple[str, str]] = field(default_factory=list)

    def get_object(self, *, Bucket: str, Key: str, Range: str = "") -> dict[str, Any]:  # noqa: N803 - of boto3
        if self.failure:
            raise self.failure
        if (Bucket, Key) not in self.objects:
            raise client_error("NoSuchKey", 404)
        self.reads.append((Key, Range))
        content = self.objects[Bucket, Key]
        if Range:
            first, last = map(int, Range.removeprefix("bytes=").split("-"))
            content = content[first : last + 1]
        return {"ContentLength": len(content), "Body": StreamingBody(io.BytesIO(content), len(content))}

    def list_objects_v2(self, *, Bucket: str, Prefix: str, Delimiter: str) -> dict[str, Any]:  # noqa: N803
        if self.failure:
            raise self.failure
        names = [key for bucket, key in self.objects if bucket == Bucket and key.startswith(Prefix)]
        here = [key for key in sorted(names) if Delimiter not in key.removeprefix(Prefix)]
        return {"Contents": [{"Key": key, "Size": len(self.objects[Bucket, key])} for key in here]}

    def get_paginator(self, name: str) -> "FakeS3":
        assert name == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str, StartAfter: str, **_: Any) -> Any:  # noqa: N803
        if self.failure:
            raise self.failure
        keys = sorted(key for bucket, key in self.objects if bucket == Bucket and key.startswith(Prefix))
        for key in keys:  # one key a page
            if key > StartAfter:
                yield {"Contents": [{"Key": key}]}


class Browser:
    """A client with a session. `guard` has the secrets."""

    def __init__(self) -> None:
        self.api = FakeApi()
        self.s3 = FakeS3()
        self.guard = Guard(HOST)
        self.stack = ConsoleStack("local AWS", cast(ApiClient, self.api), cast(Any, self.s3), "input", "images")
        self.client = Client(Console(self.stack, self.guard))
        self.get(self.guard.address.removeprefix(f"http://{HOST}"))

    def get(self, path: str, **headers: str) -> Any:
        return self._open("GET", path, headers)

    def post(self, path: str, data: Mapping[str, Any] | None = None, **headers: str) -> Any:
        """With the token of the form."""
        return self._open("POST", path, headers, {"token": self.guard.form_token, **(data or {})})

    def _open(self, method: str, path: str, headers: Mapping[str, str], data: Mapping[str, Any] | None = None) -> Any:
        named = {"Host": HOST, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return self.client.open(path, base_url=f"http://{HOST}", method=method, headers=named, data=data)
