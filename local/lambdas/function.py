"""The configuration of a function, and the environment variables of its worker process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The checkout. It contains the modules of the function bundle under the same names."""

LATEST = "$LATEST"
"""The version of a function that can be changed. Published versions have numbers."""

MAX_RETRIES = 2
MAX_EVENT_AGE_SECONDS = 21_600
"""Lambda's defaults for asynchronous invocations."""

WORKER_IMPORTS = "WORKER_IMPORTS"
"""The one variable that a worker inherits: a module to import before the handler. It is for tests."""


@dataclass(frozen=True)
class FunctionConfig:
    """The configuration of a function in the template. `variables` are its environment variables, `role` is an ARN.

    `max_retries` and `max_event_age_seconds` are for asynchronous invocations. When all attempts have failed, the queue
    `on_failure` receives a record and the queue `dead_letter` the event; both are ARNs.
    """

    name: str
    handler: str
    timeout_seconds: float
    memory_mb: int
    variables: Mapping[str, str] = field(default_factory=dict)
    log_group: str = ""
    reserved_concurrency: int | None = None
    max_retries: int = MAX_RETRIES
    max_event_age_seconds: float = MAX_EVENT_AGE_SECONDS
    on_failure: str = ""
    dead_letter: str = ""
    role: str = ""
    version: str = LATEST

    @property
    def log_group_name(self) -> str:
        return self.log_group or f"/aws/lambda/{self.name}"

    @property
    def qualified_name(self) -> str:
        """The name, with the version if it is a published one."""
        return self.name if self.version == LATEST else f"{self.name}:{self.version}"

    def published(self, version: str) -> FunctionConfig:
        """A published version of this configuration. The settings of asynchronous invocations stay with $LATEST."""
        return replace(
            self,
            version=version,
            max_retries=MAX_RETRIES,
            max_event_age_seconds=MAX_EVENT_AGE_SECONDS,
            on_failure="",
        )


@dataclass(frozen=True)
class Target:
    """The AWS that functions use: region, account, endpoint and X-Ray daemon. `root` is their code's folder.
    `settings(function)` returns the environment variables that depend on the role of a function, such as its
    credentials.

    `local_run` and `pass_seconds` are the values of LOCAL_RUN and PASS_SECONDS, which AWS does not have. Without one
    LOCAL_RUN is not set.
    """

    region: str
    account: str
    endpoint: str
    root: Path = ROOT
    trace_daemon: str = ""
    local_run: str = ""
    pass_seconds: float = 60.0
    settings: Callable[[FunctionConfig], Mapping[str, str]] = lambda function: {}

    def arn(self, qualified_name: str) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{qualified_name}"


def function_name(name_or_arn: str) -> str:
    """`f`, `f:$LATEST`, `123456789012:function:f` and `arn:aws:lambda:…:function:f:1` are all `f`."""
    return qualified_name(name_or_arn).partition(":")[0]


def version_of(name_or_arn: str) -> str:
    """The version that a name or an ARN has; $LATEST without one."""
    return qualified_name(name_or_arn).partition(":")[2] or LATEST


def qualified_name(name_or_arn: str) -> str:
    """The name of a function, with the version if the name or the ARN has one."""
    _, separator, rest = name_or_arn.partition("function:")
    return (rest if separator else name_or_arn).removesuffix(f":{LATEST}")


def worker_variables(function: FunctionConfig, target: Target, log_stream: str, tmp: Path) -> dict[str, str]:
    """All environment variables of a worker. It inherits WORKER_IMPORTS alone: neither proxies nor credentials."""
    return {
        "PATH": os.defpath,
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "TMPDIR": str(tmp),
        "PYTHONPATH": str(target.root),
        "PYTHONUTF8": "1",
        "LAMBDA_TASK_ROOT": str(target.root),
        "AWS_REGION": target.region,
        "AWS_DEFAULT_REGION": target.region,
        "AWS_SESSION_TOKEN": "local",
        "AWS_ENDPOINT_URL": target.endpoint,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group_name,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_XRAY_DAEMON_ADDRESS": target.trace_daemon,
        "_HANDLER": function.handler,
        **({"LOCAL_RUN": target.local_run} if target.local_run else {}),
        "PASS_SECONDS": str(target.pass_seconds),
        **({WORKER_IMPORTS: os.environ[WORKER_IMPORTS]} if WORKER_IMPORTS in os.environ else {}),
        **target.settings(function),
        **function.variables,
    }
