"""What a run leaves in the input bucket."""

import json
from typing import Any

import pytest
from botocore.stub import Stubber

from functions.adapters import s3_run_files as run_files
from functions.adapters.s3_run_files import S3RunFiles
from functions.core.model.errors import StorageFault

s3_stub = pytest.mark.parametrize("stubbed", ["s3"], indirect=True)


def stored(s3: Any, name: str) -> bytes:
    return bytes(s3.get_object(Bucket="input", Key=f"runs/r1/{name}")["Body"].read())


def test_lines_are_written_and_read_back(s3: Any) -> None:
    files = S3RunFiles(s3, "input", "r1")
    lines = [{"row": 1, "url": "http://a.example/\u00e9\u2028\u0085\n"}, {"row": 2}]

    files.write("results/part-1.jsonl", lines)

    assert files.lines("results/part-1.jsonl") == lines
    assert stored(s3, "results/part-1.jsonl").count(b"\n") == 2
    head = s3.head_object(Bucket="input", Key="runs/r1/results/part-1.jsonl")
    assert head["ContentType"] == "application/x-ndjson"


def test_a_part_is_replaced(s3: Any) -> None:
    files = S3RunFiles(s3, "input", "r1")
    files.write("results/part-1.jsonl", [{"row": 1}, {"row": 2}])
    files.write("results/part-1.jsonl", [{"row": 3}])

    assert files.lines("results/part-1.jsonl") == [{"row": 3}]


def test_half_a_surrogate_pair_is_written_as_json_escapes_it(s3: Any) -> None:
    files = S3RunFiles(s3, "input", "r1")
    files.write("results/part-1.jsonl", [{"name": "\ud800"}])

    assert json.loads(stored(s3, "results/part-1.jsonl").decode()) == {"name": "\ud800"}
    assert files.lines("results/part-1.jsonl") == [{"name": "\ud800"}]


def test_parts_of_one_folder_of_one_run_come_in_their_order(s3: Any) -> None:
    files = S3RunFiles(s3, "input", "r1")
    for name in ("results/part-0000000011-00", "results/part-0000000001-01", "results/part-0000000001-00"):
        files.write(f"{name}.jsonl", [{}])
    files.write("failures/part-0000000001-00.jsonl", [{}])
    files.write_text("results/other", ["x"], "text/plain")
    S3RunFiles(s3, "input", "r10").write("results/part-0000000002-00.jsonl", [{}])

    assert list(files.parts("results")) == [
        "results/part-0000000001-00.jsonl",
        "results/part-0000000001-01.jsonl",
        "results/part-0000000011-00.jsonl",
    ]


def test_a_run_without_parts_has_none(s3: Any) -> None:
    assert list(S3RunFiles(s3, "input", "r1").parts("results")) == []


def test_parts_are_listed_beyond_the_first_page(s3: Any) -> None:
    files = S3RunFiles(s3, "input", "r1")
    s3.meta.events.register("provide-client-params.s3.ListObjectsV2", lambda params, **_: {**params, "MaxKeys": 2})
    for number in range(5):
        files.write(f"results/part-{number}.jsonl", [{}])

    assert len(list(files.parts("results"))) == 5


def test_a_report_is_streamed_by_way_of_the_disk_and_comes_out_whole(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_files, "IN_MEMORY_BYTES", 10)

    S3RunFiles(s3, "input", "r1").write_text("failures.csv", (f"{n},\u00e9\n" for n in range(1_000)), "text/csv")

    assert stored(s3, "failures.csv").decode() == "".join(f"{n},\u00e9\n" for n in range(1_000))


@s3_stub
def test_what_s3_does_not_take_is_a_fault_with_its_code(stubbed: Stubber) -> None:
    stubbed.add_client_error("put_object", "AccessDenied")

    with pytest.raises(StorageFault, match=r"runs/r1/x\.jsonl \(AccessDenied\)"):
        S3RunFiles(stubbed.client, "input", "r1").write("x.jsonl", [{}])


@s3_stub
def test_what_s3_does_not_list_is_a_fault_with_its_code(stubbed: Stubber) -> None:
    stubbed.add_client_error("list_objects_v2", "AccessDenied")

    with pytest.raises(StorageFault, match=r"runs/r1/results/part- \(AccessDenied\)"):
        list(S3RunFiles(stubbed.client, "input", "r1").parts("results"))


@s3_stub
def test_what_s3_does_not_give_is_a_fault_with_its_code(stubbed: Stubber) -> None:
    stubbed.add_client_error("get_object", "NoSuchKey")

    with pytest.raises(StorageFault, match=r"runs/r1/x \(NoSuchKey\)"):
        S3RunFiles(stubbed.client, "input", "r1").lines("x")


def test_parts_come_with_their_lines_in_their_order_though_they_are_read_ahead(s3: Any) -> None:
    files = S3RunFiles(s3, "input", "r1")
    for number in range(40):
        files.write(f"results/part-{number:010d}-00.jsonl", [{"row": number}])

    found = list(files.result_parts())

    assert [name for name, _ in found] == [f"results/part-{number:010d}-00.jsonl" for number in range(40)]
    assert [lines for _, lines in found] == [[{"row": number}] for number in range(40)]


def test_files_of_uncompleted_children_are_found_below_the_map_run(s3: Any) -> None:
    files = S3RunFiles(s3, "input", "r1")
    for name in ("FAILED_0.json", "FAILED_1.json", "PENDING_0.json", "SUCCEEDED_0.json", "manifest.json"):
        files.write_text(f"map/9a/{name}", [name], "application/json")

    assert [b"".join(pieces).decode() for pieces in files.uncompleted_children()] == [
        "FAILED_0.json",
        "FAILED_1.json",
        "PENDING_0.json",
    ]


def test_metadata_travels_with_a_report(s3: Any) -> None:
    S3RunFiles(s3, "input", "r1").write_text("retry.csv", ["url\n"], "text/plain", {"batch-size": "5"})

    assert s3.head_object(Bucket="input", Key="runs/r1/retry.csv")["Metadata"] == {"batch-size": "5"}
