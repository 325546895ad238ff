"""Each function's environment."""

import pytest

from functions.config import DownloadConfig, PrepareConfig, SummarizeConfig

DOWNLOAD = {
    "IMAGES_BUCKET": "images",
    "IMAGES_TABLE": "urls",
    "INPUT_BUCKET": "input",
    "TOPIC_ARN": "arn:topic",
    "ALLOWED_NETWORKS": "",
    "CONTACT": "me@a.example",
}


def test_prepare_run_reads_the_stacks_default_options() -> None:
    found = PrepareConfig.read({"RUNS_TABLE": "runs", "DEFAULT_OPTIONS": '{"concurrency": 5}', "CHECK_BYTES": "9"})

    assert found == PrepareConfig("runs", {"concurrency": 5}, 9)


def test_summarize_run_reads_where_things_are() -> None:
    found = SummarizeConfig.read({"INPUT_BUCKET": "input", "RUNS_TABLE": "runs", "TOPIC_ARN": "arn:topic"})

    assert found == SummarizeConfig("input", "runs", "arn:topic")


def test_download_batch_lets_no_network_through_unless_told() -> None:
    found = DownloadConfig.read(DOWNLOAD)

    assert (found.images_bucket, found.images_table, found.input_bucket) == ("images", "urls", "input")
    assert (found.topic_arn, found.contact) == ("arn:topic", "me@a.example")
    assert found.addresses.blocked_because("127.0.0.1", 80) is not None


def test_download_batch_lets_through_the_networks_it_is_told() -> None:
    found = DownloadConfig.read({**DOWNLOAD, "ALLOWED_NETWORKS": "127.0.0.0/8, ::1/128"})

    assert found.addresses.blocked_because("127.0.0.1", 8080) is None
    assert found.addresses.blocked_because("::1", 8080) is None
    assert found.addresses.blocked_because("10.0.0.1", 80) is not None


@pytest.mark.parametrize("missing", sorted(DOWNLOAD))
def test_a_variable_that_is_missing_is_named(missing: str) -> None:
    variables = {name: value for name, value in DOWNLOAD.items() if name != missing}

    with pytest.raises(KeyError, match=missing):
        DownloadConfig.read(variables)


def test_a_network_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="everywhere"):
        DownloadConfig.read({**DOWNLOAD, "ALLOWED_NETWORKS": "everywhere"})
