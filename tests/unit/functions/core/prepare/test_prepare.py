"""Logic of PrepareRun."""

import gzip
import json
from typing import Any, cast

import pytest

from functions.core.manifests.contents import inspect_items
from functions.core.manifests.ranges.tally import MAX_COLUMNS
from functions.core.manifests.validation import MAX_WHOLE_CHECK_BYTES
from functions.core.model.errors import InvalidManifest, ManifestGoneError
from functions.core.model.host_limits import NO_HOST_LIMITS, HostLimits, HostRule
from functions.core.model.options import Options
from functions.core.model.runs import LocalRun, ManifestObject, run_id_of
from functions.core.prepare import Preparer
from functions.core.prepare.shares import ConcurrencyShares, Share
from tests.support.arrow import file_of
from tests.support.fakes import FakeCopies, FakeManifests, FakeRecords, FakeRunFiles

STARTED = "2026-07-25T12:00:00.000Z"


def event(key: str, **run: Any) -> dict[str, Any]:
    created = {"key": key, "etag": "e1", "size": 9, "sequencer": "s1"}
    created_event: dict[str, Any] = {"detail": {"bucket": {"name": "input"}, "object": created}}
    return {**created_event, "run": run} if run else created_event


class World:
    def __init__(self, key: str = "manifests/demo.csv", data: bytes = b"url,id\nhttp://a/1,7\n", **stored: Any) -> None:
        self.manifests = FakeManifests()
        self.manifests.add(key, data, **stored)
        self.records = FakeRecords()
        self.copies: FakeCopies | None = FakeCopies()
        self.event = event(key)
        self.defaults: dict[str, Any] = {}
        self.local_run: LocalRun | None = None
        self.whole_bytes = MAX_WHOLE_CHECK_BYTES
        self.shares: FakeShares | None = None
        self.host_limits = NO_HOST_LIMITS
        self.files: dict[str, FakeRunFiles] = {}

    def prepare(self, arn: str = "arn:1") -> dict[str, Any]:
        """With the steps for the ranges of a large manifest."""
        preparer = self.preparer()
        prepared = preparer.prepare(self.event, arn, STARTED)
        if prepared["status"] == "checking":
            for number in prepared["ranges"]:
                self.preparer().check_range(self.event, number)
            prepared = self.preparer().prepare(self.event, arn, STARTED, ranges_checked=True)
        assert json.loads(json.dumps(prepared)) == prepared
        return prepared

    def preparer(self) -> Preparer:
        return Preparer(
            manifests=self.manifests,
            records=self.records,
            defaults=self.defaults,
            whole_bytes=self.whole_bytes,
            local_run=self.local_run,
            copies=self.copies,
            shares=cast("ConcurrencyShares | None", self.shares),
            host_limits=self.host_limits,
            run_files=lambda bucket, run_id: self.files.setdefault(f"{bucket}/runs/{run_id}", FakeRunFiles()),
        )

    @property
    def record(self) -> dict[str, Any]:
        return self.records.records[run_id_of(self.event)]


def test_the_record_of_a_local_run_says_how_it_was_started() -> None:
    local, deployed = World(), World()
    local.local_run = LocalRun(command="run", out="out", allow="10.0.0.0/8")

    local.prepare()
    deployed.prepare()

    assert LocalRun.parse(local.record["local_run"]) == local.local_run
    assert "local_run" not in deployed.record


def test_a_manifest_that_can_be_run_is_ready() -> None:
    world = World()

    prepared = world.prepare()

    run_id = run_id_of(world.event)
    assert prepared == {
        "run": {"id": run_id, "manifest": "manifests/demo.csv", "options": {}},
        "status": "ready",
        "reader": "csv",
        "manifest": {
            **{"bucket": "input", "key": "manifests/demo.csv", "version_id": "null"},
            **{"etag": "e1", "size": 20, "format": "csv"},
        },
        "rows": 1,
        "batch_size": 500,
        "max_concurrency": 40,
        "map_prefix": f"runs/{run_id}/map",
        "passes": 1000,
        "failure": None,
    }


@pytest.mark.parametrize(
    ("key", "data", "reader"),
    [
        ("m/a.csv", b"url\nhttp://a/1\n", "csv"),
        ("m/a.tsv", b"url\nhttp://a/1\n", "tsv"),
        ("m/a.txt", b"http://a/1\n", "txt"),
        ("m/a.json", b'["http://a/1"]', "json"),
        ("m/a.jsonl", b'"http://a/1"\n', "jsonl"),
        ("m/a.ndjson", b'"http://a/1"\n', "jsonl"),
    ],
)
def test_the_format_says_which_reader_is_to_read_it(key: str, data: bytes, reader: str) -> None:
    prepared = World(key, data).prepare()

    assert (prepared["reader"], prepared["rows"]) == (reader, 1)


def test_the_record_says_where_each_option_came_from() -> None:
    world = World(metadata={"Per-Host": "2", "rounds": "3", "mtime": "1"})
    world.defaults = {"per_host": 4, "timeout": 20}
    world.event["run"] = {"options": {"rounds": 2}}

    world.prepare()

    assert world.record["option_sources"] == {"per_host": "manifest", "timeout": "stack", "rounds": "request"}


def test_the_record_says_what_summarize_run_needs() -> None:
    world = World(metadata={"base-url": "http://b.example"})

    world.prepare()

    record = world.record
    assert (record["status"], record["execution_arn"], record["started_at"]) == ("running", "arn:1", STARTED)
    assert (record["format"], record["rows"], record["columns"]) == ("csv", 1, ["id"])
    assert record["options"]["base_url"] == "http://b.example"
    assert record["expires_at"] > 1_700_000_000


def test_a_second_execution_of_the_same_event_does_nothing() -> None:
    world = World()
    world.prepare("arn:1")
    before = dict(world.record)

    prepared = world.prepare("arn:2")

    assert (prepared["status"], prepared["reader"]) == ("repeated", "none")
    assert prepared["run"]["id"] == run_id_of(world.event)
    assert world.record == before


def test_an_execution_may_prepare_again_what_it_has_claimed() -> None:
    world = World()

    assert world.prepare("arn:1") == world.prepare("arn:1")


@pytest.mark.parametrize("data", [b"", b"url\n", b"\xef\xbb\xbfurl,id\r\n\r\n"])
def test_a_manifest_without_rows_is_empty(data: bytes) -> None:
    world = World(data=data)

    prepared = world.prepare()

    assert (prepared["status"], prepared["rows"], world.record["rows"]) == ("empty", 0, 0)


def test_an_empty_array_is_empty() -> None:
    assert World("m/a.json", b"[]").prepare()["status"] == "empty"


@pytest.mark.parametrize(
    ("key", "data", "sentence"),
    [
        ("manifests/a.xlsx", b"url\n", "has no supported extension"),
        ("manifests/a.csv", b"link\nhttp://a/1\n", "no url column"),
        ("manifests/a.csv", b"url\n" * 100 + b"a,b\n", "Line 101"),
        ("manifests/a.csv", "url".encode("utf-16"), "UTF-16"),
        ("manifests/a.json", b"{}", "is an array"),
        ("manifests/a.jsonl", b"x", "Line 1"),
    ],
)
def test_a_manifest_that_cannot_be_run_says_why(key: str, data: bytes, sentence: str) -> None:
    with pytest.raises(InvalidManifest, match=sentence):
        World(key, data).prepare()


def test_a_rejected_run_has_a_record_all_the_same() -> None:
    world = World(data=b"link\nx\n")
    with pytest.raises(InvalidManifest):
        world.prepare()

    assert world.record["status"] == "running"
    assert "rows" not in world.record


def test_the_request_wins_over_metadata_and_metadata_over_settings() -> None:
    world = World(metadata={"concurrency": "2", "batch-size": "20"})
    world.defaults = {"concurrency": 1, "batch_size": 10, "max_concurrency": 7}
    world.event = event("manifests/demo.csv", id="mine", options={"concurrency": 3})

    prepared = world.prepare()

    assert prepared["run"]["id"] == "mine"
    assert prepared["run"]["options"] == {"concurrency": 3, "batch_size": 20, "max_concurrency": 7}
    assert (prepared["batch_size"], prepared["max_concurrency"]) == (20, 7)


def test_an_invalid_option_rejects_the_run() -> None:
    with pytest.raises(InvalidManifest, match="concurrency"):
        World(metadata={"concurrency": "fast"}).prepare()


def test_a_manifest_that_was_replaced_is_rejected() -> None:
    with pytest.raises(InvalidManifest, match=r"'manifests/demo\.csv' was replaced or deleted"):
        World(etag="e2").prepare()


def test_a_manifest_that_was_deleted_is_rejected() -> None:
    world = World()
    world.manifests.objects.clear()

    with pytest.raises(InvalidManifest, match="was replaced or deleted"):
        world.prepare()


def test_the_users_columns_are_named_in_the_order_they_come() -> None:
    items = [{"url": "x", "b": 1}, "y", 5, {"url": "z", "a": 2, "key": "k", "b": 3}]

    contents = inspect_items(items)

    assert (contents.rows, contents.columns) == (4, ("b", "a"))


def test_rows_are_counted_beyond_the_columns_that_are_kept() -> None:
    contents = inspect_items({"url": "x", f"c{n}": 1} for n in range(MAX_COLUMNS + 50))

    assert contents.rows == MAX_COLUMNS + 50
    assert contents.columns == tuple(f"c{n}" for n in range(MAX_COLUMNS))


class FakeShares:
    """Gives each run the same share."""

    def __init__(self, share: Share) -> None:
        self.share = share
        self.asked: list[tuple[str, int, int | None]] = []

    def join(self, run_id: str, options: Options, rows: int | None) -> Share:
        self.asked.append((run_id, options.max_concurrency, rows))
        return self.share


def test_a_run_gets_its_share_of_the_account_and_keeps_what_it_requested() -> None:
    world = World(metadata={"max-concurrency": "50"})
    world.shares = FakeShares(Share(3, "At most 3 batches run at once instead of 50.", 10))

    prepared = world.prepare()

    assert world.shares.asked == [(run_id_of(world.event), 50, 1)]
    assert (prepared["max_concurrency"], prepared["run"]["lambda_concurrency"]) == (3, 10)
    record = world.record
    assert record["options"]["max_concurrency"] == 50, "a retry of the run requests it again"
    assert (record["max_concurrency"], record["requested_concurrency"]) == (3, 50)
    assert record["concurrency_note"] == "At most 3 batches run at once instead of 50."


def test_the_rows_of_a_manifest_that_is_validated_in_part_are_not_known_to_the_shares() -> None:
    world = World("manifests/demo.csv.gz", gzip.compress(b"url\n" + b"http://a.example/1\n" * 100))
    world.whole_bytes = 1000
    world.shares = FakeShares(Share(40))

    prepared = world.prepare()

    assert world.shares.asked == [(run_id_of(world.event), 40, None)]
    assert "lambda_concurrency" not in prepared["run"]


def test_a_version_in_the_event_is_read_and_handed_on() -> None:
    world = World(version_id="v1")
    world.event["detail"]["object"]["version-id"] = "v1"

    prepared = world.prepare()

    assert prepared["manifest"]["version_id"] == world.record["version_id"] == "v1"
    assert set(world.manifests.read_versions) == {"v1"}


def test_an_event_without_a_version_is_about_the_current_one() -> None:
    world = World(version_id="v1")

    prepared = world.prepare()

    assert prepared["manifest"]["version_id"] == world.record["version_id"] == "v1"
    assert set(world.manifests.read_versions) == {"v1"}


def test_an_event_with_nothing_but_a_name_is_completed() -> None:
    world = World(version_id="v1")
    world.event["detail"]["object"] = {"key": "manifests/demo.csv"}

    prepared = world.prepare()

    assert (prepared["manifest"]["etag"], prepared["manifest"]["size"]) == ("e1", 20)


def test_a_version_that_was_deleted_is_named() -> None:
    world = World(version_id="v2")
    world.event["detail"]["object"]["version-id"] = "v1"

    with pytest.raises(InvalidManifest, match=r"The version v1 of the manifest 'manifests/demo\.csv', which started"):
        world.prepare()


@pytest.mark.parametrize("source", ["metadata", "request"])
def test_the_values_of_headers_are_in_the_input_of_the_batches_and_not_in_the_record(source: str) -> None:
    world = World(metadata={"headers": "Cookie: s3cr3t"} if source == "metadata" else {})
    world.defaults = {"headers": {"Referer": "http://a.example/"}}
    if source == "request":
        world.event = event("manifests/demo.csv", options={"headers": {"Cookie": "s3cr3t"}})

    prepared = world.prepare()

    assert prepared["run"]["options"] == {"headers": {"Cookie": "s3cr3t"}}
    assert world.record["options"]["headers"] == {"Cookie": "\u2026"}
    assert "s3cr3t" not in json.dumps(world.record)


def test_headers_of_the_stack_are_not_recorded_because_a_retry_has_them_again() -> None:
    world = World()
    world.defaults = {"headers": {"Cookie": "s3cr3t"}}

    assert world.prepare()["run"]["options"] == world.defaults
    assert world.record["options"]["headers"] == {}


def test_the_column_of_a_header_is_no_column_of_the_user() -> None:
    world = World(data=b"url,header:Referer,id\nhttp://a/1,s3cr3t,7\n")

    world.prepare()

    assert world.record["columns"] == ["id"]


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        ("header:Host", "A column of the manifest is for a header (header:): The header Host cannot be set: the HTTP"),
        ("header:", "A column of the manifest is for a header (header:): The name of header 1 is not valid in HTTP"),
        ("header:A,header:a", "A column of the manifest is for a header (header:): The header a is set twice; "),
    ],
)
def test_a_column_of_a_header_that_cannot_be_set_is_an_invalid_manifest(column: str, sentence: str) -> None:
    world = World(data=f"url,{column}\nhttp://a/1,,\n".encode())

    with pytest.raises(InvalidManifest) as raised:
        world.prepare()

    assert str(raised.value).startswith(sentence)
    assert str(raised.value).endswith(" Rename or remove the column.")


COPIED = b"sep=;\nurl;title;;\nhttp://a/1;A;;\n;;;\nhttp://a/2;B;;\n"


def test_the_run_reads_a_copy_of_rows_that_step_functions_cannot_read() -> None:
    world = World(data=COPIED)

    prepared = world.prepare()

    run_id = run_id_of(world.event)
    assert (prepared["reader"], prepared["rows"], prepared["status"]) == ("jsonl", 2, "ready")
    assert prepared["run"] == {"id": run_id, "manifest": "manifests/demo.csv", "options": {}}
    key, size = f"runs/{run_id}/rows.jsonl.gz", sum(map(len, world.copies.lines)) if world.copies else 0
    assert prepared["manifest"] == {
        **{"bucket": "input", "key": key, "version_id": "v2", "etag": "e2", "size": size, "format": "jsonl"}
    }
    assert world.copies
    assert list(map(json.loads, world.copies.lines)) == [
        {"url": "http://a/1", "title": "A"},
        {"url": "http://a/2", "title": "B"},
    ]
    record = world.record
    assert (record["format"], record["rows"], record["columns"]) == ("csv-semicolon", 2, ["title"])
    assert (record["copy_key"], record["copy_version_id"], record["version_id"]) == (key, "v2", "null")
    reason = "its first line names the delimiter"
    assert record["note"] == f"The rows were copied to {key} and are numbered there, because {reason}."


def test_each_url_is_a_row_of_the_copy() -> None:
    world = World("manifests/a.json", b'[{"url": "http://a/1, http://a/2", "n": 1}, "http://a/3"]')
    world.defaults = {"split_urls": True}

    assert world.prepare()["rows"] == 3
    assert world.copies
    assert list(map(json.loads, world.copies.lines)) == [
        {"url": "http://a/1", "n": 1},
        {"url": "http://a/2", "n": 1},
        "http://a/3",
    ]


def test_a_copy_without_rows_has_no_map() -> None:
    assert World(data=b"url;title\n;\n;;;\n").prepare()["status"] == "empty"


@pytest.mark.parametrize("without_copies", [True, False])
def test_a_large_manifest_is_not_copied(without_copies: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.core.manifests.validation.SAMPLE_BYTES", 20)
    world = World(data=COPIED)
    world.whole_bytes = 20
    if without_copies:
        world.copies, world.whole_bytes = None, 1000

    with pytest.raises(InvalidManifest, match=r"as it is, because its first line names the delimiter.*one header line"):
        world.prepare()


def test_blank_rows_of_a_large_manifest_are_left_in_it() -> None:
    world = World(data=b"url;title\n;\n" + b"http://a/1;A\n" * 20)
    world.whole_bytes = 100

    assert (world.prepare()["reader"], world.record["rows"]) == ("csv-semicolon", 21)


def test_the_options_say_what_the_manifest_has_decided() -> None:
    world = World(data=b"Image Src,size\nhttp://a/1,XL\n")

    prepared = world.prepare()

    assert prepared["run"]["options"] == {"url_column": "Image Src", "own_columns": ["size"]}
    assert (world.record["options"]["url_column"], world.record["columns"]) == ("Image Src", ["size"])
    assert world.record["note"].startswith("The column Image Src was taken as url. Most values of the column size are")


def test_the_urls_of_parquet_cannot_be_split() -> None:
    world = World("manifests/a.parquet", b"PAR1")
    world.defaults = {"split_urls": True}

    with pytest.raises(InvalidManifest, match=r"split_urls is not possible for Parquet.*JSON Lines"):
        world.prepare()


def test_parquet_that_was_replaced_before_its_rows_are_read_has_no_run() -> None:
    """Step Functions reads the current object, whatever the version of the event."""
    data = file_of({"url": ["http://a.example/1"]})
    world = World("manifests/a.parquet", data)
    world.event["detail"]["object"]["size"] = len(data)
    assert world.prepare()["reader"] == "parquet"

    replaced = World("manifests/a.parquet", data)
    replaced.event["detail"]["object"]["size"] = len(data)
    describe = replaced.manifests.describe
    described: list[ManifestObject] = []

    def replaced_after_the_first(manifest: ManifestObject) -> Any:
        described.append(manifest)
        if len(described) > 1:
            raise ManifestGoneError(manifest.key)
        return describe(manifest)

    replaced.manifests.describe = replaced_after_the_first  # type: ignore[method-assign]
    with pytest.raises(InvalidManifest, match="was replaced or deleted before its rows were read, and Step Functions"):
        replaced.prepare()
    assert [manifest.version_id for manifest in described[1:]] == [""]


def rows_of(*hosts: tuple[str, int]) -> bytes:
    lines = (f"https://{host}/{row}.jpg\n" for host, rows in hosts for row in range(rows))
    return ("url\n" + "".join(lines)).encode()


def test_the_batches_get_the_limits_of_busy_hosts() -> None:
    world = World(data=rows_of(("a.example", 17), ("b.example:81", 3), ("c.example", 16)))
    world.host_limits = HostLimits({"b.example": HostRule(2)})

    run = world.prepare()["run"]

    assert run["busy_hosts"] == {"a.example": [16, 0.0], "b.example:81": [2, 0.0]}
    assert "busy_hosts_file" not in run
    assert "busy_hosts_unknown" not in run
    assert world.files == {}


def test_many_busy_hosts_are_in_a_file_of_the_run() -> None:
    world = World(data=rows_of(*((f"h{number}.example", 17) for number in range(21))))

    run = world.prepare()["run"]

    assert run["busy_hosts_file"] is True
    assert "busy_hosts" not in run
    expected = {f"h{number}.example": [16, 0.0] for number in range(21)}
    assert world.files[f"input/runs/{run['id']}"].files == {"hosts.json": [expected]}


def test_a_run_without_limits_has_no_busy_hosts() -> None:
    world = World(data=rows_of(("a.example", 100)), metadata={"host-concurrency": "0"})

    assert not any("busy" in name for name in world.prepare()["run"])


def test_the_batches_of_a_parquet_manifest_count_their_own_rows() -> None:
    data = file_of({"url": ["https://a.example/1"]})
    world = World("m/a.parquet", data)
    world.event["detail"]["object"]["size"] = len(data)
    world.host_limits = HostLimits({"example.org": HostRule(2)})

    run = world.prepare()["run"]

    assert (run["busy_hosts_unknown"], run["busy_hosts"]) == (True, {"example.org": [2, 0.0]})


def test_a_run_of_one_host_gets_the_batches_that_the_host_can_use() -> None:
    world = World(data=rows_of(("a.example", 5000)))

    prepared = world.prepare()

    assert prepared["max_concurrency"] == 3
    assert (world.record["max_concurrency"], world.record["requested_concurrency"]) == (3, 3)
    assert world.record["options"]["max_concurrency"] == 40
    assert world.record["concurrency_note"].startswith("At most 3 batches run at once instead of 40: 100 % of the rows")


def test_the_share_of_the_account_is_compared_with_what_the_hosts_can_use() -> None:
    world = World(data=rows_of(("a.example", 5000)))
    world.shares = FakeShares(Share(2, "The account is small.", 10))

    prepared = world.prepare()

    assert world.shares.asked == [(run_id_of(world.event), 3, 5000)]
    assert (prepared["max_concurrency"], world.record["requested_concurrency"]) == (2, 3)
    assert world.record["concurrency_note"].endswith("host_concurrency. The account is small.")


def test_a_list_that_cannot_be_used_ends_the_run() -> None:
    world = World(metadata={"known-bad": "lists/bad.txt"})

    with pytest.raises(InvalidManifest, match=r"s3://input/lists/bad.txt, does not exist"):
        world.prepare()
    world = World(metadata={"known-bad": "lists/bad.txt"})
    world.manifests.add("lists/bad.txt", b"0" * 64)
    prepared = world.prepare()

    assert prepared["run"]["options"] == {"known_bad": "lists/bad.txt"}
    (files,) = world.files.values()
    assert files.files == {"known_bad.json": [{"sha256": ["0" * 64]}]}


def test_the_batches_and_the_record_have_the_template_of_the_run() -> None:
    world = World(metadata={"key-template": "{date}/{run}/{id}-{row}.{ext}"})
    run_id = run_id_of(world.event)

    prepared = world.prepare()

    template = f"2026-07-25/{run_id}/{{id}}-{{row}}.{{ext}}"
    assert prepared["run"]["options"] == {"key_template": template}
    assert world.record["options"]["key_template"] == template


@pytest.mark.parametrize(
    ("key", "data", "template", "problem"),
    [
        ("a.csv", b"url,id\nhttp://a/1,7\n", "{ID}", "{ID}, which is neither a field nor a column of the manifest."),
        ("a.csv", b"http://a/1,7\n", "{column_3}", "the columns of the manifest are {column_2}."),
        ("a.txt", b"http://a/1\n", "{title}", "{title}, which is neither a field nor a column"),
        ("a.jsonl", b'{"url":"http://a/1","id":7}\n', "{url}", "{url}, which is neither a field nor a column"),
        ("a.json", b'[{"url":"http://a/1","id":7}]', "{row}{column[sha256]}", "{sha256}, which is neither"),
        ("a.parquet", file_of({"url": ["http://a/1"], "id": [7]}), "{name}-{Id}", "of the manifest are {id}."),
    ],
)
def test_a_template_with_an_unknown_field_ends_the_run(key: str, data: bytes, template: str, problem: str) -> None:
    world = World(f"manifests/{key}", data, metadata={"key-template": template})
    world.event["detail"]["object"]["size"] = len(data)

    with pytest.raises(InvalidManifest) as raised:
        world.prepare()

    assert problem in str(raised.value)
    assert "The fields are {row}, {host}, {path}, {name}, {sha256}, {ext}, {run}, {date};" in str(raised.value)


@pytest.mark.parametrize(
    ("key", "data", "template"),
    [
        ("a.csv", b"url,id\nhttp://a/1,7\n", "{id}"),
        ("a.csv", b"http://a/1,7\n", "{column_2}"),
        ("a.csv", b"url; Image Title \nhttp://a/1;x\n", "{Image Title}"),
        ("a.jsonl", b'{"url":"http://a/1"}\n{"url":"http://a/2","id":7}\n', "{id}"),
        ("a.json", b'["http://a/1"]', "{row}"),
    ],
)
def test_a_template_with_a_column_of_the_manifest_is_accepted(key: str, data: bytes, template: str) -> None:
    assert World(f"manifests/{key}", data, metadata={"key-template": template}).prepare()["status"] == "ready"


def test_of_a_large_gzipped_json_manifest_not_every_column_is_known() -> None:
    row = b'{"url":"http://a/1"}\n'
    data = gzip.compress(row * 50 + b'{"url":"http://a/2","id":7}\n' + row * 50)
    world = World("manifests/a.jsonl.gz", data, metadata={"key-template": "{id}"})
    world.whole_bytes = 100

    assert world.prepare()["status"] == "ready"


def test_a_column_with_the_name_of_a_field_is_noted() -> None:
    world = World(data=b"url,name\nhttp://a/1,7\n", metadata={"key-template": "{name}"})

    world.prepare()

    assert world.record["note"] == (
        "{name} in key_template is the last segment of the path of the URL, without its extension; "
        "{column[name]} is the column of the manifest."
    )
