"""What the roles of the stack need besides a successful run: missing objects, undeliverable events, logs and traces."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.aws.cloud import Cloud
from tests.support.api import Api
from tests.support.images import png
from tests.support.indexes import wait_for_index
from tests.support.pipeline import finish, mirror
from tests.support.site import Answer, Site

FUNCTIONS = ("PrepareRun", "DownloadBatch", "PlanPass", "SummarizeRun", "IndexRun", "Api")


def _resource(cloud: Cloud, resource_type: str, prefix: str) -> str:
    """The physical ID of a resource by the beginning of its logical ID."""
    return next(
        each.physical_id for each in cloud.stack.of_type(resource_type) if each.logical_id.startswith(f"{prefix}")
    )


def _group(cloud: Cloud, name: str) -> str:
    return _resource(cloud, "AWS::Logs::LogGroup", f"{name}Log")


def _lines(cloud: Cloud, name: str) -> set[str]:
    pages = cloud.client("logs").get_paginator("filter_log_events").paginate(logGroupName=_group(cloud, name))
    return {event["message"] for page in pages for event in page["events"]}


def _invoke(cloud: Cloud, site: Site, name: str) -> None:
    if name == "Api":
        Api(cloud).request("GET", "/runs")
    else:
        manifest = site.put("/one.png", Answer(png())) + "\n"
        wait_for_index(mirror(cloud, f"{site.url[-5:]}.txt", manifest, {"passes": "1"}))
    cloud.settle()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_writes_to_its_log_group(cloud: Cloud, site: Site, name: str) -> None:
    before = _lines(cloud, name)
    _invoke(cloud, site, name)

    assert any(line.startswith("START") for line in _lines(cloud, name) - before)


def _segments(cloud: Cloud, name: str) -> set[str]:
    """The IDs of the segments of a function. The local AWS keeps the newest ones alone."""
    function, xray = _resource(cloud, "AWS::Lambda::Function", f"{name}Function"), cloud.client("xray")
    hour, now = timedelta(hours=1), datetime.now(UTC)
    found = xray.get_trace_summaries(StartTime=now - hour, EndTime=now + hour)["TraceSummaries"]
    traces = xray.batch_get_traces(TraceIds=[each["Id"] for each in found])["Traces"] if found else []
    segments = [json.loads(each["Document"]) for trace in traces for each in trace["Segments"]]
    return {segment["id"] for segment in segments if segment["name"] == function}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_sends_its_segments(cloud: Cloud, site: Site, name: str) -> None:
    before = _segments(cloud, name)
    _invoke(cloud, site, name)

    assert _segments(cloud, name) - before


def test_a_manifest_that_was_deleted_is_named_in_the_cause(cloud: Cloud, site: Site) -> None:
    """Without s3:ListBucket, S3 answers 403 instead of 404, and the run fails as a fault of the storage."""
    event = _uploaded_event(cloud, site)
    bucket, key = event["detail"]["bucket"]["name"], event["detail"]["object"]["key"]
    cloud.client("s3").delete_object(Bucket=bucket, Key=key)
    del event["detail"]["object"]["version-id"]  # as before the bucket had versions

    run = finish(cloud, cloud.engine.start_execution(cloud.outputs["StateMachineArn"], event))

    assert (run.status, run.execution["error"]) == ("FAILED", "InvalidManifest")
    assert "deleted" in run.cause


def _uploaded_event(cloud: Cloud, site: Site) -> dict[str, Any]:
    """The event of an upload, after its run."""
    mirror(cloud, f"{site.url[-5:]}.txt", site.put("/one.png", Answer(png())) + "\n")
    events = [each for each in cloud.events.recent if each["detail-type"] == "Object Created"]
    found: dict[str, Any] = json.loads(json.dumps(next(each for each in reversed(events) if _is_manifest(each))))
    return found


def _is_manifest(event: dict[str, Any]) -> bool:
    return str(event["detail"]["object"]["key"]).startswith("manifests/")


def _dead_letters(cloud: Cloud, prefix: str) -> list[dict[str, Any]]:
    url = _resource(cloud, "AWS::SQS::Queue", f"{prefix}DeadLetters")
    found = cloud.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(message["Body"]) for message in found]


def _unavailable(*_: object) -> None:
    raise RuntimeError("unavailable")


def test_an_upload_that_starts_no_run_is_a_dead_letter(
    cloud: Cloud, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = _uploaded_event(cloud, site)
    monkeypatch.setattr(cloud.engine, "start_execution", _unavailable)
    cloud.events.put({**event, "id": site.url})
    cloud.settle()

    assert site.url in [each["id"] for each in _dead_letters(cloud, "Trigger")]


def test_a_status_change_that_reaches_no_function_is_a_dead_letter(
    cloud: Cloud, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloud.functions, "invoke_later", _unavailable)
    mirror(cloud, f"{site.url[-5:]}.csv", "no url column\n")
    cloud.settle()

    arns = [each["detail"]["stateMachineArn"] for each in _dead_letters(cloud, "StatusChange")]
    assert cloud.outputs["StateMachineArn"] in arns


def test_the_input_that_a_status_change_omits_is_read_from_the_execution(cloud: Cloud, site: Site) -> None:
    """EventBridge omits a large input."""
    run = mirror(cloud, f"{site.url[-5:]}.txt", site.put("/one.png", Answer(png())) + "\n")
    cloud.settle()
    arn = run.execution["executionArn"]
    event = next(each for each in cloud.events.recent if each["detail"].get("executionArn") == arn)
    detail = {**event["detail"], "status": "ABORTED", "input": None, "inputDetails": {"included": False}}

    result = cloud.functions.invoke(
        _resource(cloud, "AWS::Lambda::Function", "SummarizeRunFunction"), {**event, "detail": detail}
    )

    assert (result.error, result.payload) == (None, None)


def test_a_manifest_in_the_upload_folder_is_submitted_to_the_api(cloud: Cloud, site: Site) -> None:
    where = {"Bucket": cloud.outputs["InputBucket"], "Key": f"manifests/{site.url[-5:]}.api.txt"}
    mirror(cloud, where["Key"].removeprefix("manifests/"), site.put("/one.png", Answer(png())) + "\n")
    api = Api(cloud)

    assert api.finish(api.submit({"manifest": f"s3://{where['Bucket']}/{where['Key']}"})).status == "SUCCEEDED"
