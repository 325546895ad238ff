"""The stack: the synthesized template, deployed by another CloudFormation, and its runs in another Step Functions."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.second_opinions.programs import Service
from tests.second_opinions.stack import Run, Stack, deploy, supported, template, upload
from tests.support.images import png
from tests.support.site import Site


@pytest.fixture(scope="module")
def stack(ministack: Service, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    return deploy(ministack, tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as site:
        for number in (1, 2):
            site.put(f"/{number}.png", png(note=str(number).encode()))
        yield site


@pytest.fixture(scope="module")
def empty_run(stack: Stack) -> Run:
    return stack.run("manifests/empty.csv", b"url\n")


@pytest.fixture(scope="module")
def run(stack: Stack, site: Site) -> Run:
    rows = "".join(f"{site.url}/{name}.png\n" for name in ("1", "2", "missing"))
    return stack.run("manifests/three.csv", f"url\n{rows}".encode())


# The template


def test_the_template_is_accepted_whole(ministack: Service, tmp_path: Path) -> None:
    url = upload(ministack, template(), tmp_path)

    ministack.client("cloudformation").create_stack(
        StackName="whole", TemplateURL=url, Capabilities=["CAPABILITY_NAMED_IAM"]
    )


def test_every_other_resource_is_created(stack: Stack) -> None:
    assert set(stack.resources) == set(supported(template())["Resources"])


def test_the_outputs_are_those_of_the_template(stack: Stack) -> None:
    assert set(stack.outputs) == set(template()["Outputs"])


# Runs


def test_an_upload_starts_an_execution_through_the_rule(run: Run) -> None:
    started = json.loads(run.history[0]["executionStartedEventDetails"]["input"])

    assert started["detail-type"] == "Object Created"
    assert started["detail"]["object"]["key"] == "manifests/three.csv"


def test_prepare_run_validates_the_manifest_and_the_route_leads_to_its_map(run: Run) -> None:
    assert run.output("PrepareRun")["rows"] == 3
    assert run.states[:3] == ["PrepareRun", "Route", "Map CSV"]


def test_the_map_gives_its_children_batches_and_they_store_the_images(run: Run) -> None:
    assert run.status == "SUCCEEDED"


def test_a_run_without_rows_passes_by_the_map_and_succeeds(empty_run: Run) -> None:
    assert empty_run.status == "SUCCEEDED"
    assert [state for state in empty_run.states if "Map" in state] == []
    assert json.loads(empty_run.file("summary.json"))["rows"] == 0


def test_rows_whose_batch_failed_are_reconciled_and_fail_the_run(run: Run, site: Site) -> None:
    summary = json.loads(run.file("summary.json"))

    assert (run.status, run.states[-1]) == ("FAILED", "RunFailed")
    assert (summary["rows"], summary["failures_by_reason"]) == (3, {"batch_crashed": 3})
    assert [line for line in run.file("retry.csv").splitlines() if site.url in line] == [
        f"{site.url}/{name}.png" for name in ("1", "2", "missing")
    ]


def test_the_end_of_a_run_is_published(run: Run, empty_run: Run) -> None:
    assert [notice["status"] for notice in empty_run.notices] == ["succeeded"]
    assert [notice["status"] for notice in run.notices] == ["failed"]


def test_a_child_with_a_batch_stores_its_images_rows_and_results(stack: Stack, site: Site, child: str) -> None:
    result = run_child(stack, site, child)

    counts = json.loads(result["output"])["counts"]
    assert (counts["stored"], counts["failed"]) == (2, 1)
    objects = stack.client("s3").list_objects_v2(Bucket=stack.outputs["ImagesBucket"])["Contents"]
    items = stack.client("dynamodb").scan(TableName=stack.outputs["ImagesTable"])["Items"]
    assert {item["object_key"]["S"] for item in items} == {listed["Key"] for listed in objects}
    assert {item["url"]["S"] for item in items} == {f"{site.url}/1.png", f"{site.url}/2.png"}


def test_a_batch_fails_without_a_permission_of_its_role(stack: Stack, site: Site, child: str) -> None:
    """Permissions are enforced, so that the checks which pass are evidence for the grants of the stack."""
    iam, role = stack.client("iam"), stack.resource("DownloadBatchRole")
    for action in ("s3:PutObject", "dynamodb:BatchGetItem"):
        denied = {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": action, "Resource": "*"}}
        iam.put_role_policy(RoleName=role, PolicyName="denied", PolicyDocument=json.dumps(denied))
        result = run_child(stack, site, child)
        iam.delete_role_policy(RoleName=role, PolicyName="denied")

        assert result["status"] == "FAILED", action
        assert "AccessDenied" in result["cause"], result["cause"]


@pytest.fixture(scope="module")
def child(stack: Stack) -> str:
    """The ARN of the deployed child workflow, as a state machine of its own."""
    states = stack.client("stepfunctions")
    deployed = states.describe_state_machine(stateMachineArn=stack.outputs["StateMachineArn"])
    processor = json.loads(deployed["definition"])["States"]["Map CSV"]["ItemProcessor"]
    workflow = json.dumps({name: processor[name] for name in ("StartAt", "States")})
    created = states.create_state_machine(
        name="child", definition=workflow, roleArn=deployed["roleArn"], type="EXPRESS"
    )
    return str(created["stateMachineArn"])


def run_child(stack: Stack, site: Site, child: str) -> dict[str, Any]:
    """The execution of a batch as ItemBatcher makes it. Existing images are downloaded again."""
    options = {"rounds": 1, "on_existing": "overwrite"}
    batch = {
        "BatchInput": {"run": {"id": "second-opinion", "manifest": "manifests/three.csv", "options": options}},
        "Items": [
            {"row": row, "item": {"url": f"{site.url}/{name}.png"}} for row, name in enumerate(("1", "2", "missing"))
        ],
    }
    states = stack.client("stepfunctions")
    execution: dict[str, Any] = states.start_sync_execution(stateMachineArn=child, input=json.dumps(batch))
    return execution


# The API


def test_the_api_lists_the_runs_and_requires_a_signature(stack: Stack, run: Run, empty_run: Run) -> None:
    listed = stack.request("/runs").json()["runs"]

    assert {record["status"] for record in listed} == {"succeeded", "failed"}
    assert stack.request("/runs", signed=False).status_code == 403


def test_the_api_shows_a_run(stack: Stack, run: Run) -> None:
    run_id = run.output("SummarizeRun")["run_id"]

    assert stack.request(f"/runs/{run_id}").json()["counts"]["failed"] == 3
    assert stack.request("/runs/unknown").status_code == 404
