"""What is known of a function before it runs: its configuration, and the variables its worker gets."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]  # the checkout: what the bundle holds lies in it under the same names
VERSION = "$LATEST"


@dataclass(frozen=True)
class FunctionConfig:
    name: str
    handler: str
    timeout_seconds: float
    memory_mb: int
    environment: Mapping[str, str] = field(default_factory=dict)
    log_group: str = ""

    @property
    def log_group_name(self) -> str:
        return self.log_group or f"/aws/lambda/{self.name}"


@dataclass(frozen=True)
class Target:
    """Where functions run: what the environment variables of Lambda say about the region and its endpoint."""

    region: str
    account: str
    endpoint: str
    root: Path = ROOT
    trace_daemon: str = ""

    def arn(self, function_name: str) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{function_name}"


def worker_environment(function: FunctionConfig, place: Target, log_stream: str, tmp: Path) -> dict[str, str]:
    """Nothing of this machine's environment gets in: neither its proxies nor its AWS account."""
    return {
        "PATH": os.defpath,
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "TMPDIR": str(tmp),
        "PYTHONPATH": str(place.root),
        "PYTHONUTF8": "1",
        "LAMBDA_TASK_ROOT": str(place.root),
        "AWS_REGION": place.region,
        "AWS_DEFAULT_REGION": place.region,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_SESSION_TOKEN": "local",
        "AWS_ENDPOINT_URL": place.endpoint,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": VERSION,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group_name,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_XRAY_DAEMON_ADDRESS": place.trace_daemon,
        "_HANDLER": function.handler,
        **function.environment,
    }
