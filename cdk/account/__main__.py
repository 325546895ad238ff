"""`python -m cdk.account COMMAND ...` runs the CDK CLI on the stack in `cdk.out`.

Commands that change an account are refused with exit status 2 while the shell points at the local AWS.
"""

import os
import sys
from pathlib import Path

from cdk.account import cdk_cli

ASSEMBLY = Path(__file__).parents[2] / "cdk.out"


def main() -> int:
    arguments = sys.argv[1:]
    message = cdk_cli.refusal(os.environ)
    if message and any(argument in cdk_cli.ACCOUNT_COMMANDS for argument in arguments):
        sys.stderr.write(f"{message}\n")
        return 2
    return cdk_cli.run(*arguments, assembly=ASSEMBLY)


if __name__ == "__main__":
    sys.exit(main())
