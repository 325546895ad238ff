"""The settings of a deployment, read from the CDK context (`cdk.json`, or `-c key=value`)."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Annotated, Literal, get_args

from annotated_types import Ge, Interval
from pydantic import BeforeValidator, PlainValidator, Strict, TypeAdapter, ValidationError

from cdk.host_limits import host_limits, validate_host_limits
from functions.core.cost.estimate import GLACIER_FROM_BYTES
from functions.core.manifests.validation import MAX_WHOLE_CHECK_BYTES
from functions.core.model.errors import InvalidManifest
from functions.core.model.host_limits import HostLimits
from functions.core.model.keys import DEFAULT_PREFIX, MAX_PREFIX_BYTES
from functions.core.model.option_validation import validate_options
from functions.core.model.validation import FieldNames, join_choices

NO_CONTACT = (
    "The setting contact is empty, so the operators of the servers cannot write to you and may block the requests. Set "
    "it to a mail address, or to a page about your download: docs/bot.md has a text for it."
)


class SettingsError(ValueError):
    """A setting that does not exist or has an invalid value. The text is a sentence that names the setting."""


def _number(value: object) -> object:
    """The CDK command line passes every value as text."""
    if isinstance(value, bool):
        raise ValueError
    return int(value) if isinstance(value, str) and re.fullmatch(r"\d{1,18}", value) else value


def _flag(value: object) -> object:
    return {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, str) else value


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise ValueError
    return value.strip()


def _name(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[\w.-]{1,64}", value, re.ASCII):
        raise ValueError
    return value


def _bucket(value: object) -> str:
    """docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""
    name = _text(value)
    is_address = re.fullmatch(r"\d+(\.\d+){3}", name)
    if name and (is_address or ".." in name or not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name)):
        raise ValueError
    return name


def _prefix(value: object) -> str:
    """Characters that are wildcards or variables in a policy are rejected: the grants contain the prefix."""
    prefix = _text(value)
    if not prefix:
        raise ValueError("Without a prefix, the functions could read and write every object of the bucket")
    *folders, rest = prefix.split("/")
    if (
        rest
        or len(prefix) > MAX_PREFIX_BYTES
        or not all(re.fullmatch(r"(?!\.{1,2}$)[\w.=-]+", each) for each in folders)
    ):
        raise ValueError
    return prefix


def _key_arn(value: object) -> str:
    arn = _text(value)
    if arn and not re.fullmatch(r"arn:aws[\w-]*:kms:[\w-]+:\d{12}:key/[\w-]+", arn):
        raise ValueError
    return arn


def _stack_name(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,127}", value):
        raise ValueError
    return value


def _networks(value: object) -> str:
    """Networks in canonical form, without spaces. An address with host bits set is a likely mistake and is rejected."""
    return ",".join(str(ip_network(part.strip())) for part in _text(value).split(",") if part.strip())


def _run_options(value: object) -> Mapping[str, object]:
    """Validated as the functions do it; otherwise every run would fail for the same reason."""
    try:
        options = json.loads(value) if isinstance(value, str) else value
        if not isinstance(options, Mapping):
            raise ValueError
        if validate_options(options).probe:
            raise InvalidManifest("Option 'probe' is one of a single run: as a default, no run would store an image.")
    except json.JSONDecodeError as error:
        raise ValueError(f"The text is not JSON: {error.msg} at character {error.pos}") from error
    except InvalidManifest as error:
        raise ValueError(str(error)) from error
    return dict(options)


_FROM_TEXT = BeforeValidator(_number)
Flag = Annotated[bool, Strict(), BeforeValidator(_flag)]
Count = Annotated[int, Strict(), Ge(0), _FROM_TEXT]
PositiveCount = Annotated[int, Strict(), Ge(1), _FROM_TEXT]
Text = Annotated[str, PlainValidator(_text)]

# The values that CloudWatch Logs accepts.
RetentionDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180,
    365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
]  # fmt: skip


DEFAULT_STACK_NAME = "ImageMirror"

MEANINGS: Mapping[str, str] = {
    "allowed_networks": "networks that downloads may reach although their addresses are not public, on every port",
    "check_manifests_up_to_bytes": (
        "size up to which one invocation validates a manifest, and of the ranges in which a larger one is validated; "
        "of a larger gzip file or JSON array, a part is. "
        "PrepareRun reads about 30 MB a second"
    ),
    "contact": "URL or email address in the User-Agent header, for the operators of the servers",
    "api_account_role": (
        "set the IAM role with which API Gateway writes logs, for all APIs of the account and Region; `false` if "
        "it is set already"
    ),
    "api_docs": "serve the OpenAPI document at `GET /openapi.json` and Swagger UI at `GET /docs`",
    "api_rate_limit": (
        "requests a second that the API accepts from all callers together; above that it responds with 429"
    ),
    "api_burst_limit": "concurrent requests that the API accepts",
    "default_options": 'options of a run that neither its manifest nor its request sets, such as `{"per_host": 4}`',
    "environment": (
        "a dimension of every metric, which distinguishes deployments in one account; without it, `production` for the "
        "stack `ImageMirror`, and the name of the stack for another one"
    ),
    "host_limits": (
        "limits of hosts by the ends of their names, over all runs, such as "
        '`{"example.org": {"host_concurrency": 4}}`, in addition to those of `cdk/host_limits.json` '
        "([manifests](manifests.md#limits-of-hosts))"
    ),
    "glacier_object_size_greater_than": (
        "smaller images, in bytes, stay in S3 Standard; without it, S3's own minimum of 128 KB applies"
    ),
    "images_bucket": (
        "name of an existing bucket for the images, in the Region of the stack; the stack then "
        "[neither creates nor configures one](operations.md#an-existing-images-bucket)"
    ),
    "images_bucket_key_arn": (
        "ARN of the KMS key that encrypts the existing bucket; the functions get the right to use it"
    ),
    "images_point_in_time_recovery": "point-in-time recovery of the images table",
    "images_prefix": "prefix of the keys of all images; the functions may use the objects under it only",
    "keep_input_bucket": "keep the input bucket, with its manifests and reports, when the stack is deleted",
    "log_level": "log level of the functions",
    "log_retention_days": "days for which CloudWatch Logs keeps the logs of the functions",
    "runbook": "URL where the operators can read docs/operations.md; alarms link to its sections",
    "run_files_expire_after_days": (
        "days after which everything under `runs/` is deleted: parts, reports, retry manifests"
    ),
    "run_timeout_days": "days after which a run is stopped",
    "stack_name": "name of the stack; another name is another deployment",
    "workflow_log_level": "log level of the state machine",
}
"""Meaning of each setting, for docs/tutorial.md."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One field for each context key, of the same name. `MEANINGS` explains them."""

    allowed_networks: Annotated[str, PlainValidator(_networks)] = ""
    check_manifests_up_to_bytes: Count = MAX_WHOLE_CHECK_BYTES
    contact: Text = ""
    api_account_role: Flag = True
    api_docs: Flag = False
    api_rate_limit: PositiveCount = 50
    api_burst_limit: PositiveCount = 100
    default_options: Annotated[Mapping[str, object], PlainValidator(_run_options)] = field(default_factory=dict)
    environment: Annotated[str, PlainValidator(_name)] | None = None
    host_limits: Annotated[Mapping[str, object], PlainValidator(validate_host_limits)] = field(default_factory=dict)
    glacier_object_size_greater_than: Count | None = None
    images_bucket: Annotated[str, PlainValidator(_bucket)] = ""
    images_bucket_key_arn: Annotated[str, PlainValidator(_key_arn)] = ""
    images_point_in_time_recovery: Flag = False
    images_prefix: Annotated[str, PlainValidator(_prefix)] = DEFAULT_PREFIX
    keep_input_bucket: Flag = True
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(_upper)] = "INFO"
    log_retention_days: Annotated[RetentionDays, _FROM_TEXT] = 30
    runbook: Text = "docs/operations.md"
    run_files_expire_after_days: Annotated[int, Strict(), Interval(ge=1, le=3650), _FROM_TEXT] | None = None
    run_timeout_days: Annotated[int, Strict(), Interval(ge=1, le=365), _FROM_TEXT] = 14
    stack_name: Annotated[str, PlainValidator(_stack_name)] = DEFAULT_STACK_NAME
    workflow_log_level: Annotated[Literal["ALL", "ERROR", "FATAL", "OFF"], BeforeValidator(_upper)] = "ERROR"

    @property
    def glacier_from_bytes(self) -> int | None:
        """Size of the smallest image that is moved to S3 Glacier, in bytes. None for an existing bucket."""
        if self.images_bucket:
            return None
        larger_than = self.glacier_object_size_greater_than
        return GLACIER_FROM_BYTES if larger_than is None else larger_than + 1

    @property
    def all_host_limits(self) -> HostLimits:
        """The limits of hosts of the setting, and those of cdk/host_limits.json."""
        return host_limits(self.host_limits)

    @property
    def environment_name(self) -> str:
        """Value of the dimension `environment`. That of the default stack is the one of release 0.1.0."""
        return self.environment or ("production" if self.stack_name == DEFAULT_STACK_NAME else self.stack_name)

    @property
    def deployment_name(self) -> str:
        """Name of the REST API, which is a dimension of its metrics, and of the deployment in descriptions."""
        return "image-mirror" if self.stack_name == DEFAULT_STACK_NAME else f"image-mirror-{self.stack_name}"

    @classmethod
    def from_context(cls, context: Mapping[str, object]) -> "Settings":
        """Raises SettingsError. A key that is absent or None has its default."""
        for key in context:
            if key not in cls.__dataclass_fields__ and _is_meant_as_setting(key):
                raise SettingsError(SETTING_NAMES.unknown(key))
        values = {name: context[name] for name in cls.__dataclass_fields__ if context.get(name) is not None}
        try:
            settings = _SETTINGS.validate_python(values)
        except ValidationError as error:
            raise SettingsError(SETTING_NAMES.explain(error.errors()[0], values)) from None
        settings.check_effect()
        return settings

    def check_effect(self) -> None:
        """Raises SettingsError for a setting that has no effect beside the others."""
        if self.images_bucket and self.glacier_object_size_greater_than is not None:
            raise SettingsError(
                "Setting 'glacier_object_size_greater_than' in the CDK context has no effect with 'images_bucket': an "
                "existing bucket keeps the lifecycle rules of its owner. Remove one of them."
            )
        if self.images_bucket_key_arn and not self.images_bucket:
            raise SettingsError(
                "Setting 'images_bucket_key_arn' in the CDK context has no effect without 'images_bucket': the stack's "
                "own bucket is encrypted with a key of S3. Remove it, or set both."
            )


def _is_meant_as_setting(key: str) -> bool:
    """The CDK has names of its own in the context, such as `@aws-cdk/core:...` and `cli-telemetry`."""
    return key.isidentifier() or key.replace("-", "_") in Settings.__dataclass_fields__


_SETTINGS = TypeAdapter(Settings)

SETTING_NAMES = FieldNames(
    "setting",
    Settings,
    place=" in the CDK context",
    accepted={
        "allowed_networks": "comma-separated networks, such as 203.0.113.0/24,2001:db8::/32",
        "contact": "a URL or an email address in printable ASCII",
        "default_options": "a JSON object of run options",
        "host_limits": "a JSON object of limits by host name",
        "environment": "a name of 1 to 64 letters, digits, dots, hyphens and underscores",
        "images_bucket": "the name of a bucket: 3 to 63 lower-case letters, digits, dots and hyphens",
        "images_bucket_key_arn": "the ARN of a KMS key, not of an alias",
        "images_prefix": (
            f"a prefix such as mirror/images/, of up to {MAX_PREFIX_BYTES} letters, digits and the characters . _ - = "
            "in folders, with a slash after each and none before them"
        ),
        "log_retention_days": f"one of {join_choices(map(str, get_args(RetentionDays)))}",
        "run_files_expire_after_days": "a number of days from 1 to 3,650",
        "run_timeout_days": "a number of days from 1 to 365",
        "runbook": "a URL in printable ASCII",
        "stack_name": "a name of up to 128 letters, digits and hyphens that starts with a letter",
    },
)
