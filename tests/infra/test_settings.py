import re
from typing import Any

import pytest

from cdk.settings import Settings, SettingsError
from functions.core.model.validation import show_value


def test_without_context_there_are_defaults() -> None:
    assert Settings.from_context({}) == Settings()


@pytest.mark.parametrize(("larger_than", "smallest"), [(None, 131_072), (0, 1), (50_000, 50_001)])
def test_the_smallest_image_that_is_moved_is_one_larger_than_the_setting(
    larger_than: int | None, smallest: int
) -> None:
    assert Settings(glacier_object_size_greater_than=larger_than).glacier_from_bytes == smallest


@pytest.mark.parametrize(
    ("given", "environment", "deployment"),
    [
        ({}, "production", "image-mirror"),
        ({"environment": "test"}, "test", "image-mirror"),
        ({"stack_name": "Second"}, "Second", "image-mirror-Second"),
        ({"stack_name": "Second", "environment": "test"}, "test", "image-mirror-Second"),
    ],
)
def test_the_names_of_another_stack_follow_from_its_name(
    given: dict[str, str], environment: str, deployment: str
) -> None:
    settings = Settings.from_context(given)

    assert (settings.environment_name, settings.deployment_name) == (environment, deployment)


@pytest.mark.parametrize(
    ("key", "value", "meant"),
    [
        ("allowed_networks", "10.0.0.0/8, fd00::/8", "10.0.0.0/8,fd00::/8"),
        ("allowed_networks", "203.0.113.7", "203.0.113.7/32"),
        ("allowed_networks", "", ""),
        ("api_docs", "TRUE", True),
        ("api_rate_limit", "10", 10),
        ("check_manifests_up_to_bytes", "1000", 1000),
        ("contact", " mirror@example.com ", "mirror@example.com"),
        ("default_options", '{"concurrency": 8}', {"concurrency": 8}),
        ("default_options", {"concurrency": 8}, {"concurrency": 8}),
        ("default_options", {"headers": {"Referer": "r"}}, {"headers": {"Referer": "r"}}),
        ("environment", "test-2", "test-2"),
        ("glacier_object_size_greater_than", "0", 0),
        ("images_bucket", "company.media-1", "company.media-1"),
        ("images_bucket", "", ""),
        ("images_prefix", "a/b_c.d-e=f/", "a/b_c.d-e=f/"),
        ("images_point_in_time_recovery", "true", True),
        ("keep_input_bucket", "False", False),
        ("keep_input_bucket", False, False),
        ("log_level", "debug", "DEBUG"),
        ("log_retention_days", "7", 7),
        ("run_files_expire_after_days", 3650, 3650),
        ("run_timeout_days", "1", 1),
        ("stack_name", "Second-1", "Second-1"),
        ("workflow_log_level", "all", "ALL"),
    ],
)
def test_a_value_means_the_same_from_cdk_json_and_from_the_command_line(key: str, value: object, meant: Any) -> None:
    assert getattr(Settings.from_context({key: value}), key) == meant


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("allowed_networks", "10.0.0.1/8"),
        ("allowed_networks", "example.com"),
        ("allowed_networks", ["10.0.0.0/8"]),
        ("api_burst_limit", 0),
        ("check_manifests_up_to_bytes", "256 MB"),
        ("contact", "Jörg\n"),
        ("contact", 7),
        ("default_options", "concurrency=8"),
        ("default_options", {"probe": 300}),
        ("default_options", "[8]"),
        ("default_options", 8),
        ("default_options", {"concurrency": 0}),
        ("default_options", {"headers": {"Host": "a"}}),
        ("default_options", {"concurency": 8}),
        ("environment", ""),
        ("environment", "a b"),
        ("glacier_object_size_greater_than", -1),
        ("glacier_object_size_greater_than", "128KB"),
        ("glacier_object_size_greater_than", True),
        ("images_bucket", "Company"),
        ("images_bucket", "ab"),
        ("images_bucket", "a" * 64),
        ("images_bucket", "a..b"),
        ("images_bucket", "media-"),
        ("images_bucket", "192.168.5.4"),
        ("images_bucket", "arn:aws:s3:::media"),
        ("images_bucket", 7),
        ("images_bucket_key_arn", "alias/media"),
        ("images_bucket_key_arn", "arn:aws:kms:eu-central-1:123456789012:alias/media"),
        ("images_bucket_key_arn", 7),
        ("images_prefix", ""),
        ("images_prefix", "images"),
        ("images_prefix", "/images/"),
        ("images_prefix", "/"),
        ("images_prefix", "a//b/"),
        ("images_prefix", "a/../b/"),
        ("images_prefix", "./"),
        ("images_prefix", "a b/"),
        ("images_prefix", "images*/"),
        ("images_prefix", "${aws:username}/"),
        ("images_prefix", "ä/"),
        ("images_prefix", "a/" * 129),
        ("images_prefix", 7),
        ("images_point_in_time_recovery", "yes"),
        ("keep_input_bucket", 1),
        ("log_level", "LOUD"),
        ("log_retention_days", 31),
        ("log_retention_days", True),
        ("run_files_expire_after_days", 0),
        ("run_timeout_days", "366"),
        ("run_timeout_days", 1.5),
        ("run_timeout_days", "9" * 5000),
        ("stack_name", ""),
        ("stack_name", "1st"),
        ("stack_name", "a_b"),
        ("stack_name", "a" * 129),
        ("workflow_log_level", ""),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence_that_names_the_key(key: str, value: object) -> None:
    received = re.escape(show_value(value))

    with pytest.raises(SettingsError, match=rf"Setting '{key}' in the CDK context must be .+; received {received}\..*"):
        Settings.from_context({key: value})


def test_an_empty_prefix_is_refused_with_the_reason() -> None:
    with pytest.raises(SettingsError, match="read and write every object of the bucket"):
        Settings.from_context({"images_prefix": ""})


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("alowed_networks", "Did you mean 'allowed_networks'?"),
        ("log-level", "Did you mean 'log_level'?"),
        ("speed", "The settings are: allowed_networks, api_account_role, "),
    ],
)
def test_a_setting_that_does_not_exist_is_refused_with_a_suggestion(key: str, hint: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(f"There is no setting '{key}' in the CDK context. {hint}")):
        Settings.from_context({key: "1"})


@pytest.mark.parametrize("key", ["@aws-cdk/core:checkSecretUsage", "aws:cdk:version-reporting", "cli-telemetry"])
def test_names_of_the_cdk_in_the_context_are_accepted(key: str) -> None:
    assert Settings.from_context({key: True}) == Settings()


def test_a_default_option_that_no_run_could_use_is_refused_with_the_reason() -> None:
    with pytest.raises(SettingsError, match="There is no option 'concurency'"):
        Settings.from_context({"default_options": {"concurency": 8}})
