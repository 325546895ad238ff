"""Synthesizes the stack of a deployment into a folder of its own: `cdk.out` belongs to the local AWS and the tests."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from cdk.account.errors import AccountError

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "cdk.deploy"
"""Has a folder for each stack, in which the bundle of the functions is found again."""

WITHOUT_BUNDLE = {"aws:cdk:bundling-stacks": list[str]()}


def synthesize(given: Mapping[str, str], folder: Path, *, bundled: bool = True) -> Path:
    """The folder, with the stack of these settings. Only a deployment needs the bundle. Raises AccountError."""
    context = {**given, **({} if bundled else WITHOUT_BUNDLE)}
    variables = {**os.environ, "CDK_CONTEXT_JSON": json.dumps(context), "CDK_OUTDIR": str(folder)}
    command = [sys.executable, "-m", "cdk.app"]
    done = subprocess.run(
        command, cwd=ROOT, env=variables, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    sys.stderr.write(done.stdout.decode(errors="replace"))  # at once: a spinner is above it
    if done.returncode:
        raise AccountError("Cannot synthesize the stack.")
    return folder
