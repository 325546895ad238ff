"""The configuration of each function."""

import pytest

from functions.config import ConfigError, DownloadConfig, PrepareConfig, SummarizeConfig
from functions.core.model.host_limits import NO_HOST_LIMITS, HostLimits, HostRule
from functions.core.model.runs import LocalRun

DOWNLOAD = {
    "IMAGES_BUCKET": "images",
    "IMAGES_PREFIX": "pictures/",
    "IMAGES_TABLE": "urls",
    "HOSTS_TABLE": "hosts",
    "INPUT_BUCKET": "input",
    "TOPIC_ARN": "arn:topic",
    "ALLOWED_NETWORKS": "",
    "CONTACT": "me@a.example",
}


def test_prepare_run_reads_the_stacks_default_options() -> None:
    config = PrepareConfig.read({**PREPARE, "DEFAULT_OPTIONS": '{"concurrency": 5}'})

    assert config == PrepareConfig("runs", {"concurrency": 5}, 9, NO_HOST_LIMITS)


def test_prepare_run_reads_the_stacks_limits_of_hosts() -> None:
    limits = HostLimits({"a.example": HostRule(2, None, override=True), "b.example": HostRule(None, 0.5)})

    assert PrepareConfig.read({**PREPARE, "HOST_LIMITS": limits.as_text()}).host_limits == limits


def test_summarize_run_reads_its_bucket_table_and_topic() -> None:
    config = SummarizeConfig.read(SUMMARIZE)

    assert config == SummarizeConfig("input", "runs", "arn:topic", "pictures/", "arn:index")


SUMMARIZE = {
    "INPUT_BUCKET": "input",
    "RUNS_TABLE": "runs",
    "TOPIC_ARN": "arn:topic",
    "IMAGES_PREFIX": "pictures/",
    "INDEX_MACHINE_ARN": "arn:index",
}


PREPARE = {"RUNS_TABLE": "runs", "DEFAULT_OPTIONS": "{}", "CHECK_BYTES": "9", "HOST_LIMITS": "{}"}


@pytest.mark.parametrize(("config", "variables"), [(SummarizeConfig, SUMMARIZE), (PrepareConfig, PREPARE)])
def test_functions_know_how_a_local_run_was_started(
    config: type[SummarizeConfig | PrepareConfig], variables: dict[str, str]
) -> None:
    local_run = LocalRun(command="run", out="out", allow="127.0.0.0/8", demo=True)

    assert config.read({**variables, "LOCAL_RUN": local_run.as_text()}).local_run == local_run
    assert config.read(variables).local_run is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"command": "run", "out": "out", "more": 1}'])
def test_an_invalid_local_run_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match="LOCAL_RUN of this function must be a JSON object with command and out"):
        SummarizeConfig.read({**SUMMARIZE, "LOCAL_RUN": text})


def test_download_batch_allows_no_network_unless_configured() -> None:
    config = DownloadConfig.read(DOWNLOAD)

    assert (config.images_bucket, config.images_table, config.input_bucket) == ("images", "urls", "input")
    assert config.hosts_table == "hosts"
    assert (config.topic_arn, config.contact) == ("arn:topic", "me@a.example")
    assert config.images_prefix == "pictures/"
    assert config.addresses.blocked_because("127.0.0.1", 80) is not None


def test_download_batch_allows_the_configured_networks() -> None:
    config = DownloadConfig.read({**DOWNLOAD, "ALLOWED_NETWORKS": "127.0.0.0/8, ::1/128"})

    assert config.addresses.blocked_because("127.0.0.1", 8080) is None
    assert config.addresses.blocked_because("::1", 8080) is None
    assert config.addresses.blocked_because("10.0.0.1", 80) is not None


@pytest.mark.parametrize("missing", sorted(DOWNLOAD))
def test_a_variable_that_is_missing_is_named(missing: str) -> None:
    variables = {name: value for name, value in DOWNLOAD.items() if name != missing}

    with pytest.raises(ConfigError, match=f"The environment variable {missing} of this function is not set"):
        DownloadConfig.read(variables)


def test_an_invalid_network_is_rejected_at_once() -> None:
    with pytest.raises(ConfigError, match=r"ALLOWED_NETWORKS of this function must be .* CIDR blocks.*everywhere"):
        DownloadConfig.read({**DOWNLOAD, "ALLOWED_NETWORKS": "everywhere"})


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("DEFAULT_OPTIONS", "{", "a JSON object of options by name, but is '{'"),
        ("DEFAULT_OPTIONS", "[]", "a JSON object of options by name, but is '\\[\\]': it is a list"),
        ("CHECK_BYTES", "many", "a number of bytes, but is 'many'"),
        ("CHECK_BYTES", "", "a number of bytes, but is ''"),
        ("HOST_LIMITS", "[]", "a JSON object of limits by host, but is '\\[\\]'"),
        ("HOST_LIMITS", '{"a.example": 2}', "a JSON object of limits by host, but is '{\"a.example\": 2}'"),
    ],
)
def test_an_invalid_value_is_named_with_what_it_must_be(name: str, value: str, expected: str) -> None:
    variables = {**PREPARE, name: value}

    with pytest.raises(ConfigError, match=f"{name} of this function must be {expected}"):
        PrepareConfig.read(variables)
