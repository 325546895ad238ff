"""`python -m cdk.cli deploy|destroy|bootstrap …` runs the CDK CLI on the synthesized stack, with the wheel's Node.js.

Commands that change an account are refused with exit status 2 while the shell points at the local AWS.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

ASSEMBLY = Path(__file__).parents[1] / "cdk.out"
NODE = Path(os.environ["JSII_NODE"])
NPX = NODE.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npx-cli.js"

ACCOUNT_COMMANDS = ("bootstrap", "deploy", "destroy")
"""Commands of the CDK CLI that change an AWS account."""

ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL"
"""The endpoint of all services. With the suffix `_S3` and the like it is that of one service."""


def main() -> int:
    arguments = sys.argv[1:]
    message = refusal(os.environ)
    if message and any(argument in ACCOUNT_COMMANDS for argument in arguments):
        sys.stderr.write(f"{message}\n")
        return 2
    return run(*arguments)


def run(*arguments: str) -> int:
    """Run the CDK CLI on the synthesized stack and return its exit status."""
    command = [str(NODE), str(NPX), "--yes", "aws-cdk@2", *arguments, "--app", str(ASSEMBLY)]
    path = f"{NODE.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return subprocess.run(command, env={**os.environ, "PATH": path}, check=False).returncode


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


if __name__ == "__main__":
    sys.exit(main())
