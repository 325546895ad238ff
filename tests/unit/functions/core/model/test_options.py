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
        "respect": "NoAI, tdmrep,",
        "respect-opt-out": "false",
        "allowed-types": "PNG, svg,",
        "on-existing": "refresh",
    }

    assert validate_options(metadata) == Options(
        base_url="http://a.example",
        max_concurrency=5,
        timeout=2.5,
        respect=("noai", "tdmrep"),
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
        (
            {"speed": "1"},
            "There is no option 'speed'. The options are: accept_truncated, allowed_types, base_url, ",
        ),
        ({"concurency": "1"}, "There is no option 'concurency'. Did you mean 'concurrency'?"),
        ({"concurrency": "0"}, "Option 'concurrency' must be a whole number from 1 to 256; received '0'."),
        ({"concurrency": "many"}, "Option 'concurrency' must be a whole number from 1 to 256; received 'many'."),
        ({"concurrency": None}, "Option 'concurrency' must be a whole number from 1 to 256; received null."),
        ({"batch-size": "1001"}, "Option 'batch_size' must be a whole number from 1 to 1,000; received '1001'."),
        ({"timeout": "nan"}, "Option 'timeout' must be a number from 0.1 to 60; received 'nan'."),
        ({"timeout": "inf"}, "Option 'timeout' must be a number from 0.1 to 60; received 'inf'."),
        (
            {"tolerated-failure-percentage": "101"},
            "Option 'tolerated_failure_percentage' must be a number from 0 to ",
        ),
        (
            {"on-existing": "delete"},
            "Option 'on_existing' must be one of skip, refresh or overwrite; received 'delete'.",
        ),
        ({"allowed-types": "exe"}, "Option 'allowed_types' must be one or more of jpeg, png, "),
        (
            {"respect": "noai,gdpr"},
            "Option 'respect' must be none or more of noai, aipref, tdmrep, iptc; received 'gdpr'.",
        ),
        ({"respect": 1}, "Option 'respect' must be none or more of noai, aipref, tdmrep, iptc; received 1."),
        ({"allowed-types": ","}, "Option 'allowed_types' must be one or more of jpeg, png, "),
        ({"base-url": "x" * 2_049}, "Option 'base_url' must be an absolute URL of up to 2,048 characters"),
        ({"user-agent": "J\u00f6rg"}, "Option 'user_agent' must be printable ASCII text of up to 256 characters;"),
        ({"concurrency": "x" * 1_000}, "Option 'concurrency' must be a whole number from 1 to 256; received 'xxx"),
    ],
)
def test_an_invalid_option_is_named(given: dict[str, str], sentence: str) -> None:
    with pytest.raises(InvalidManifest) as raised:
        validate_options(given)

    assert str(raised.value).startswith(sentence)
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize(
    ("given", "respected"),
    [
        ({}, {"noai"}),
        ({"respect_opt_out": "false"}, set()),
        ({"respect": ""}, set()),
        ({"respect": []}, set()),
        ({"respect": "iptc"}, {"iptc"}),
        ({"respect": "iptc,noai,iptc"}, {"iptc", "noai"}),
        ({"respect": "iptc,noai", "respect_opt_out": "false"}, {"iptc"}),
        ({"respect": "noai,aipref,tdmrep,iptc"}, {"noai", "aipref", "tdmrep", "iptc"}),
    ],
)
def test_a_row_fails_by_the_signals_in_respect_and_noai_by_both_options(
    given: dict[str, str], respected: set[str]
) -> None:
    assert validate_options(given).respected_signals() == respected


def test_options_survive_the_workflow() -> None:
    options = Options(allowed_types=("png",), respect=(), concurrency=3, timeout=1.5)

    assert Options.from_payload(json.loads(json.dumps(asdict(options)))) == options


def test_an_option_of_a_newer_deployment_is_ignored() -> None:
    assert Options.from_payload({"concurrency": 3, "warp": 9}) == Options(concurrency=3)


def test_every_option_says_what_it_means() -> None:
    assert all(field.metadata["meaning"] for field in fields(Options))


def test_every_default_is_within_its_own_bounds() -> None:
    assert validate_options(asdict(Options())) == Options()
