"""The account that a command uses, and its errors."""

import os
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, NoCredentialsError, ProxyConnectionError

from cdk.account import aws
from cdk.account.errors import AccountError


@pytest.fixture(autouse=True)
def _profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config"
    file.write_text("[default]\nregion = eu-west-1\n[profile other]\nregion = eu-west-3\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("arguments", "region"),
    [
        ((), "eu-west-1"),
        (("--require-approval", "never"), "eu-west-1"),
        (("--profile", "other"), "eu-west-3"),
        (("--force", "--profile=other"), "eu-west-3"),
        (("--profile", "other", "--region", "eu-north-1"), "eu-north-1"),
        (("--profile",), "eu-west-1"),
    ],
)
def test_the_account_is_that_of_the_cdk_cli(arguments: tuple[str, ...], region: str) -> None:
    account = aws.account(arguments)

    assert account.region == account.client("s3").meta.region_name == region
    assert account.client("s3") is account.client("s3")


@pytest.mark.parametrize("user", ["me:secret@", "secret@", ""])
def test_the_password_of_a_proxy_is_not_shown(user: str) -> None:
    with (
        pytest.raises(AccountError, match=r'proxy URL: "http://proxy\.example:3128"') as raised,
        aws.aws_errors(),
    ):
        raise ProxyConnectionError(proxy_url=f"http://{user}proxy.example:3128")

    assert "secret" not in str(raised.value)


def test_the_region_of_the_environment_takes_precedence_over_that_of_the_profile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-2")
    regions = [aws.account().region]
    monkeypatch.setenv("AWS_REGION", "eu-central-1")

    assert [*regions, aws.account().region] == ["eu-west-2", "eu-central-1"]


def test_a_profile_that_does_not_exist_is_a_sentence() -> None:
    with pytest.raises(AccountError, match=r"profile \(missing\) could not be found\. Set AWS_PROFILE, or AWS_REGION"):
        aws.account(("--profile", "missing"))


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (NoCredentialsError(), "AWS request failed: Unable to locate credentials. Set AWS_PROFILE, or AWS_REGION and"),
        (ClientError({"Error": {"Code": "Denied", "Message": "No"}}, "Get"), "AWS request failed: An error occurred"),
    ],
)
def test_an_error_of_a_request_is_a_sentence(error: Exception, sentence: str) -> None:
    with pytest.raises(AccountError, match=f"^{sentence}"), aws.aws_errors():
        raise error


def test_without_credentials_the_cdk_is_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(AccountError, match=r"Unable to locate credentials\. Set AWS_PROFILE, or AWS_REGION and"):
        aws.check_credentials(())


def test_credentials_of_the_environment_are_enough_for_the_cdk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    aws.check_credentials(("--require-approval", "never"))


def test_an_empty_region_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)

    assert aws.session().region_name is None
