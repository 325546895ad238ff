"""The setting `host_limits`."""

import json
from datetime import date
from typing import Any

import pytest

from cdk.host_limits import SHIPPED
from cdk.settings import Settings, SettingsError
from functions.core.model.host_limits import HostLimits, HostRule
from functions.core.model.types import HostLimit

OPTION = HostLimit(16)


def limits(value: object) -> HostLimits:
    return Settings.from_context({"host_limits": value}).all_host_limits


def test_the_published_limits_of_wikimedia_are_shipped_with_their_source() -> None:
    shipped = Settings().all_host_limits

    assert shipped == Settings.from_context({}).all_host_limits
    assert shipped.limit("upload.wikimedia.org", OPTION) == HostLimit(2)
    assert shipped.limit("gerrit.wikimedia.org", OPTION) == HostLimit(1, 1.0)
    assert shipped.limit("de.wikipedia.org", OPTION) == HostLimit(9, 19.0)
    assert shipped.limit("upload.wikimedia.org.example", OPTION) == OPTION
    for entry in json.loads(SHIPPED.read_text()).values():
        assert entry["source"].startswith("https://wikitech.wikimedia.org/wiki/Robot_policy")
        assert date.fromisoformat(entry["date"])


def test_an_entry_is_added_replaces_a_shipped_one_or_removes_it() -> None:
    found = limits({"A.Example": {"host_rate": 2}, "wikimedia.org": {"host_concurrency": 4}, "wikipedia.org": None})

    assert found.rules["a.example"] == HostRule(None, 2.0)
    assert found.rules["wikimedia.org"] == HostRule(4)
    assert found.rules["upload.wikimedia.org"] == HostRule(2)
    assert "wikipedia.org" not in found.rules


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("bücher.example", "xn--bcher-kva.example"),
        ("10.0.0.1", "10.0.0.1"),
        ("[::1]", "[::1]"),
        ("a.example.", "a.example"),
    ],
)
def test_names_are_as_hosts_have_them(name: str, suffix: str) -> None:
    assert suffix in limits(json.dumps({name: {"host_concurrency": 1}})).rules


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("{", "The text is not JSON: Expecting property name enclosed in double quotes at character 1."),
        ([], r"a JSON object of limits by host name; received \[\]."),
        ({"*.a.example": {"host_rate": 1}}, r"'\*.a.example' is no host name. Write it without scheme, port, path and"),
        ({"https://a.example": {"host_rate": 1}}, "is no host name"),
        ({"a.example:80": {"host_rate": 1}}, "is no host name"),
        ({"a.example/x": {"host_rate": 1}}, "is no host name"),
        ({".a.example": {"host_rate": 1}}, "is no host name"),
        ({"": {"host_rate": 1}}, "is no host name"),
        ({"10.0": {"host_rate": 1}}, "is no host name"),
        ({"a.example": {"host_rate": 1}, "A.example": {"host_rate": 1}}, "The host 'a.example' has two entries."),
        ({"a.example": 2}, "The entry of 'a.example' must be a JSON object, or null to remove a limit."),
        ({"a.example": {}}, "The entry of 'a.example' has neither host_concurrency nor host_rate."),
        (
            {"a.example": {"host_concurrency": 257}},
            "Field 'host_concurrency' of 'a.example' must be a whole number from 0",
        ),
        ({"a.example": {"host_concurrency": "2"}}, "whole number from 0 to 256; received '2'."),
        ({"a.example": {"host_concurrency": True}}, "whole number from 0 to 256; received true."),
        (
            {"a.example": {"host_rate": -1}},
            "Field 'host_rate' of 'a.example' must be a number from 0 to 1,000; received",
        ),
        ({"a.example": {"host_rate": 0}}, "has a limit of 0, which is no limit: it has no effect without override."),
        ({"a.example": {"host_rates": 1}}, "There is no field 'host_rates' of 'a.example'. Did you mean 'host_rate'?"),
        ({f"h{n}.a.example": {"host_rate": 1} for n in range(100)}, "at most 2,000 are possible. Remove some entries"),
    ],
)
def test_an_invalid_setting_says_what_to_do(value: Any, sentence: str) -> None:
    with pytest.raises(SettingsError, match=f"^Setting 'host_limits' in the CDK context must be .*{sentence}"):
        limits(value)
