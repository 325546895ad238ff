"""The options of a run and their validation."""

import json
from dataclasses import asdict, fields

import pytest

from cdk.workflow.definition import BATCH_BYTES
from functions.core.manifests.contents import MAX_ITEM_BYTES
from functions.core.model.errors import InvalidManifest
from functions.core.model.headers import (
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    MAX_NAME_CHARACTERS,
    parse_headers,
    recorded_options,
)
from functions.core.model.metadata import MAX_METADATA_BYTES, options_to_metadata
from functions.core.model.option_validation import validate_options
from functions.core.model.options import IMAGE_TYPES, OPTION_DEFAULTS, Options


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
        ({"headers": "Referer"}, "Option 'headers': Line 1 of the headers has no colon: write 'Name: value'."),
        ({"headers": '{"Host": "b.example"}'}, "Option 'headers': The header Host cannot be set: the HTTP client sets"),
        ({"headers": "User-Agent: x"}, "Option 'headers': User-Agent has an option of its own: user_agent."),
        (
            {"headers": '{"Referer": "\\u2026"}'},
            "Option 'headers': The value of the header Referer is missing: values ",
        ),
        ({"user-agent": "J\u00f6rg"}, "Option 'user_agent' must be printable ASCII text of up to 256 characters;"),
        ({"concurrency": "x" * 1_000}, "Option 'concurrency' must be a whole number from 1 to 256; received 'xxx"),
    ],
)
def test_an_invalid_option_is_named(given: dict[str, str], sentence: str) -> None:
    with pytest.raises(InvalidManifest) as raised:
        validate_options(given)

    assert str(raised.value).startswith(sentence)
    assert len(str(raised.value)) < 500


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


@pytest.mark.parametrize(
    "headers",
    [
        {"Referer": "http://a.example/", "X-Empty": ""},
        '{"Referer": "http://a.example/"}',
        "Referer: http://a.example/",
        "\n Referer :http://a.example/ \r\nX-Empty:\n",
    ],
)
def test_headers_are_an_object_or_text(headers: object) -> None:
    options = validate_options({"headers": {"Cookie": "a=b"}}, {"headers": headers})

    assert options.headers == {"Referer": "http://a.example/"}
    assert validate_options(options_to_metadata(asdict(options))) == options
    assert Options.from_payload(json.loads(json.dumps(asdict(options)))) == options


def test_headers_can_be_taken_back() -> None:
    assert validate_options({"headers": {"Cookie": "a=b"}}, {"headers": {}}) == Options()
    assert validate_options({"headers": {"Cookie": "a=b"}}, {"headers": ""}) == Options()


@pytest.mark.parametrize(
    "headers",
    [
        "s3cr3t",
        "Cookie s3cr3t",
        "s3cr3t=1: 2",
        '{"Cookie": "s3cr3t"',
        '{"Cookie: s3cr3t": ""}',
        {"Cookie": ["s3cr3t"]},
        ["Cookie: s3cr3t"],
        "Cookie: s3cr3t\u4e2d",
        {"X-A": "s3cr3t" * 1000},
        '{"Host": "s3cr3t"}',
    ],
)
def test_no_message_about_headers_and_no_representation_has_a_value(headers: object) -> None:
    with pytest.raises(InvalidManifest) as raised:
        validate_options({"headers": headers})

    assert "s3cr3t" not in str(raised.value)
    assert "s3cr3t" not in repr(Options(headers={"Cookie": "s3cr3t"}))


def test_the_options_of_a_batch_leave_room_for_the_longest_row() -> None:
    """Headers, the base URL and the key of the manifest are the long ones."""
    headers = {f"X-{number}": '"' * 90 for number in range(MAX_HEADERS)}
    options = validate_options(
        {"headers": headers, "base_url": "http://" + "x" * 2_041, "user_agent": "x" * 256, "on_existing": "overwrite"}
    )
    run = {"id": "x" * 80, "manifest": "x" * 1024, "options": asdict(options), "keep_items": True}
    items = [{"row": 10**8, "item": "", "tried": True}]

    size = len(json.dumps({"BatchInput": {"run": run}, "Items": items}))

    assert MAX_HEADER_BYTES * 0.9 < len(json.dumps(headers)) <= MAX_HEADER_BYTES
    assert size + MAX_ITEM_BYTES <= BATCH_BYTES


def test_the_names_of_headers_fit_into_the_metadata_of_the_retry_manifest() -> None:
    options = {
        name: "x" * 256 if name == "user_agent" else 10**6 + (number or 1)
        for number, name in enumerate(OPTION_DEFAULTS)
        if name not in ("base_url", "allowed_types", "headers")
    }
    headers = {f"{number:02d}".ljust(MAX_NAME_CHARACTERS, "x"): "1" for number in range(MAX_HEADERS)}
    recorded = recorded_options({**options, "allowed_types": ["svg", *IMAGE_TYPES], "headers": parse_headers(headers)})

    metadata = options_to_metadata(recorded)

    assert sum(len(name) + len(value) for name, value in metadata.items()) <= MAX_METADATA_BYTES


def test_the_users_own_columns_are_those_that_would_be_checks() -> None:
    assert validate_options({"own-columns": "size, MD5", "split-urls": "true"}) == Options(
        own_columns=("size", "md5"), split_urls=True
    )
    with pytest.raises(InvalidManifest, match=r"must be none or more of sha256, md5, size, headers; .*'key'"):
        validate_options({"own_columns": "key"})
