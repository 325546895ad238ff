"""Options in the metadata of an object."""

import re
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.model.errors import InvalidManifest
from functions.core.model.metadata import (
    MAX_METADATA_BYTES,
    metadata_size,
    object_metadata,
    options_from_metadata,
    options_to_metadata,
)
from functions.core.model.option_validation import validate_options
from functions.core.model.options import Options

OTHER_TOOLS = [
    "mtime", "s3cmd-attrs", "uid", "gid", "mode", "file-mtime", "file-permissions", "File-Owner", "Md5Chksum",
    "rclone-x", "cb-modifiedtime", "src_last_modified_millis", "goog-reserved-file-mtime", "x-amz-meta", "sha256",
]  # fmt: skip


@pytest.mark.parametrize("name", OTHER_TOOLS)
def test_what_other_tools_write_is_not_an_option(name: str) -> None:
    assert options_from_metadata({name: "x", "batch-size": "5"}) == {"batch-size": "5"}


@pytest.mark.parametrize("name", [*Options.__dataclass_fields__, "conzurrency", "lambdaConcur"])
def test_everything_else_is_an_option(name: str) -> None:
    for spelling in (name, name.replace("_", "-")):
        assert options_from_metadata({spelling: "x"}) == {spelling.lower(): "x"}


def test_the_user_agent_of_a_copy_service_is_not_an_option() -> None:
    assert options_from_metadata({"user-agent": "aws-datasync", "user-agent-id": "aws-datasync"}) == {}
    assert options_from_metadata({"user-agent": "Mine/1.0"}) == {"user-agent": "Mine/1.0"}


@pytest.mark.parametrize(
    "text", ["", "a", "a b", "Gr\u00f6\u00dfe", "\u56fe \u50cf", " a", "a ", "a\tb", "=?UTF-8?Q?a?=", "=?x"]
)
def test_text_is_the_same_after_its_way_through_metadata(text: str) -> None:
    metadata = options_to_metadata({"url_column": text})

    assert re.fullmatch(r"[ -~]*", metadata["url-column"])
    assert metadata["url-column"] == metadata["url-column"].strip()
    assert options_from_metadata(metadata) == {"url-column": text}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_the_same_after_its_way_through_metadata(text: str) -> None:
    assert options_from_metadata(options_to_metadata({"headers": text})) == {"headers": text}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=?UTF-8?Q?Gr=C3=B6=C3=9Fe?=", "Gr\u00f6\u00dfe"),
        ("=?utf-8?b?R3LDtg==?= =?utf-8?b?w59l?=", "Gr\u00f6\u00dfe"),
        ("=?iso-8859-1?q?Gr=F6?=", "Gr\u00f6"),
        ("Gr\u00f6\u00dfe", "Gr\u00f6\u00dfe"),
        ("=?UTF-8?B?A?=", "=?UTF-8?B?A?="),
        ("=?UTF-8?B?/w==?=", "=?UTF-8?B?/w==?="),
        ("=?none-7?Q?a?=", "=?none-7?Q?a?="),
        ("http://a/=?b", "http://a/=?b"),
    ],
)
def test_values_are_read_as_services_and_tools_write_them(value: str, text: str) -> None:
    assert options_from_metadata({"url-column": value}) == {"url-column": text}


@pytest.mark.parametrize(
    ("options", "longest"),
    [
        ({"key_template": "\u56fe" * 250 + "{row}", "url_column": "\u50cf" * 250}, "key_template"),
        (
            {"key_template": "a{row}", "url_column": "\U0001f600" * 256, "known_bad": "lists/" + "\u00e9" * 250},
            "url_column",
        ),
        (
            {
                "headers": {f"{number:02}".ljust(40, "x"): "secret" for number in range(20)},
                **{"url_column": "\u00e4" * 256, "known_bad": "lists/" + "\u00e9" * 250, "user_agent": "x" * 256},
            },
            "headers",
        ),
    ],
)
def test_options_that_a_retry_manifest_could_not_have_are_rejected(options: dict[str, object], longest: str) -> None:
    with pytest.raises(InvalidManifest) as raised:
        validate_options(options)

    assert re.fullmatch(
        "The options have [0-9],[0-9]{3} bytes; at most 2,000 are possible, because a retry manifest has them as "
        f"metadata in S3. The longest is '{longest}': shorten it.",
        str(raised.value),
    )


def test_options_of_the_maximum_length_fit_one_by_one() -> None:
    for options in ({"key_template": "\u56fe" * 250 + "{row}"}, {"url_column": "\U0001f600" * 256}):
        assert metadata_size(object_metadata(asdict(validate_options(options)))) <= MAX_METADATA_BYTES
