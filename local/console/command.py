"""`./image-mirror console`: serves the console until it is interrupted."""

import sys
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

from cdk.account import aws
from cdk.account.errors import AccountError
from local.aws_settings import without_aws_settings
from local.console.server import ConsoleServer
from local.console.stack import deployed_stack, stack_of_up
from local.errors import UsageError
from local.log_file import log_to
from local.startup import wait_for_interrupt


def console(*, out: Path, variables: Mapping[str, str] | None, stack_name: str, port: int) -> int:
    """`variables` are those of a running `up` in `out`; None for the stack of the account. Returns 0.

    Raises UsageError.
    """
    with log_to(out), nullcontext() if variables is None else without_aws_settings():
        try:
            with aws.aws_errors():
                stack = deployed_stack(stack_name) if variables is None else stack_of_up(variables)
        except AccountError as error:
            raise UsageError(str(error)) from error
        with ConsoleServer(stack, port) as server:
            if server.moved:
                _print(f"Port {port} is in use; using a free port instead.")
            _print(f"The console of the {stack.title}. Open this address on this machine:")
            _print(f"  {server.address}")
            _print("Press Ctrl-C to stop; runs continue.")
            try:
                wait_for_interrupt()
            except KeyboardInterrupt:
                return 0


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
