"""A large manifest is checked by ranges: what its run knows then, and what is left of the limits."""

from typing import Any

import pytest

from functions.core.manifests.ranges import check
from functions.core.model.errors import InvalidManifest, StorageFault
from functions.core.model.host_limits import HostLimits, HostRule
from tests.support.fakes import FakeManifests
from tests.unit.functions.core.prepare.test_prepare import STARTED, World

ROWS = 2_000
RANGE_BYTES = 20_000


def lines(rows: int = ROWS) -> list[bytes]:
    """A tenth of the rows is of a host that has no other in the beginning or the end. Each has two lines."""
    hosts = ["late" if 900 < row <= 1100 else f"h{row % 15}" for row in range(rows)]
    return [b'"http://%s.example/%d","a\nb"\n' % (host.encode(), row) for row, host in enumerate(hosts)]


@pytest.fixture(autouse=True)
def small_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "FIRST_BYTES", 5_000)


def large(
    data: list[bytes] | None = None, key: str = "manifests/a.csv", header: bytes = b"url,title\n", **stored: Any
) -> World:
    world = World(key)
    world.manifests = FakeManifests(chunk_bytes=4096)
    world.manifests.add(key, b"".join([header, *(data or lines())]), **stored)
    world.whole_bytes = RANGE_BYTES
    return world


def test_its_rows_hosts_and_columns_are_known_before_the_run() -> None:
    world = large()
    world.host_limits = HostLimits({"late.example": HostRule(3)})

    prepared = world.prepare()

    assert (prepared["rows"], world.record["rows"], world.record["columns"]) == (ROWS, ROWS, ["title"])
    assert prepared["run"]["busy_hosts"]["late.example"][0] == 3
    assert (world.record["note"] or "").find("validated") < 0
    assert "sampled" not in world.record


def test_the_first_invocation_returns_nothing_but_its_ranges() -> None:
    world = large()

    prepared = world.preparer().prepare(world.event, "arn:1", STARTED)

    assert prepared["status"] == "checking"
    assert len(prepared["ranges"]) >= 2
    assert "format" not in world.record, "the run is claimed, and no more"


def test_a_manifest_of_the_size_of_a_range_has_none() -> None:
    world = large()
    world.whole_bytes = len(world.manifests.objects["input", "manifests/a.csv"].data)

    assert world.preparer().prepare(world.event, "arn:1", STARTED)["status"] == "ready"
    assert not any(name.startswith(check.FOLDER) for files in world.files.values() for name in files.files)


@pytest.mark.parametrize(
    ("row", "line", "message"),
    [
        (1200, b'"http://a.example/","x",y\n', "Line 2402 of the manifest has 3 fields for 2 columns"),
        (1200, b'"http://a.example/\\","x"\n', "Line 2402 of the manifest has a backslash"),
        (1999, b'"http://a.example/","x\n', "Line 4000 of the manifest has a quotation mark that is not closed"),
        (0, b'"http://a.example/","x",y\n', "Line 2 of the manifest has 3 fields for 2 columns"),
    ],
)
def test_an_error_is_found_wherever_it_is(row: int, line: bytes, message: str) -> None:
    data = lines()

    with pytest.raises(InvalidManifest, match=message):
        large([*data[:row], line, *data[row:]]).prepare()


def test_errors_of_several_ranges_are_listed_together() -> None:
    data = lines()
    for row in (100, 700, 1300, 1900):
        data[row] = b'"http://a.example/","x",y\n'

    with pytest.raises(InvalidManifest, match=r"Lines 202, 1401, 2600, 3799 of the manifest have more fields"):
        large(data).prepare()


def test_a_byte_that_is_no_text_is_found_by_its_offset() -> None:
    data = lines()
    offset = len(b"url,title\n") + sum(map(len, data[:1500])) + 3
    data[1500] = data[1500][:3] + b"\xff" + data[1500][3:]

    with pytest.raises(InvalidManifest, match=f"byte {offset} is 0xff"):
        large(data).prepare()


def test_a_template_may_name_a_column_that_only_the_middle_has() -> None:
    rows = [b'{"url": "http://a.example/%d"}\n' % row for row in range(ROWS)]
    rows[ROWS // 2] = b'{"url": "http://a.example/x", "id": 7}\n'
    world = large(rows, "manifests/a.jsonl", b"", metadata={"key-template": "{id}"})

    assert world.prepare()["status"] == "ready"
    assert world.record["columns"] == ["id"]


def test_a_manifest_that_is_gone_before_a_range_is_read_is_rejected() -> None:
    world = large(version_id="v1")
    world.preparer().prepare(world.event, "arn:1", STARTED)
    world.manifests.objects.clear()

    with pytest.raises(InvalidManifest, match=r"was replaced or deleted before it was read"):
        world.preparer().check_range(world.event, 1)


def test_a_range_is_of_the_version_that_started_the_run() -> None:
    world = large(version_id="v1")

    world.prepare()

    assert set(world.manifests.read_versions) == {"v1"}


def test_a_range_that_cannot_be_written_is_no_rejection() -> None:
    world = large()
    prepared = world.preparer().prepare(world.event, "arn:1", STARTED)
    [files] = world.files.values()
    files.faults.append(StorageFault("S3 GetObject failed"))

    with pytest.raises(StorageFault):
        world.preparer().check_range(world.event, prepared["ranges"][0])


def test_a_step_that_is_repeated_gives_the_same() -> None:
    once, repeated = large(), large()

    def prepare() -> dict[str, Any]:
        for _ in range(2):
            prepared = repeated.preparer().prepare(repeated.event, "arn:1", STARTED)
        for number in [*prepared["ranges"], *reversed(prepared["ranges"])]:
            repeated.preparer().check_range(repeated.event, number)
        for _ in range(2):
            joined = repeated.preparer().prepare(repeated.event, "arn:1", STARTED, ranges_checked=True)
        return dict(joined)

    assert prepare() == once.prepare()


def test_a_manifest_of_which_the_first_rows_are_all_has_no_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "FIRST_BYTES", 10**9)
    world = large()

    assert world.preparer().prepare(world.event, "arn:1", STARTED)["rows"] == ROWS


def test_a_manifest_that_can_be_read_in_two_ways_everywhere_is_validated_in_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(check, "MAX_FIRST_BYTES", 20_000)
    monkeypatch.setattr("functions.core.manifests.validation.SAMPLE_BYTES", 5_000)
    world = large([b'http://a.example/1,","\n'] * ROWS)

    assert world.prepare()["status"] == "ready"
    assert "Only a part of the manifest was validated" in world.record["note"]


def test_there_are_never_more_ranges_than_a_map_can_have() -> None:
    world = large()
    world.whole_bytes = 0

    prepared = world.preparer().prepare(world.event, "arn:1", STARTED)

    assert check.MAX_RANGES / 2 < len(prepared["ranges"]) <= check.MAX_RANGES
