"""Run IDs."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from functions.core.model.runs import LocalRun, ManifestObject, new_record, run_id, run_id_of, timestamp


def event(key: str = "manifests/demo.csv", **more: object) -> dict[str, object]:
    return {"detail": {"bucket": {"name": "input"}, "object": {"key": key, **more}}}


def test_an_event_names_the_object_by_its_raw_key() -> None:
    created = event("manifests/a+b%20c.csv", size=12, etag='"e1"', sequencer="s1")

    assert ManifestObject.from_event(created) == ManifestObject("input", "manifests/a+b%20c.csv", "e1", 12, "s1")


def test_a_version_takes_precedence_over_a_sequencer() -> None:
    first, repeated = (run_id_of(event(sequencer=text, **{"version-id": "v1"})) for text in ("s1", "s2"))

    assert first == repeated != run_id_of(event(sequencer="s1", **{"version-id": "v2"}))


def test_each_upload_of_a_null_version_is_a_run_of_its_own() -> None:
    first, second = (run_id_of(event(sequencer=text, **{"version-id": "null"})) for text in ("s1", "s2"))

    assert first != second == run_id_of(event(sequencer="s2"))


def test_an_event_may_leave_out_all_but_the_name() -> None:
    assert ManifestObject.from_event(event()) == ManifestObject("input", "manifests/demo.csv")


def test_an_event_without_an_object_is_an_error() -> None:
    with pytest.raises(KeyError):
        ManifestObject.from_event({"detail": {}})


def test_a_repeated_event_names_the_same_run() -> None:
    assert run_id_of(event(sequencer="s1", etag="e1")) == run_id_of(event(sequencer="s1", etag="e1"))


@pytest.mark.parametrize("other", [{"sequencer": "s2"}, {"etag": "e2"}, {"key": "manifests/x/demo.csv"}])
def test_another_upload_is_another_run(other: dict[str, str]) -> None:
    first = {"sequencer": "s1", "etag": "e1"}

    assert run_id_of(event(**{**first, **other})) != run_id_of(event(**first))


def test_the_same_key_in_another_bucket_is_another_run() -> None:
    assert run_id(ManifestObject("a", "m.csv")) != run_id(ManifestObject("b", "m.csv"))


@pytest.mark.parametrize(
    ("key", "slug"),
    [
        ("manifests/demo.csv", "demo"),
        ("manifests/2026/My Cats (2).csv.gz", "my-cats-2"),
        ("manifests/\u4e2d.csv", "run"),
        ("manifests/.csv", "run"),
        ("x" * 80 + ".csv", "x" * 40),
        ("x" * 40 + ".csv", "x" * 40),
        ("x" * 41 + ".csv", "x" * 40),
        ("a.b.csv", "a"),
        ("a/b/c", "c"),
        ("-a--0_z-9-.txt", "a-0-z-9"),
    ],
)
def test_a_run_is_called_by_its_manifests_name_and_twelve_hex(key: str, slug: str) -> None:
    name, _, digest = run_id(ManifestObject("input", key)).rpartition("-")

    assert name == slug
    assert len(digest) == 12
    assert int(digest, 16) >= 0


def test_the_name_of_a_run_never_changes() -> None:
    """By hand: `printf 'input\\nmanifests/demo.csv\\ne1\\ns1' | sha256sum`. Stored runs are found by their names."""
    assert run_id(ManifestObject("input", "manifests/demo.csv", etag="e1", sequencer="s1")) == "demo-7e58ad2bf0ea"


def test_a_record_has_the_run_and_expires_after_ninety_days() -> None:
    before = int(datetime.now(UTC).timestamp())

    record = new_record("r", ManifestObject("input", "a.csv", "e1", 12), "arn", "2026-11-23T12:00:00.000Z")

    expires_in = record.pop("expires_at") - before
    assert 90 * 24 * 60 * 60 <= expires_in <= 90 * 24 * 60 * 60 + 60
    assert record == {
        "run_id": "r",
        "kind": "run",
        "status": "running",
        "execution_arn": "arn",
        "started_at": "2026-11-23T12:00:00.000Z",
        "bucket": "input",
        "manifest_key": "a.csv",
        "etag": "e1",
        "size": 12,
    }


def test_a_record_has_the_version_if_it_is_known() -> None:
    manifest = ManifestObject("input", "a.csv", version_id="v1")

    assert new_record("r", manifest, "arn", "2026-11-23T12:00:00.000Z")["version_id"] == "v1"


def test_an_object_survives_its_event() -> None:
    manifest = ManifestObject("input", "a.csv", "e1", 12, version_id="v1")

    assert ManifestObject.from_event(manifest.as_event()) == manifest


def test_a_time_is_written_as_step_functions_writes_it() -> None:
    moment = datetime(2026, 7, 25, 14, 0, 0, 5_678, tzinfo=timezone(timedelta(hours=2)))

    assert timestamp(moment) == "2026-07-25T12:00:00.005Z"


def test_a_local_run_survives_its_text() -> None:
    local = LocalRun(command="run", out="out dir", allow="10.0.0.0/8", demo=True)

    assert LocalRun.parse(local.as_text()) == local
    assert LocalRun.parse('{"command": "up", "out": "o"}') == LocalRun(command="up", out="o")


@pytest.mark.parametrize("text", ["", "{}", '{"command": "up", "out": "o", "more": 1}'])
def test_text_that_is_no_local_run_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of two kinds
        LocalRun.parse(text)


def test_the_api_may_choose_the_name() -> None:
    assert run_id_of({**event(), "run": {"id": "mine"}}) == "mine"
    assert run_id_of({**event(), "run": None}) == run_id_of(event())
