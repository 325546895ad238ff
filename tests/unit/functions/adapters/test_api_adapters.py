"""Adapters of the API: executions, submitted manifests, presigned links, and the index of the runs table."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.stub import Stubber

from functions.adapters.dynamodb_runs_table import NEWEST, DynamoRunsTable
from functions.adapters.s3.manifests import S3SubmittedManifests
from functions.adapters.s3.presigned_links import S3PresignedLinks, signer
from functions.adapters.s3.run_folders import S3RunFolders
from functions.adapters.step_functions_executions import StepFunctionsExecutions, input_of
from functions.core.model.errors import StorageFault, WorkflowFault
from functions.core.model.ports import Progress, RunFolder

MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:mirror"
ARN = "arn:aws:states:eu-west-1:123456789012:execution:mirror:run-1"
MAP_RUN = "arn:aws:states:eu-west-1:123456789012:mapRun:mirror/csv:0f3a"

states_stub = pytest.mark.parametrize("stubbed", ["stepfunctions"], indirect=True)
s3_stub = pytest.mark.parametrize("stubbed", ["s3"], indirect=True)


def executions(stubbed: Stubber) -> StepFunctionsExecutions:
    return StepFunctionsExecutions(stubbed.client, MACHINE)


def add_map_run(stubbed: Stubber, *arns: str) -> None:
    runs = [{"executionArn": ARN, "mapRunArn": arn, "stateMachineArn": MACHINE, "startDate": 0} for arn in arns]
    stubbed.add_response("list_map_runs", {"mapRuns": runs}, {"executionArn": ARN, "maxResults": 1000})


@states_stub
def test_an_execution_has_the_name_of_its_run(stubbed: Stubber) -> None:
    expected = {"stateMachineArn": MACHINE, "name": "run-1", "input": '{"a": 1, "b": 2}'}
    stubbed.add_response("start_execution", {"executionArn": ARN, "startDate": 0}, expected)

    executions(stubbed).start("run-1", {"b": 2, "a": 1})

    assert executions(stubbed).arn_of("run-1") == ARN


@states_stub
def test_an_execution_that_has_started_before_is_started(stubbed: Stubber) -> None:
    stubbed.add_client_error("start_execution", "ExecutionAlreadyExists")

    executions(stubbed).start("run-1", {})


@states_stub
@pytest.mark.parametrize(("code", "stopped"), [("", True), ("ExecutionDoesNotExist", False)])
def test_an_execution_that_does_not_exist_is_not_stopped(stubbed: Stubber, code: str, stopped: bool) -> None:
    if code:
        stubbed.add_client_error("stop_execution", code)
    else:
        stubbed.add_response("stop_execution", {"stopDate": 0})

    assert executions(stubbed).stop(ARN, "Cancelled", "x") is stopped


@states_stub
def test_the_input_of_an_execution_is_read(stubbed: Stubber) -> None:
    described = {
        "executionArn": ARN,
        "stateMachineArn": MACHINE,
        "status": "ABORTED",
        "startDate": 0,
        "input": json.dumps({"detail": 1}),
    }
    stubbed.add_response("describe_execution", described, {"executionArn": ARN})

    assert input_of(stubbed.client, ARN) == {"detail": 1}


@states_stub
def test_progress_counts_the_rows_of_batches_that_have_ended(stubbed: Stubber) -> None:
    names = ("pending", "running", "succeeded", "failed", "timedOut", "aborted", "total", "resultsWritten")
    counts = dict(zip(names, (50, 20, 10, 3, 2, 1, 86, 0), strict=True))
    described = {
        "mapRunArn": MAP_RUN,
        "executionArn": ARN,
        "status": "RUNNING",
        "startDate": 0,
        "maxConcurrency": 4,
        "toleratedFailurePercentage": 100,
        "toleratedFailureCount": 0,
        "itemCounts": counts,
        "executionCounts": counts,
    }
    add_map_run(stubbed, MAP_RUN)
    stubbed.add_response("describe_map_run", described, {"mapRunArn": MAP_RUN})

    assert executions(stubbed).progress(ARN) == Progress(done=16, running=20, max_concurrency=4)


@states_stub
@pytest.mark.parametrize("code", ["ThrottlingException", "ExecutionDoesNotExist"])
def test_there_is_no_progress_while_throttled_or_before_the_execution_exists(stubbed: Stubber, code: str) -> None:
    stubbed.add_client_error("list_map_runs", code)

    assert executions(stubbed).progress(ARN) is None


@states_stub
def test_the_map_run_of_a_pass_is_the_one_that_started_last(stubbed: Stubber) -> None:
    runs = [
        {"executionArn": ARN, "mapRunArn": f"{MAP_RUN}-{start}", "stateMachineArn": MACHINE, "startDate": start}
        for start in (2, 3, 1)
    ]
    stubbed.add_response("list_map_runs", {"mapRuns": runs}, {"executionArn": ARN, "maxResults": 1000})
    stubbed.add_response("update_map_run", {}, {"mapRunArn": f"{MAP_RUN}-3", "maxConcurrency": 7})

    assert executions(stubbed).set_concurrency(ARN, 7) is True


@states_stub
def test_concurrency_is_set_on_the_map_run(stubbed: Stubber) -> None:
    add_map_run(stubbed, MAP_RUN)
    stubbed.add_response("update_map_run", {}, {"mapRunArn": MAP_RUN, "maxConcurrency": 7})

    assert executions(stubbed).set_concurrency(ARN, 7)


@states_stub
def test_concurrency_is_not_set_before_there_is_a_map_run(stubbed: Stubber) -> None:
    add_map_run(stubbed)

    assert not executions(stubbed).set_concurrency(ARN, 7)


@states_stub
def test_concurrency_is_not_set_on_a_map_run_that_has_ended(stubbed: Stubber) -> None:
    add_map_run(stubbed, MAP_RUN)
    stubbed.add_client_error("update_map_run", "ValidationException")

    assert not executions(stubbed).set_concurrency(ARN, 7)


@states_stub
@pytest.mark.parametrize(
    ("operation", "call"),
    [
        ("start_execution", lambda executions: executions.start("run-1", {})),
        ("stop_execution", lambda executions: executions.stop(ARN, "e", "c")),
        ("list_map_runs", lambda executions: executions.progress(ARN)),
        ("list_map_runs", lambda executions: executions.set_concurrency(ARN, 2)),
    ],
)
def test_a_failed_step_functions_request_is_a_fault_with_its_code(stubbed: Stubber, operation: str, call: Any) -> None:
    stubbed.add_client_error(operation, "AccessDeniedException")

    with pytest.raises(WorkflowFault, match=r"^Step Functions [A-Z][A-Za-z]+ failed \(AccessDeniedException\): "):
        call(executions(stubbed))


def test_a_manifest_is_found_as_it_was_stored(s3: Any) -> None:
    manifests = S3SubmittedManifests(s3, "input")

    put = manifests.put("submitted/r.json", b"[]")

    assert manifests.find("submitted/r.json") == put
    assert (put.size, len(put.etag)) == (2, 32)
    assert manifests.find("submitted/none.json") is None


@s3_stub
def test_an_object_without_permission_counts_as_missing(stubbed: Stubber) -> None:
    stubbed.add_client_error("head_object", "403", http_status_code=403)

    assert S3SubmittedManifests(stubbed.client, "input").find("manifests/x.csv") is None


@s3_stub
@pytest.mark.parametrize(
    ("operation", "call"),
    [("put_object", lambda manifests: manifests.put("k", b"")), ("head_object", lambda manifests: manifests.find("k"))],
)
def test_a_failed_s3_request_is_a_fault_with_its_code(stubbed: Stubber, operation: str, call: Any) -> None:
    stubbed.add_client_error(operation, "SlowDown", http_status_code=503)

    with pytest.raises(StorageFault, match=r"^S3 (Put|Head)Object failed \(SlowDown\) for k: "):
        call(S3SubmittedManifests(stubbed.client, "input"))


def test_the_folder_of_a_run_has_its_files_and_the_folders_in_it_and_nothing_of_other_runs(s3: Any) -> None:
    names = ("report.html", "summary.json", "index/part-1.parquet", "index/part-2.parquet", "a/b/c")
    keys = [*(f"runs/r-1/{name}" for name in names), "runs/r-11/other.csv", "runs/r-1x", "manifests/r-1/list.csv"]
    for key in keys:
        s3.put_object(Bucket="input", Key=key, Body="é".encode())
    folders = S3RunFolders(s3, "input")

    assert folders.find("r-1") == RunFolder({"report.html": 2, "summary.json": 2}, {"index/", "a/"})
    assert folders.find("r-2") == RunFolder({}, set())
    assert folders.read("r-1", "report.html") == "é"


@s3_stub
@pytest.mark.parametrize(
    ("operation", "call", "message"),
    [
        ("list_objects_v2", lambda folders: folders.find("r"), r"S3 ListObjectsV2 failed \(SlowDown\) for runs/r/: "),
        ("get_object", lambda folders: folders.read("r", "a"), r"S3 GetObject failed \(SlowDown\) for runs/r/a: "),
    ],
)
def test_a_folder_that_cannot_be_read_is_a_fault_with_its_code(
    stubbed: Stubber, operation: str, call: Any, message: str
) -> None:
    stubbed.add_client_error(operation, "SlowDown", http_status_code=503)

    with pytest.raises(StorageFault, match=f"^{message}"):
        call(S3RunFolders(stubbed.client, "input"))


@pytest.fixture
def new_signer() -> Iterator[None]:
    signer.cache_clear()
    yield
    signer.cache_clear()


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-east-1", "s3.us-east-1.amazonaws.com"),
        ("eu-central-1", "s3.eu-central-1.amazonaws.com"),
        ("ap-east-1", "s3.ap-east-1.amazonaws.com"),
        ("cn-north-1", "s3.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "s3.us-gov-west-1.amazonaws.com"),
    ],
)
def test_links_have_the_endpoint_of_the_region_and_are_signed_for_it(
    new_signer: None, region: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The global endpoint redirects new buckets, and rejects those of newer Regions. A bucket whose name has dots has
    no valid certificate as a host name."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)

    addresses = []
    for bucket in ("images", "my.images"):
        links = S3PresignedLinks(signer(), bucket)
        for link in (links.for_download("a b.png"), links.for_upload("a b.png", {})):
            parts = urlsplit(link)
            addresses.append(f"{parts.scheme}://{parts.netloc}{parts.path}")
            credential = parse_qs(parts.query)["X-Amz-Credential"][0]
            assert credential.split("/")[2:] == [region, "s3", "aws4_request"]

    assert addresses == [f"https://images.{host}/a%20b.png"] * 2 + [f"https://{host}/my.images/a%20b.png"] * 2


def test_links_to_a_configured_endpoint_have_the_bucket_in_their_path(
    new_signer: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The local AWS has no name for a bucket."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:8080")

    link = urlsplit(S3PresignedLinks(signer(), "images").for_download("a.png"))

    assert (link.netloc, link.path) == ("127.0.0.1:8080", "/images/a.png")


def test_links_are_signed_by_version_4_and_an_upload_s_metadata_with_them(new_signer: None) -> None:
    links = S3PresignedLinks(signer(), "input")

    upload = parse_qs(urlsplit(links.for_upload("manifests/a b.csv", {"base-url": "https://x/"})).query)
    look = urlsplit(links.for_download("runs/r/summary.json"))

    assert upload["X-Amz-SignedHeaders"] == ["host;x-amz-meta-base-url"]
    assert upload["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert upload["X-Amz-Expires"] == ["900"]
    assert look.path.endswith("/runs/r/summary.json")


@pytest.fixture
def runs(moto: None) -> DynamoRunsTable:
    client = boto3.client("dynamodb")
    names = ("run_id", "kind", "started_at")
    client.create_table(
        TableName="runs",
        KeySchema=[{"AttributeName": "run_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[
            {
                "IndexName": NEWEST,
                "KeySchema": [
                    {"AttributeName": "kind", "KeyType": "HASH"},
                    {"AttributeName": "started_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    table = DynamoRunsTable(client, "runs")
    for number in range(7):
        status = "failed" if number % 3 == 0 else "succeeded"
        table.create(
            {
                "run_id": f"r{number}",
                "kind": "run",
                "status": status,
                "execution_arn": "arn:e",
                "started_at": f"2026-11-23T11:00:0{number}.000Z",
                "options": {"timeout": 2.5, "rounds": 3},
            }
        )
    return table


def test_runs_come_newest_first_and_page_after_page(runs: DynamoRunsTable) -> None:
    pages, after = [], None
    while True:
        records, after = runs.newest(None, 3, after)
        pages.append([record["run_id"] for record in records])
        if after is None:
            break

    assert [run_id for page in pages for run_id in page] == ["r6", "r5", "r4", "r3", "r2", "r1", "r0"]
    assert all(len(page) <= 3 for page in pages)


def test_runs_of_a_status_come_alone_with_their_options_as_they_were(runs: DynamoRunsTable) -> None:
    records, _ = runs.newest("failed", 100, None)

    assert [record["run_id"] for record in records] == ["r6", "r3", "r0"]
    assert records[0]["options"] == {"timeout": 2.5, "rounds": 3}
    assert isinstance(records[0]["options"]["rounds"], int)


def test_a_run_is_created_once_and_not_changed_once_it_is_over(runs: DynamoRunsTable) -> None:
    assert not runs.create({"run_id": "r1"})
    assert runs.update_unless_over("r1", {"status": "cancelling"})
    runs.update("r1", {"ended_at": "2026-11-23T12:00:00.000Z"})

    assert not runs.update_unless_over("r1", {"status": "running"})
    assert not runs.update_unless_over("unknown", {"status": "running"})
    assert not runs.claim({"run_id": "r1", "execution_arn": "arn:e"})


def test_a_claim_leaves_what_the_api_has_recorded(runs: DynamoRunsTable) -> None:
    runs.create({"run_id": "new", "request": "fingerprint", "execution_arn": "arn:new", "status": "starting"})

    assert runs.claim({"run_id": "new", "execution_arn": "arn:new", "status": "running"})

    record = runs.get("new")
    assert record is not None
    assert (record["request"], record["status"]) == ("fingerprint", "running")
