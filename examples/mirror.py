"""Uploads a manifest, waits for its run, and shows the counts of its summary.

    python mirror.py list.csv --option on_existing=refresh --option per_host=4

It needs boto3, and credentials with the rights of github/role-policy.json. The exit status is 0 if the run succeeded, 1
if it failed or was cancelled.

After `source out/local.env` it uses the local AWS of `./image-mirror up`.
"""

import argparse
import json
import os
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError

import boto3
from boto3.exceptions import Boto3Error
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, ClientError

OUTCOMES = ("stored", "unchanged", "skipped", "duplicate", "failed")
ENDED = ("succeeded", "failed", "cancelled")
START_SECONDS = 900
"""S3 sends the first events of a new bucket about five minutes late."""


class Api:
    """GET requests to the REST API, signed with the credentials of the session."""

    def __init__(self, session: boto3.Session, url: str) -> None:
        credentials = session.get_credentials()
        if credentials is None:
            sys.exit("There are no AWS credentials. Set AWS_PROFILE, or source out/local.env.")
        self._signer = SigV4Auth(credentials, "execute-api", session.region_name)
        self._url = url.rstrip("/")

    def get(self, path: str) -> Any:
        """The JSON of the response. Raises URLError, and HTTPError for a response without success."""
        request = AWSRequest("GET", self._url + path)
        self._signer.add_auth(request)
        signed = urllib.request.Request(self._url + path, headers=dict(request.headers))
        with urllib.request.urlopen(signed) as response:
            return json.load(response)


def stack_outputs(session: boto3.Session, stack_name: str) -> dict[str, str]:
    (stack,) = session.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def polls(seconds: float, interval: float) -> Iterator[None]:
    """Yields at once and after each interval, until the seconds are over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        time.sleep(interval)


def started_run(api: Api, manifest: str, interval: float) -> str:
    """The ID of the run that the upload has started."""
    for _ in polls(START_SECONDS, interval):
        for run in api.get("/runs?limit=100")["runs"]:
            if run["manifest"] == manifest:
                return str(run["run_id"])
    sys.exit(f"No run of {manifest} has started. See 'Events lost' in docs/operations.md.")


def ended_run(api: Api, run_id: str, interval: float) -> Any:
    while (run := api.get(f"/runs/{run_id}"))["status"] not in ENDED:
        time.sleep(interval)
    return run


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Upload a manifest, wait for its run, and show its counts.")
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--stack-name", default="ImageMirror")
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="option of the run")
    parser.add_argument("--interval", type=float, default=5, metavar="SECONDS", help="time between two requests")
    given = parser.parse_args()
    if not given.manifest.is_file():
        parser.error(f"{given.manifest} is not a file")
    if not all("=" in pair for pair in given.option):
        parser.error("--option takes NAME=VALUE, such as on_existing=refresh")
    return given


def main() -> int:
    given = arguments()
    session = boto3.Session()
    outputs = stack_outputs(session, given.stack_name)
    api = Api(session, os.environ.get("API_URL") or outputs["ApiUrl"])
    s3, bucket = session.client("s3"), outputs["InputBucket"]

    key = f"manifests/{uuid.uuid4().hex}/{given.manifest.name}"  # a key of its own finds the run of this upload
    metadata = dict(pair.split("=", 1) for pair in given.option)
    s3.upload_file(str(given.manifest), bucket, key, ExtraArgs={"Metadata": metadata})
    run = ended_run(api, started_run(api, f"s3://{bucket}/{key}", given.interval), given.interval)

    summary = json.load(s3.get_object(Bucket=bucket, Key=f"runs/{run['run_id']}/summary.json")["Body"])
    print(f"{run['run_id']} {run['status']}:", ", ".join(f"{summary[name]} {name}" for name in OUTCOMES))
    for reason, rows in summary["failures_by_reason"].items():
        print(f"  {reason}: {rows}")
    return 0 if run["status"] == "succeeded" else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (BotoCoreError, ClientError, Boto3Error, URLError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
