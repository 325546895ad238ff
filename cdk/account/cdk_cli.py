"""The CDK CLI, pinned by `requirements/node/aws-cdk`. It runs in the wheel's Node.js, on a synthesized stack."""

import subprocess
import sys
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from cdk import node
from cdk.account.errors import AccountError

PROGRAM = Path("bin", "cdk")
NO_UPDATE_NOTICE = {"CDK_DISABLE_VERSION_CHECK": "1"}
"""The CLI would advise to install its newest version, which is not the one of the lock."""

ACCOUNT_COMMANDS = ("bootstrap", "deploy", "destroy")
"""Commands of the CDK CLI that change an AWS account."""

SHOW_CURSOR = "\x1b[?25h"

ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL"
"""The endpoint of all services. With the suffix `_S3` and the like it is that of one service."""


def install() -> Path:
    """The program, which is installed at its first use. Raises AccountError."""
    try:
        return node.package("aws-cdk") / PROGRAM
    except node.InstallationError as error:
        raise AccountError(str(error)) from error


def run(*arguments: str, assembly: Path) -> int:
    """Run the CDK CLI on the assembly and return its exit status. Raises AccountError."""
    command = node.command(install(), *arguments, "--app", str(assembly))
    try:
        return subprocess.run(command, env={**node.environment(), **NO_UPDATE_NOTICE}, check=False).returncode
    except KeyboardInterrupt:
        if sys.stdout.isatty():
            sys.stdout.write(SHOW_CURSOR)  # its questions hide it
        raise


def refusal(variables: Mapping[str, str]) -> str:
    """Why the AWS account must not be changed with these environment variables; empty where it may be."""
    local = local_endpoint(variables)
    if local is None:
        return ""
    name, url = local
    return (
        f"{name} points at the local AWS ({url}). Run image_mirror_deactivate, or use another shell, to work with an"
        " AWS account."
    )


def local_endpoint(variables: Mapping[str, str]) -> tuple[str, str] | None:
    """The first endpoint variable, by name, that points at this machine, and its value."""
    for name, url in sorted(variables.items()):
        if (name == ENDPOINT_VARIABLE or name.startswith(f"{ENDPOINT_VARIABLE}_")) and _is_loopback(url):
            return name, url
    return None


def _is_loopback(url: str) -> bool:
    try:
        host = urlsplit(url if "//" in url else f"//{url}").hostname or ""
    except ValueError:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
