"""Submission of a run: its record, its manifest, its execution; once for a key."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from functions.core.api.problems import Problem
from functions.core.api.requests import RetryRequest, RunRequest
from functions.core.api.responses import Accepted
from functions.core.api.submit import RunSubmission, StartRequest
from functions.core.model.errors import StorageFault, WorkflowFault
from functions.core.model.runs import ManifestObject, run_id_of
from tests.support.api_fakes import FakeExecutions, FakeLists, FakeRuns

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
URLS = {"urls": ["https://example.com/a.jpg", "https://example.com/b.jpg"]}


class World:
    def __init__(self, *records: dict[str, Any]) -> None:
        self.runs, self.lists, self.executions = FakeRuns(*records), FakeLists(), FakeExecutions()
        self._submission = RunSubmission(runs=self.runs, lists=self.lists, executions=self.executions, now=NOW)

    def submit(self, body: dict[str, Any], key: str | None = None) -> Accepted:
        return self._submission.submit(RunRequest.model_validate(body), key)

    def retry(self, run_id: str, body: dict[str, Any] | None = None, key: str | None = None) -> Accepted:
        return self._submission.retry(run_id, RetryRequest.model_validate(body) if body else None, key)


def over(run_id: str = "old", **more: Any) -> dict[str, Any]:
    record = {
        "run_id": run_id,
        "status": "failed",
        "ended_at": "2026-11-22T12:00:00.000Z",
        "started_at": "2026-11-22T11:00:00.000Z",
        "manifest_key": "manifests/old.csv",
        "options": {"concurrency": 4, "rounds": 2},
    }
    return record | more


def invalid_fields(problem: pytest.ExceptionInfo[Problem]) -> tuple[int, list[str]]:
    return problem.value.status.value, [error.field for error in problem.value.errors]


def test_a_list_is_written_down_recorded_and_started() -> None:
    world = World()

    accepted = world.submit({**URLS, "options": {"concurrency": 3}})

    key = f"submitted/{accepted.run_id}.json"
    assert json.loads(world.lists.objects[key]) == URLS["urls"]
    event = world.executions.started[accepted.run_id]
    assert run_id_of(event) == accepted.run_id
    assert ManifestObject.from_event(event) == world.lists.find(key)
    assert event["run"]["options"] == {"concurrency": 3}
    record = world.runs.records[accepted.run_id]
    assert (record["status"], record["manifest_key"]) == ("starting", key)
    assert (record["execution_arn"], record["started_at"]) == (accepted.execution_arn, "2026-11-23T12:00:00.000Z")


def test_items_keep_what_else_they_say() -> None:
    world = World()
    items = [{"url": "https://example.com/a.jpg", "key": "a.jpg", "headers": {"Accept": "image/png"}, "id": 7}]

    accepted = world.submit({"items": items})

    assert json.loads(world.lists.objects[f"submitted/{accepted.run_id}.json"]) == items


def test_the_shape_of_upstream_becomes_a_base_url_and_a_concurrency() -> None:
    world = World()

    accepted = world.submit({"baseUrl": "https://example.com", "resourcePaths": ["/a", "/b"], "lambdaConcur": 5})

    assert json.loads(world.lists.objects[f"submitted/{accepted.run_id}.json"]) == ["/a", "/b"]
    options = world.executions.started[accepted.run_id]["run"]["options"]
    assert options == {"base_url": "https://example.com", "concurrency": 5}


def test_half_a_surrogate_pair_in_a_url_is_written_down_as_it_came() -> None:
    world = World()

    accepted = world.submit({"urls": ["https://example.com/\ud800"]}, key="k")

    assert json.loads(world.lists.objects[f"submitted/{accepted.run_id}.json"]) == ["https://example.com/\ud800"]


def test_a_stored_manifest_is_run_where_it_is() -> None:
    world = World()
    world.lists.objects["manifests/list.csv"] = b"url\n"

    accepted = world.submit({"manifest": "s3://input/manifests/list.csv"})

    event = world.executions.started[accepted.run_id]
    assert ManifestObject.from_event(event) == world.lists.find("manifests/list.csv")
    assert len(world.lists.objects) == 1


@pytest.mark.parametrize(
    "uri",
    [
        "s3://input/manifests/gone.csv",
        "s3://other/manifests/list.csv",
        "s3://input/runs/x/summary.json",
        "s3://input/manifests/" + "x" * 1050,
    ],
)
def test_a_manifest_that_does_not_exist_is_refused_by_its_field(uri: str) -> None:
    world = World()
    world.lists.objects["manifests/list.csv"] = b"url\n"

    with pytest.raises(Problem) as problem:
        world.submit({"manifest": uri})

    assert invalid_fields(problem) == (422, ["manifest"])
    assert not world.runs.records


def test_without_a_key_the_same_request_is_another_run() -> None:
    world = World()

    assert world.submit(URLS).run_id != world.submit(URLS).run_id
    assert len(world.executions.started) == 2


def test_the_same_key_and_request_are_the_same_run_however_far_it_is() -> None:
    world = World()
    first = world.submit(URLS, key="k")
    world.runs.records[first.run_id]["status"] = "succeeded"

    again = world.submit(URLS, key="k")

    assert (again.run_id, again.status) == (first.run_id, "succeeded")
    assert len(world.executions.started) == 1


def test_the_same_key_with_another_request_is_refused() -> None:
    world = World()
    world.submit(URLS, key="k")

    with pytest.raises(Problem) as problem:
        world.submit({**URLS, "options": {"concurrency": 3}}, key="k")

    assert invalid_fields(problem) == (422, ["Idempotency-Key"])


@pytest.mark.parametrize("broken", ["lists", "executions"])
def test_what_was_interrupted_is_completed_by_the_same_key(broken: str) -> None:
    world = World()
    getattr(world, broken).errors.append(StorageFault("down"))
    with pytest.raises(StorageFault):
        world.submit(URLS, key="k")

    accepted = world.submit(URLS, key="k")

    assert list(world.executions.started) == [accepted.run_id]
    assert len(world.runs.records) == 1


def test_what_was_interrupted_without_a_key_is_recorded_as_failed() -> None:
    world = World()
    world.executions.errors.append(WorkflowFault("down"))

    with pytest.raises(WorkflowFault):
        world.submit(URLS)

    (record,) = world.runs.records.values()
    assert (record["status"], record["error"], "ended_at" in record) == ("failed", "NotStarted", True)


def test_a_retry_runs_the_retry_manifest_by_the_run_s_own_options() -> None:
    world = World(over(retry_manifest="runs/old/retry.csv"))
    world.lists.objects["runs/old/retry.csv"] = b"url\nhttps://example.com/a\n"

    accepted = world.retry("old", {"options": {"rounds": 5}})

    event = world.executions.started[accepted.run_id]
    assert event["detail"]["object"]["key"] == "runs/old/retry.csv"
    assert event["run"]["options"] == {"concurrency": 4, "rounds": 5}


def test_the_values_of_headers_are_in_the_execution_and_not_in_the_record() -> None:
    world = World()

    accepted = world.submit({**URLS, "options": {"headers": {"Cookie": "s3cr3t"}}})

    assert world.executions.started[accepted.run_id]["run"]["options"] == {"headers": {"Cookie": "s3cr3t"}}
    record = world.runs.records[accepted.run_id]
    assert record["options"] == {"headers": {"Cookie": "\u2026"}}
    assert "s3cr3t" not in json.dumps(record)


@pytest.mark.parametrize(("body", "sent"), [({"Cookie": "new"}, {"Cookie": "new"}), ({}, {})])
def test_a_retry_needs_the_values_of_headers_again(body: dict[str, str], sent: dict[str, str]) -> None:
    options = {"concurrency": 4, "headers": {"Cookie": "\u2026", "Referer": "\u2026"}}
    world = World(over(retry_manifest="runs/old/retry.csv", options=options))
    world.lists.objects["runs/old/retry.csv"] = b"url\nhttps://example.com/a\n"

    with pytest.raises(Problem) as problem:
        world.retry("old")
    accepted = world.retry("old", {"options": {"headers": body}})

    assert invalid_fields(problem) == (422, ["options.headers"])
    assert problem.value.errors[0].message == (
        "The values of the headers of run old are not recorded: Cookie, Referer. "
        "Set them again, or set {} to send none."
    )
    assert world.executions.started[accepted.run_id]["run"]["options"] == {"concurrency": 4, "headers": sent}


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [
        ({"Host": "b.example"}, "Option 'headers': The header Host cannot be set: "),
        ({"A": "1", "a": "2"}, "Option 'headers': The header a is set twice"),
        ({"Cookie": "\u2026"}, "Option 'headers': The value of the header Cookie is missing"),
    ],
)
def test_headers_that_cannot_be_sent_are_a_problem(headers: dict[str, str], sentence: str) -> None:
    with pytest.raises(Problem) as problem:
        World().submit({**URLS, "options": {"headers": headers}})

    assert invalid_fields(problem) == (422, ["options"])
    assert problem.value.errors[0].message.startswith(sentence)


def test_a_run_that_was_cancelled_before_its_manifest_was_read_is_run_again_whole() -> None:
    world = World(over(status="cancelled", stored=0))
    world.lists.objects["manifests/old.csv"] = b"url\n"

    accepted = world.retry("old")

    assert world.executions.started[accepted.run_id]["detail"]["object"]["key"] == "manifests/old.csv"


@pytest.mark.parametrize(
    ("record", "status"),
    [
        (over("other"), 404),
        (over(), 409),
        (over(status="cancelled", stored=1), 409),
        (over(retry_manifest="runs/old/expired.csv"), 409),
        ({**over(), "status": "running", "retry_manifest": None} | {"ended_at": None}, 409),
    ],
)
def test_a_run_without_anything_to_retry_is_a_problem(record: dict[str, Any], status: int) -> None:
    world = World({name: value for name, value in record.items() if value is not None})

    with pytest.raises(Problem) as problem:
        world.retry("old")

    assert problem.value.status == status
    assert not world.executions.started


@pytest.mark.parametrize(("length", "message"), [(1024, None), (1025, "The object does not exist.")])
def test_a_key_is_looked_up_if_s3_can_have_it(length: int, message: str | None) -> None:
    world = World()
    key = "manifests/" + "\u00e9" * ((length - 10) // 2) + "x" * (length % 2)
    world.lists.objects[key] = b"url\n"

    if message is None:
        assert world.submit({"manifest": f"s3://input/{key}"}).status == "starting"
        return
    with pytest.raises(Problem) as raised:
        world.submit({"manifest": f"s3://input/{key}"})
    assert [(error.field, error.message) for error in raised.value.errors] == [("manifest", message)]


def test_a_run_is_named_by_its_kind_and_sixteen_hex_digits() -> None:
    """By hand: `printf k | sha256sum`."""
    world = World(over(retry_manifest="manifests/old.csv"))
    world.lists.objects["manifests/old.csv"] = b"url\n"

    assert world.submit(URLS, key="k").run_id == "api-8254c329a92850f6"
    assert world.retry("old", key="k").run_id == "retry-8254c329a92850f6"
    kind, _, digits = world.submit(URLS).run_id.partition("-")
    assert (kind, len(digits), int(digits, 16) > 0) == ("api", 16, True)


def test_the_fingerprint_of_a_request_never_changes() -> None:
    """By hand: `printf 'api\\nx' | sha256sum`. Records have it, and a repeated request is compared with them."""
    request = StartRequest("api", "x", b"", {})

    assert request.fingerprint == "146a558b58ea5b2098218bbad6b2e96d393078761dd4f98ee7b3e25bc4e0e3ac"
    assert StartRequest("api", "\ud800", b"", {}).fingerprint != request.fingerprint


@pytest.mark.parametrize("key", ["manifests/list.csv", "submitted/api-1.json"])
def test_a_stored_manifest_may_be_uploaded_or_submitted_before(key: str) -> None:
    world = World()
    world.lists.objects[key] = b"url\n"

    assert world.submit({"manifest": f"s3://input/{key}"}).status == "starting"


def test_a_manifest_elsewhere_is_refused_with_the_places_where_it_may_be() -> None:
    with pytest.raises(Problem) as raised:
        World().submit({"manifest": "s3://input/runs/list.csv"})

    message = "Must be the URI of an object under s3://input/manifests/ or s3://input/submitted/."
    assert [error.message for error in raised.value.errors] == [message]


def test_a_run_that_was_cancelled_before_its_manifest_was_read_is_run_again_in_its_version() -> None:
    world = World(over(status="cancelled", stored=0, version_id="v1"))
    world.lists.objects["manifests/old.csv"] = b"url\n"

    accepted = world.retry("old")

    assert world.executions.started[accepted.run_id]["detail"]["object"]["version-id"] == "v1"


def test_a_run_whose_version_was_deleted_before_it_was_read_is_not_run_again() -> None:
    world = World(over(status="cancelled", stored=0, version_id="v0"))
    world.lists.objects["manifests/old.csv"] = b"url\n"

    with pytest.raises(Problem) as problem:
        world.retry("old")

    assert problem.value.status.value == 409


@pytest.mark.parametrize(
    "body",
    [
        URLS,
        {"items": [{"url": "https://example.com/a.jpg"}]},
        {"baseUrl": "https://example.com", "resourcePaths": ["a.jpg"]},
        {"manifest": "s3://input/manifests/a.csv"},
    ],
    ids=["urls", "items", "resourcePaths", "manifest"],
)
def test_a_list_of_any_shape_can_be_probed(body: dict[str, Any]) -> None:
    world = World()
    world.lists.objects["manifests/a.csv"] = b"url\n"

    accepted = world.submit({**body, "probe": 300})
    by_option = world.submit({**body, "options": {"probe": 300}})

    assert accepted.probe == by_option.probe == 300
    assert world.executions.started[accepted.run_id]["run"]["options"]["probe"] == 300
    assert world.runs.records[accepted.run_id]["options"]["probe"] == 300


def test_the_answer_about_a_run_has_no_probe() -> None:
    assert World().submit(URLS).probe is None


def test_a_probe_with_the_same_key_as_a_run_is_another_request() -> None:
    world = World()
    world.submit(URLS, "k")

    with pytest.raises(Problem) as problem:
        world.submit({**URLS, "probe": 5}, "k")

    assert invalid_fields(problem) == (422, ["Idempotency-Key"])


@pytest.mark.parametrize("rows", [0, -1, 10_001, "300", 1.5, True])
def test_a_probe_has_1_to_10000_rows(rows: object) -> None:
    with pytest.raises(ValidationError, match="probe"):
        World().submit({**URLS, "probe": rows})
