"""The REST API of a stack, with the models of its requests and responses."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import IO, TypeVar
from urllib.parse import quote

import requests
from botocore.exceptions import BotoCoreError
from pydantic import BaseModel, ValidationError

from functions.core.api.problems import MEDIA_TYPE
from functions.core.api.responses import Accepted, Image, RunDetails, RunPage, Upload
from functions.core.model.runs import ManifestObject, run_id
from functions.core.model.types import OptionValues
from local.api_client import ApiClient, error_message
from local.console.problems import StackError, explained, problem_of

Model = TypeVar("Model", bound=BaseModel)

ERROR_TYPE = "x-amzn-ErrorType"
"""Header of the answers of API Gateway: the code of the error."""

UPLOAD_SECONDS = 3600
"""Timeout of one read or write of an upload's connection."""


class RunsApi:
    """Raises StackError."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    def page(self, status: str, token: str) -> RunPage:
        query = {name: value for name, value in (("status", status), ("next", token)) if value}
        return _parsed(RunPage, self._send("GET", "/runs", query=query))

    def run(self, name: str) -> RunDetails:
        return _parsed(RunDetails, self._send("GET", _path(name)))

    def start(self, urls: list[str], options: OptionValues, key: str) -> str:
        """The ID of the run."""
        body = {"urls": urls, **({"options": options} if options else {})}
        return _parsed(Accepted, self._send("POST", "/runs", body, headers={"Idempotency-Key": key})).run_id

    def upload(self, name: str, file: IO[bytes], size: int, options: OptionValues) -> str:
        """The ID of the run that the upload starts. It has no record until the event of the bucket has arrived."""
        body = {"name": name, **({"options": options} if options else {})}
        upload = _parsed(Upload, self._send("POST", "/manifests", body))
        headers = {**upload.headers, "Content-Length": str(size)}
        with _errors(), self._client.http() as http:
            response = http.put(upload.url, data=file if size else b"", headers=headers, timeout=UPLOAD_SECONDS)
        if not response.ok:
            raise explained("The upload to S3", response.status_code, "", response.reason)
        return _run_of_upload(upload.manifest, response.headers)

    def retry(self, name: str, key: str) -> str:
        """The ID of the new run."""
        response = self._send("POST", f"{_path(name)}/retry", headers={"Idempotency-Key": key})
        return _parsed(Accepted, response).run_id

    def cancel(self, name: str) -> RunDetails:
        return _parsed(RunDetails, self._send("POST", f"{_path(name)}/cancel"))

    def set_concurrency(self, name: str, batches: int) -> RunDetails:
        return _parsed(RunDetails, self._send("PATCH", _path(name), {"max_concurrency": batches}))

    def image(self, url: str) -> Image | None:
        """None if no image is stored for the URL."""
        response = self._send("GET", "/images", query={"url": url})
        return None if response.status_code == HTTPStatus.NOT_FOUND else _parsed(Image, response)

    def _send(
        self,
        method: str,
        path: str,
        body: object = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        with _errors():
            return self._client.send(method, path, body, query, headers)


@contextmanager
def _errors() -> Iterator[None]:
    """Raises StackError for a connection that fails, and for credentials that cannot be used."""
    try:
        yield
    except (requests.RequestException, BotoCoreError) as error:
        raise problem_of(error) or error from error


def _path(name: str) -> str:
    return f"/runs/{quote(name, safe='')}"


def _parsed(model: type[Model], response: requests.Response) -> Model:
    if not response.ok:
        raise _error(response)
    try:
        return model.model_validate_json(response.content)
    except ValidationError as error:
        message = (
            "The answer is not one that the API of this version gives. Run `./image-mirror deploy` if the stack is of"
            " another version; otherwise check the network: a proxy or a login page may have answered."
        )
        raise StackError(HTTPStatus.BAD_GATEWAY, message) from error


def _error(response: requests.Response) -> StackError:
    """The detail of a problem document is for the user; an answer of API Gateway is explained."""
    status, text = response.status_code, error_message(response)
    code = response.headers.get(ERROR_TYPE, "").partition(":")[0]
    is_of_api = response.headers.get("Content-Type", "") == MEDIA_TYPE
    is_for_user = is_of_api and status < HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.TOO_MANY_REQUESTS
    return StackError(status, text) if is_for_user else explained("The API", status, code, text)


def _run_of_upload(manifest: str, headers: Mapping[str, str]) -> str:
    bucket, _, key = manifest.removeprefix("s3://").partition("/")
    etag, version = headers.get("ETag", "").strip('"'), headers.get("x-amz-version-id", "")
    return run_id(ManifestObject(bucket, key, etag=etag, version_id=version))
