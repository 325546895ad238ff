"""Who takes part, and who does not."""

from pathlib import Path

import pytest

from bench.rig import race
from bench.rig import venvs as environments
from bench.rig.race import OURS, Figure, urls
from bench.rig.venvs import Missing, python_of


def test_one_image_in_fifty_is_missing_and_hosts_take_turns() -> None:
    found = urls(["http://a", "http://b"], 100, "200ms/")

    assert found[:2] == ["http://a/200ms/0.jpg", "http://b/200ms/1.jpg"]
    assert [url for url in found if "missing" in url] == [
        "http://b/200ms/missing/49.jpg",
        "http://b/200ms/missing/99.jpg",
    ]


@pytest.mark.parametrize("counts", [{}, {"images": 97}, {"images": 98, "wrong checksums": 1}])
def test_a_contender_that_loses_an_image_has_not_run(counts: dict[str, int]) -> None:
    with pytest.raises(RuntimeError, match=r"stored \d+ of 98 images"):
        race._check(OURS, urls(["http://a"], 100), counts)


def test_a_contender_that_stores_all_that_is_there_has() -> None:
    race._check(OURS, urls(["http://a"], 100), {"images": 98})


def test_a_contender_that_cannot_be_installed_is_missing_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other.txt").write_text("nothing-of-that-name==1.0 --hash=sha256:zz\n")
    monkeypatch.setattr(environments, "FOLDER", tmp_path)
    monkeypatch.setattr(environments, "LOCKS", tmp_path)

    with pytest.raises(Missing, match=r"\w"):
        python_of("other")

    assert not (tmp_path / "other" / "ready").exists()


def test_a_figure_is_the_median_and_the_range() -> None:
    assert str(Figure.of([3.0, 1.0, 2.0])) == "2.00 (1.00 to 3.00)"
