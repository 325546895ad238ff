"""The bounds and the defaults of the options, as docs/manifests.md promises them."""

from typing import Any

import pytest

from functions.core.model.errors import InvalidManifest
from functions.core.model.option_validation import validate_options
from functions.core.model.options import Options

BOUNDS: tuple[tuple[str, float, float, float], ...] = (
    ("concurrency", 1, 256, 1),
    ("per_host", 1, 256, 1),
    ("max_concurrency", 1, 10_000, 1),
    ("batch_size", 1, 1000, 1),
    ("max_bytes", 1, 5_368_709_120, 1),
    ("timeout", 0.1, 60, 0.01),
    ("rounds", 1, 10, 1),
    ("min_width", 0, 100_000, 1),
    ("min_height", 0, 100_000, 1),
    ("tolerated_failure_percentage", 0, 100, 0.01),
)


@pytest.mark.parametrize(("name", "least", "most", "step"), BOUNDS)
def test_a_number_is_accepted_up_to_its_bounds(name: str, least: float, most: float, step: float) -> None:
    for value in (least, most):
        assert getattr(validate_options({name: value}), name) == value
    for value in (least - step, most + step):
        with pytest.raises(InvalidManifest, match=f"Option '{name}' must be"):
            validate_options({name: value})


@pytest.mark.parametrize(
    ("name", "longest"), [("base_url", "https://" + "x" * 2040), ("user_agent", "x" * 256), ("user_agent", " ~")]
)
def test_a_text_is_accepted_up_to_its_length(name: str, longest: str) -> None:
    assert getattr(validate_options({name: longest}), name) == longest
    if len(longest) > 2:
        with pytest.raises(InvalidManifest, match=f"Option '{name}' must be"):
            validate_options({name: longest + "x"})


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("on_existing", ["skip", "refresh", "overwrite"]),
        ("storage_class", ["STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING", "GLACIER_IR"]),
    ],
)
def test_every_choice_is_accepted(name: str, choices: list[str]) -> None:
    assert [getattr(validate_options({name: choice}), name) for choice in choices] == choices


def test_every_image_type_is_accepted_and_svg_by_request_alone() -> None:
    types = ("jpeg", "png", "gif", "webp", "avif", "heic", "tiff", "bmp", "ico", "jxl", "jp2", "j2k")

    assert Options().allowed_types == types
    assert validate_options({"allowed_types": ",".join((*types, "svg"))}).allowed_types == (*types, "svg")


def test_the_defaults_are_those_of_the_documentation() -> None:
    expected: dict[str, Any] = {
        "concurrency": 24,
        "per_host": 8,
        "max_concurrency": 40,
        "batch_size": 500,
        "base_url": "",
        "on_existing": "skip",
        "max_bytes": 26_214_400,
        "timeout": 30,
        "rounds": 4,
        "min_width": 0,
        "min_height": 0,
        "respect": ("noai",),
        "respect_opt_out": True,
        "storage_class": "STANDARD",
        "tolerated_failure_percentage": 50,
        "user_agent": "",
    }

    assert {name: getattr(Options(), name) for name in expected} == expected


@pytest.mark.parametrize("url", ["http://a.example", "https://a.example", "HTTP://A.example", "HTTPS://A.example"])
def test_a_base_url_may_have_either_scheme_in_any_case(url: str) -> None:
    assert validate_options({"base_url": url}).base_url == url


@pytest.mark.parametrize("url", ["a.example", "ftp://a.example", "http:/a.example", "https:a.example"])
def test_another_base_url_is_rejected(url: str) -> None:
    with pytest.raises(InvalidManifest, match="Option 'base_url' must be an absolute URL"):
        validate_options({"base_url": url})
