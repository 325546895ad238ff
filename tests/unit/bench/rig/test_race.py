"""The contenders of a race, and the check of their results."""

from pathlib import Path

import pytest

from bench.rig import race, venvs
from bench.rig.race import OURS, image_urls
from bench.rig.results import Statistic
from bench.rig.venvs import InstallationError, interpreter


def test_one_image_in_fifty_is_missing_and_the_hosts_alternate() -> None:
    urls = image_urls(["http://a", "http://b"], 100, "200ms/")

    assert urls[:2] == ["http://a/200ms/0.jpg", "http://b/200ms/1.jpg"]
    assert [url for url in urls if "missing" in url] == [
        "http://b/200ms/missing/49.jpg",
        "http://b/200ms/missing/99.jpg",
    ]


@pytest.mark.parametrize("counts", [{}, {"images": 97}, {"images": 98, "wrong checksums": 1}])
def test_a_contender_that_loses_an_image_is_rejected(counts: dict[str, int]) -> None:
    with pytest.raises(RuntimeError, match=r"stored \d+ of 98 images"):
        race._check_images(OURS, image_urls(["http://a"], 100), counts)


def test_a_contender_that_stores_every_image_is_accepted() -> None:
    race._check_images(OURS, image_urls(["http://a"], 100), {"images": 98})


def test_a_contender_that_cannot_be_installed_is_missing_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other.txt").write_text("nothing-of-that-name==1.0 --hash=sha256:zz\n")
    monkeypatch.setattr(venvs, "VENVS", tmp_path)
    monkeypatch.setattr(venvs, "LOCKS", tmp_path)

    with pytest.raises(InstallationError, match=r"\w"):
        interpreter("other")

    assert not (tmp_path / "other" / "ready").exists()


def test_a_statistic_shows_the_median_and_the_range() -> None:
    assert str(Statistic.of([3.0, 1.0, 2.0])) == "2.00 (1.00 to 3.00)"
