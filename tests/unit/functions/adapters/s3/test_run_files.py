"""Files of a run in the input bucket."""

import json
from typing import Any

import pytest
from botocore.stub import Stubber

from functions.adapters.s3 import run_files as run_files
from functions.adapters.s3.run_files import S3RunFiles
from functions.core.model.errors import StorageFault
from functions.core.model.types import PassFile

s3_stub = pytest.mark.parametrize("stubbed", ["s3"], indirect=True)


def stored(s3: Any, name: str) -> bytes:
    return bytes(s3.get_object(Bucket="input", Key=f"runs/r1/{name}")["Body"].read())


def test_lines_are_written_and_read_back(s3: Any) -> None:
    files = S3RunFiles(s3, "input", "r1")
    lines = [{"row": 1, "url": "http://a.example/\u00e9\u2028\u0085\n"}, {"row": 2}]

    files.write("results/part-1.jsonl", lines)

    assert files.read_lines("results/part-1.jsonl") == lines
    assert stored(s3, "results/part-1.jsonl").count(b"\n") == 2
    head = s3.head_object(Bucket="input", Key="runs/r1/results/part-1.jsonl")
    assert head["ContentType"] == "application/x-ndjson"


def test_a_part_is_replaced(s3: Any) -> None:
    files = S3RunFiles(s3, "input", "r1")
    files.write("results/part-1.jsonl", [{"row": 1}, {"row": 2}])
    files.write("results/part-1.jsonl", [{"row": 3}])

    assert files.read_lines("results/part-1.jsonl") == [{"row": 3}]


def test_an_unpaired_surrogate_is_written_as_a_json_escape(s3: Any) -> None:
    files = S3RunFiles(s3, "input", "r1")
    files.write("results/part-1.jsonl", [{"name": "\ud800"}])

    assert json.loads(stored(s3, "results/part-1.jsonl").decode()) == {"name": "\ud800"}
    assert files.read_lines("results/part-1.jsonl") == [{"name": "\ud800"}]


def test_parts_of_one_folder_of_one_run_come_in_their_order(s3: Any) -> None:
    files = S3RunFiles(s3, "input", "r1")
    for name in ("results/part-0000000011-00", "results/part-0000000001-01", "results/part-0000000001-00"):
        files.write(f"{name}.jsonl", [{}])
    files.write("failures/part-0000000001-00.jsonl", [{}])
    files.write_text("results/other", ["x"], "text/plain")
    S3RunFiles(s3, "input", "r10").write("results/part-0000000002-00.jsonl", [{}])

    assert list(files.part_names("results")) == [
        "results/part-0000000001-00.jsonl",
        "results/part-0000000001-01.jsonl",
        "results/part-0000000011-00.jsonl",
    ]


def test_a_run_without_parts_has_none(s3: Any) -> None:
    assert list(S3RunFiles(s3, "input", "r1").part_names("results")) == []


def test_parts_are_listed_beyond_the_first_page(s3: Any) -> None:
    files = S3RunFiles(s3, "input", "r1")
    s3.meta.events.register("provide-client-params.s3.ListObjectsV2", lambda params, **_: {**params, "MaxKeys": 2})
    for number in range(5):
        files.write(f"results/part-{number}.jsonl", [{}])

    assert len(list(files.part_names("results"))) == 5


def test_a_large_report_is_buffered_on_disk_and_complete(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_files, "MAX_IN_MEMORY_BYTES", 10)

    S3RunFiles(s3, "input", "r1").write_text("failures.csv", (f"{n},\u00e9\n" for n in range(1_000)), "text/csv")

    assert stored(s3, "failures.csv").decode() == "".join(f"{n},\u00e9\n" for n in range(1_000))


@s3_stub
def test_a_failed_write_is_a_fault_with_its_code(stubbed: Stubber) -> None:
    stubbed.add_client_error("put_object", "AccessDenied")

    with pytest.raises(StorageFault, match=r"S3 PutObject failed \(AccessDenied\) for runs/r1/x\.jsonl"):
        S3RunFiles(stubbed.client, "input", "r1").write("x.jsonl", [{}])


@s3_stub
def test_a_failed_listing_is_a_fault_with_its_code(stubbed: Stubber) -> None:
    stubbed.add_client_error("list_objects_v2", "AccessDenied")

    with pytest.raises(StorageFault, match=r"S3 ListObjectsV2 failed \(AccessDenied\) for runs/r1/results/part-"):
        list(S3RunFiles(stubbed.client, "input", "r1").part_names("results"))


@s3_stub
def test_a_failed_read_is_a_fault_with_its_code(stubbed: Stubber) -> None:
    stubbed.add_client_error("get_object", "NoSuchKey")

    with pytest.raises(StorageFault, match=r"S3 GetObject failed \(NoSuchKey\) for runs/r1/x"):
        S3RunFiles(stubbed.client, "input", "r1").read_lines("x")


def test_parts_come_with_their_lines_in_their_order_though_they_are_read_ahead(s3: Any) -> None:
    files = S3RunFiles(s3, "input", "r1")
    for number in range(40):
        files.write(f"results/part-{number:010d}-00.jsonl", [{"row": number}])

    parts = list(files.result_parts())

    assert [name for name, _ in parts] == [f"results/part-{number:010d}-00.jsonl" for number in range(40)]
    assert [lines for _, lines in parts] == [[{"row": number}] for number in range(40)]


def test_kept_items_are_read_from_their_parts(s3: Any) -> None:
    files = S3RunFiles(s3, "input", "r1")
    files.write("retries/part-0000000001-00.jsonl", [{"row": 1, "item": {"url": "http://a.example/1"}}])
    files.write("results/part-0000000001-00.jsonl", [{"row": 1}])

    assert list(files.kept_item_parts()) == [
        ("retries/part-0000000001-00.jsonl", [{"row": 1, "item": {"url": "http://a.example/1"}}])
    ]


def test_files_of_uncompleted_children_are_found_below_the_map_run(s3: Any) -> None:
    files = S3RunFiles(s3, "input", "r1")
    for name in ("FAILED_0.json", "FAILED_1.json", "PENDING_0.json", "SUCCEEDED_0.json", "manifest.json"):
        files.write_text(f"map/9a/{name}", [name], "application/json")

    assert [b"".join(chunks).decode() for chunks in files.uncompleted_children()] == [
        "FAILED_0.json",
        "FAILED_1.json",
        "PENDING_0.json",
    ]


def test_metadata_of_a_report_is_stored(s3: Any) -> None:
    S3RunFiles(s3, "input", "r1").write_text("retry.csv", ["url\n"], "text/plain", {"batch-size": "5"})

    assert s3.head_object(Bucket="input", Key="runs/r1/retry.csv")["Metadata"] == {"batch-size": "5"}


def test_rounds_that_have_started_are_unfinished_until_they_have_written_their_results(s3: Any) -> None:
    files = S3RunFiles(s3, "input", "r1")
    rounds = [f"part-{number:010d}-00.jsonl" for number in (1, 501)]

    assert [files.start_round(name) for name in rounds] == [True, True]
    files.write(f"results/{rounds[0]}", [])

    [start] = files.unfinished_rounds()
    assert start == s3.head_object(Bucket="input", Key=f"runs/r1/started/{rounds[1]}")["LastModified"]


def test_no_round_starts_after_the_run_was_closed(s3: Any) -> None:
    S3RunFiles(s3, "input", "r1").close_run()

    assert not S3RunFiles(s3, "input", "r1").start_round("part-0000000001-00.jsonl")
    assert S3RunFiles(s3, "input", "r2").start_round("part-0000000001-00.jsonl")


@s3_stub
@pytest.mark.parametrize("code", ["404", "403"])
def test_a_run_is_open_if_s3_does_not_find_that_it_was_closed(stubbed: Stubber, code: str) -> None:
    """403: DownloadBatch may not list the bucket."""
    stubbed.add_response("put_object", {})
    stubbed.add_client_error("head_object", code)

    assert S3RunFiles(stubbed.client, "input", "r1").start_round("part-0000000001-00.jsonl")


@s3_stub
def test_a_round_does_not_start_if_s3_fails(stubbed: Stubber) -> None:
    stubbed.add_response("put_object", {})
    stubbed.add_client_error("head_object", "503")

    with pytest.raises(StorageFault, match=r"^S3 HeadObject failed \(503\) for runs/r1/closed"):
        S3RunFiles(stubbed.client, "input", "r1").start_round("part-0000000001-00.jsonl")


def test_the_parts_of_each_pass_are_read_apart(s3: Any) -> None:
    """Their names are among those of the Map over the manifest: `part-0001-...` comes before `part-0001000000-...`."""
    files = S3RunFiles(s3, "input", "r1")
    names = ("0001-0000000007-0000000020-00", "0001-0000000003-0000000020-01", "0002-0000000001-0000000020-00")
    for name in ("0000000001-00", "0001000000-00", *names):
        files.write(f"results/part-{name}.jsonl", [{"row": 1}])

    assert [name for name, _ in files.result_parts()] == [
        "results/part-0000000001-00.jsonl",
        "results/part-0001000000-00.jsonl",
    ]
    assert [name for name, _ in files.result_parts(1)] == [
        "results/part-0001-0000000003-0000000020-01.jsonl",
        "results/part-0001-0000000007-0000000020-00.jsonl",
    ]
    assert [name for name, _ in files.result_parts(3)] == []


def test_what_is_known_about_the_files_of_a_pass_comes_from_their_metadata(s3: Any) -> None:
    files = S3RunFiles(s3, "input", "r1")
    item = {"row": 4, "item": {"url": "http://a.example/\ud800"}}
    files.write("passes/1/part-0000000001-00.jsonl", [item], {"rows": "1", "not-before": "1800000000.500"})
    files.write("passes/1/part-0000000009-00.jsonl", [{"row": -1}], {"rows": "0", "not-before": "0.000"})
    files.write("passes/10/part-0000000001-00.jsonl", [{"row": 1}], {"rows": "1", "not-before": "1.0"})
    files.write("passes/plan-0001.jsonl", [{"number": 1, "rows": 1, "starts_at": "2027-01-15T08:00:00.000Z"}])

    assert list(files.pass_files(1)) == [PassFile(1, 1_800_000_000.5), PassFile(0, 0.0)]
    assert list(files.deferred_items(1)) == [item]
    assert [plan["number"] for plan in files.pass_plans()] == [1]
    assert list(files.pass_files(2)) == []


@s3_stub
def test_metadata_that_cannot_be_read_are_a_fault(stubbed: Stubber) -> None:
    listed = {"Key": "runs/r1/passes/1/part-1.jsonl", "LastModified": 0}
    stubbed.add_response("list_objects_v2", {"Contents": [listed]})
    stubbed.add_client_error("head_object", "403")

    with pytest.raises(StorageFault, match=r"S3 HeadObject failed \(403\) for runs/r1/passes/1/part-1.jsonl"):
        list(S3RunFiles(stubbed.client, "input", "r1").pass_files(1))
