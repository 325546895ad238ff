"""Run IDs."""

import pytest

from functions.core.model.runs import ManifestObject, run_id, run_id_of


def event(key: str = "manifests/demo.csv", **more: object) -> dict[str, object]:
    return {"detail": {"bucket": {"name": "input"}, "object": {"key": key, **more}}}


def test_an_event_names_the_object_by_its_raw_key() -> None:
    created = event("manifests/a+b%20c.csv", size=12, etag='"e1"', sequencer="s1")

    assert ManifestObject.from_event(created) == ManifestObject("input", "manifests/a+b%20c.csv", "e1", 12, "s1")


def test_a_version_takes_precedence_over_a_sequencer() -> None:
    assert ManifestObject.from_event(event(sequencer="s1", **{"version-id": "v1"})).sequencer == "v1"


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
    ],
)
def test_a_run_is_called_by_its_manifests_name_and_twelve_hex(key: str, slug: str) -> None:
    name, _, digest = run_id(ManifestObject("input", key)).rpartition("-")

    assert name == slug
    assert len(digest) == 12
    assert int(digest, 16) >= 0


def test_the_api_may_choose_the_name() -> None:
    assert run_id_of({**event(), "run": {"id": "mine"}}) == "mine"
    assert run_id_of({**event(), "run": None}) == run_id_of(event())
