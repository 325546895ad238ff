"""The REST API of a stack, with the models of its requests and responses."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import IO, TypeVar
from urllib.parse import quote

import requests
from pydantic import BaseModel, ValidationError

from functions.core.api.responses import Accepted, Image, RunDetails, RunPage, Upload
from functions.core.model.runs import ManifestObject, run_id
from functions.core.model.types import OptionValues
from local.api_client import ApiClient

Model = TypeVar("Model", bound=BaseModel)

UPLOAD_SECONDS = 3600
"""Timeout of one read or write of an upload's connection."""


class ApiError(Exception):
    """An answer of the API that is an error, or that this version cannot read. The message is a sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class RunsApi:
    """Raises ApiError, RequestException and BotoCoreError."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    def page(self, status: str, token: str) -> RunPage:
        query = {name: value for name, value in (("status", status), ("next", token)) if value}
        return _parsed(RunPage, self._client.send("GET", "/runs", query=query))

    def run(self, name: str) -> RunDetails:
        return _parsed(RunDetails, self._client.send("GET", _path(name)))

    def start(self, urls: list[str], options: OptionValues, key: str) -> str:
        """The ID of the run."""
        body = {"urls": urls, **({"options": options} if options else {})}
        return _parsed(Accepted, self._client.send("POST", "/runs", body, headers={"Idempotency-Key": key})).run_id

    def upload(self, name: str, file: IO[bytes], size: int, options: OptionValues) -> str:
        """The ID of the run that the upload starts. It has no record until the event of the bucket has arrived."""
        body = {"name": name, **({"options": options} if options else {})}
        upload = _parsed(Upload, self._client.send("POST", "/manifests", body))
        headers = {**upload.headers, "Content-Length": str(size)}
        with self._client.http() as http:
            response = http.put(upload.url, data=file if size else b"", headers=headers, timeout=UPLOAD_SECONDS)
        if not response.ok:
            raise ApiError(response.status_code, f"S3 did not accept the upload: {response.reason}.")
        return _run_of_upload(upload.manifest, response.headers)

    def retry(self, name: str, key: str) -> str:
        """The ID of the new run."""
        response = self._client.send("POST", f"{_path(name)}/retry", headers={"Idempotency-Key": key})
        return _parsed(Accepted, response).run_id

    def cancel(self, name: str) -> RunDetails:
        return _parsed(RunDetails, self._client.send("POST", f"{_path(name)}/cancel"))

    def set_concurrency(self, name: str, batches: int) -> RunDetails:
        return _parsed(RunDetails, self._client.send("PATCH", _path(name), {"max_concurrency": batches}))

    def image(self, url: str) -> Image | None:
        """None if no image is stored for the URL."""
        response = self._client.send("GET", "/images", query={"url": url})
        return None if response.status_code == HTTPStatus.NOT_FOUND else _parsed(Image, response)


def _path(name: str) -> str:
    return f"/runs/{quote(name, safe='')}"


def _parsed(model: type[Model], response: requests.Response) -> Model:
    if not response.ok:
        raise ApiError(response.status_code, _message(response))
    try:
        return model.model_validate_json(response.content)
    except ValidationError as error:
        message = "The API answers in a form that this version does not know. Deploy the version of this checkout."
        raise ApiError(HTTPStatus.BAD_GATEWAY, message) from error


def _message(response: requests.Response) -> str:
    """The detail of a problem document, or the message of API Gateway."""
    try:
        body = response.json()
    except ValueError:
        body = {}
    found = body if isinstance(body, dict) else {}
    text = next((found[name] for name in ("detail", "message", "Message") if name in found), response.reason)
    if response.status_code == HTTPStatus.FORBIDDEN:
        return (
            f"The API refused the request: {str(text).rstrip('.')}. It needs execute-api:Invoke for your credentials."
        )
    return str(text)


def _run_of_upload(manifest: str, headers: Mapping[str, str]) -> str:
    bucket, _, key = manifest.removeprefix("s3://").partition("/")
    etag, version = headers.get("ETag", "").strip('"'), headers.get("x-amz-version-id", "")
    return run_id(ManifestObject(bucket, key, etag=etag, version_id=version))
