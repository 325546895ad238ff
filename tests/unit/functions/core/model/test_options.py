"""The options of a run and their validation."""

import json
from dataclasses import asdict, fields

import pytest

from functions.core.model.errors import InvalidManifest
from functions.core.model.option_validation import validate_options
from functions.core.model.options import Options


def test_without_any_option_the_defaults_apply() -> None:
    assert validate_options() == validate_options({}, {}) == Options()


def test_later_sources_win() -> None:
    assert validate_options({"concurrency": 1, "rounds": 2}, {"concurrency": "2"}, {"concurrency": 3}) == Options(
        concurrency=3, rounds=2
    )


def test_metadata_is_text_with_hyphens_in_its_names() -> None:
    metadata = {
        "base-url": "http://a.example",
        "Max-Concurrency": "5",
        "timeout": "2.5",
        "respect-opt-out": "false",
        "allowed-types": "PNG, svg,",
        "on-existing": "refresh",
    }

    assert validate_options(metadata) == Options(
        base_url="http://a.example",
        max_concurrency=5,
        timeout=2.5,
        respect_opt_out=False,
        allowed_types=("png", "svg"),
        on_existing="refresh",
    )


@pytest.mark.parametrize("name", ["lambdaConcur", "lambda-concur", "concurrency"])
def test_concurrency_has_its_upstream_name_too(name: str) -> None:
    assert validate_options({name: 9}).concurrency == 9


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"speed": "1"}, "There is no option 'speed'. There are: allowed_types, base_url, batch_size, concurrency,"),
        ({"concurrency": "0"}, "The option concurrency is wrong: Input should be greater than or equal to 1"),
        ({"concurrency": "many"}, "The option concurrency is wrong"),
        ({"concurrency": None}, "The option concurrency is wrong"),
        ({"batch-size": "1001"}, "The option batch_size is wrong"),
        ({"timeout": "nan"}, "The option timeout is wrong"),
        ({"timeout": "inf"}, "The option timeout is wrong"),
        ({"tolerated-failure-percentage": "101"}, "The option tolerated_failure_percentage is wrong"),
        (
            {"on-existing": "delete"},
            "The option on_existing is wrong: Input should be 'skip', 'refresh' or 'overwrite'",
        ),
        ({"allowed-types": "exe"}, "The option allowed_types has 'exe'; known are jpeg, png"),
        ({"allowed-types": ","}, "The option allowed_types is wrong"),
        ({"base-url": "x" * 2_049}, "The option base_url is wrong"),
        ({"concurrency": "x" * 1_000}, "The option concurrency is wrong"),
    ],
)
def test_an_invalid_option_is_named(given: dict[str, str], sentence: str) -> None:
    with pytest.raises(InvalidManifest) as raised:
        validate_options(given)

    assert str(raised.value).startswith(sentence)
    assert len(str(raised.value)) < 400


def test_options_survive_the_workflow() -> None:
    options = Options(allowed_types=("png",), concurrency=3, timeout=1.5)

    assert Options.from_payload(json.loads(json.dumps(asdict(options)))) == options


def test_an_option_of_a_newer_deployment_is_ignored() -> None:
    assert Options.from_payload({"concurrency": 3, "warp": 9}) == Options(concurrency=3)


def test_every_option_says_what_it_means() -> None:
    assert all(field.metadata["meaning"] for field in fields(Options))


def test_every_default_is_within_its_own_bounds() -> None:
    assert validate_options(asdict(Options())) == Options()
