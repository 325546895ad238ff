"""The Lambda functions."""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy, Size
from aws_cdk.aws_iam import Role, ServicePrincipal
from aws_cdk.aws_lambda import Architecture, Code, Runtime, Tracing, VersionOptions
from aws_cdk.aws_lambda import Function as LambdaFunction
from constructs import Construct

from cdk.resources.log_group import StackLogGroup
from cdk.settings import Settings
from functions.core.model.limits import DOWNLOAD_MEMORY_MB, DOWNLOAD_TIMEOUT_SECONDS, WORKFLOW_MEMORY_MB
from functions.telemetry.names import NAMESPACE, SERVICE


@dataclass(frozen=True)
class FunctionSpec:
    """The configuration of one function. `module` is its module in `functions/`.

    `environment` lists the environment variables that it needs, of those that the stack provides. `disk_mb` is the size
    of /tmp; 512 MB are free of charge.
    """

    module: str
    timeout_seconds: int
    memory_mb: int
    environment: tuple[str, ...]
    disk_mb: int = 512

    @property
    def title(self) -> str:
        return self.module.title().replace("_", "")


WORKFLOW_FUNCTIONS = (
    FunctionSpec(
        "prepare_run", 300, WORKFLOW_MEMORY_MB, ("RUNS_TABLE", "DEFAULT_OPTIONS", "CHECK_BYTES", "HOST_LIMITS")
    ),
    FunctionSpec(
        "download_batch",
        DOWNLOAD_TIMEOUT_SECONDS,
        DOWNLOAD_MEMORY_MB,
        (
            *("IMAGES_BUCKET", "IMAGES_PREFIX", "IMAGES_TABLE", "HOSTS_TABLE", "INPUT_BUCKET", "TOPIC_ARN"),
            *("ALLOWED_NETWORKS", "CONTACT"),
        ),
        disk_mb=4096,  # 24 downloads of up to 25 MB at a time, or larger ones if allowed; $0.001 per million images
    ),
    FunctionSpec("plan_pass", 300, WORKFLOW_MEMORY_MB, ("INPUT_BUCKET", "RUNS_TABLE", "RUN_TIMEOUT_SECONDS")),
    FunctionSpec(
        "summarize_run",
        900,
        WORKFLOW_MEMORY_MB,
        ("INPUT_BUCKET", "IMAGES_PREFIX", "RUNS_TABLE", "TOPIC_ARN", "INDEX_MACHINE_ARN"),
        disk_mb=10_240,  # temporary files of the reports: about 20 million failures; less than $0.001 per run
    ),
)
API_FUNCTION = FunctionSpec(
    "api",
    29,  # the default integration timeout of API Gateway
    WORKFLOW_MEMORY_MB,
    ("IMAGES_BUCKET", "IMAGES_PREFIX", "IMAGES_TABLE", "INPUT_BUCKET", "RUNS_TABLE", "STATE_MACHINE_ARN"),
)
INDEX_FUNCTION = FunctionSpec(
    "index_run",
    900,
    DOWNLOAD_MEMORY_MB,  # a whole processor
    ("INPUT_BUCKET", "RUNS_TABLE"),
    disk_mb=10_240,  # temporary files: results.csv, the lock manifest, a Parquet manifest
)
FUNCTIONS = (*WORKFLOW_FUNCTIONS, INDEX_FUNCTION, API_FUNCTION)


VERSIONS = VersionOptions(removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
"""Running executions use the versions of earlier deployments. A version of a deployment that is rolled back is deleted:
Lambda does not publish the same function again, so the next deployment would fail."""


@dataclass(frozen=True)
class FunctionsCode:
    """A bundle of functions. `hash` changes with everything that determines it."""

    asset: Code
    hash: str


class Function(Construct):
    """A Lambda function with its own log group, and its own role, whose permissions are in `cdk.grants`.

    The log format is text: Powertools writes JSON itself, and Lambda's log level filter for JSON would drop the lines
    of the metrics (EMF). The description has the hash of the code: Lambda publishes a version only if it sees a change,
    and the hash can change without the bundle.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        spec: FunctionSpec,
        code: FunctionsCode,
        environment: Mapping[str, str],
        settings: Settings,
    ) -> None:
        super().__init__(scope, spec.title)
        self.module = spec.module
        self.log_group = StackLogGroup(self, "Log", settings=settings)
        self.role = Role(self, "Role", assumed_by=ServicePrincipal("lambda.amazonaws.com"))
        self.function = LambdaFunction(
            self,
            "Function",
            description=f"Code {code.hash[:12]}",
            runtime=Runtime.PYTHON_3_13,
            architecture=Architecture.ARM_64,
            code=code.asset,
            handler=f"functions.{spec.module}.handler",
            timeout=Duration.seconds(spec.timeout_seconds),
            memory_size=spec.memory_mb,
            ephemeral_storage_size=Size.mebibytes(spec.disk_mb),
            environment={name: environment[name] for name in spec.environment} | _common_variables(settings),
            role=self.role,
            log_group=self.log_group,
            tracing=Tracing.ACTIVE,
            current_version_options=VERSIONS,
        )

    def version_arn(self) -> str:
        """The ARN of the version that is published when the code or the configuration of the function changes."""
        return self.function.current_version.function_arn


def _common_variables(settings: Settings) -> dict[str, str]:
    return {
        "ENVIRONMENT": settings.environment_name,
        "POWERTOOLS_SERVICE_NAME": SERVICE,
        "POWERTOOLS_LOG_LEVEL": settings.log_level,
        "POWERTOOLS_METRICS_NAMESPACE": NAMESPACE,
    }
