from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Duration, Size
from aws_cdk.aws_iam import Role, ServicePrincipal
from aws_cdk.aws_lambda import Architecture, Code, Runtime, Tracing
from aws_cdk.aws_lambda import Function as LambdaFunction
from constructs import Construct

from cdk.resources.log_group import Log
from cdk.settings import Settings
from functions.telemetry.names import NAMESPACE, SERVICE


@dataclass(frozen=True)
class FunctionSpec:
    module: str  # in `functions/`
    timeout_seconds: int
    memory_mb: int  # 1,769 MB is one whole vCPU
    environment: tuple[str, ...]  # the names it is given, of those that the stack knows
    disk_mb: int = 512  # under /tmp, included in the price

    @property
    def title(self) -> str:
        return self.module.title().replace("_", "")


WORKFLOW_FUNCTIONS = (
    FunctionSpec("prepare_run", 300, 1024, ("RUNS_TABLE", "DEFAULT_OPTIONS", "CHECK_BYTES")),
    FunctionSpec(
        "download_batch",
        90,
        1769,
        ("IMAGES_BUCKET", "IMAGES_TABLE", "INPUT_BUCKET", "TOPIC_ARN", "ALLOWED_NETWORKS", "CONTACT"),
        disk_mb=4096,  # 24 downloads of up to 25 MB, and room for runs that allow more; $0.001 a million images
    ),
    FunctionSpec(
        "summarize_run",
        900,
        1024,
        ("INPUT_BUCKET", "RUNS_TABLE", "TOPIC_ARN"),
        disk_mb=10_240,  # reports on their way: some 20 million failures; below a tenth of a cent a run
    ),
)
# API Gateway gives up after 29 seconds.
API_FUNCTION = FunctionSpec(
    "api",
    29,
    1024,
    ("IMAGES_BUCKET", "IMAGES_TABLE", "INPUT_BUCKET", "RUNS_TABLE", "STATE_MACHINE_ARN"),
)
FUNCTIONS = (*WORKFLOW_FUNCTIONS, API_FUNCTION)


class Function(Construct):
    """A function with a log group and a role of its own; the role may do nothing but what the stack grants.

    The log format stays text: powertools writes JSON itself, and Lambda's filter by level would drop metrics.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        spec: FunctionSpec,
        code: Code,
        environment: Mapping[str, str],
        settings: Settings,
    ) -> None:
        super().__init__(scope, spec.title)
        self.module = spec.module
        self.log_group = Log(self, "Log", settings=settings)
        self.role = Role(self, "Role", assumed_by=ServicePrincipal("lambda.amazonaws.com"))
        self.function = LambdaFunction(
            self,
            "Function",
            runtime=Runtime.PYTHON_3_13,
            architecture=Architecture.ARM_64,
            code=code,
            handler=f"functions.{spec.module}.handler",
            timeout=Duration.seconds(spec.timeout_seconds),
            memory_size=spec.memory_mb,
            ephemeral_storage_size=Size.mebibytes(spec.disk_mb),
            environment={
                **{name: environment[name] for name in spec.environment},
                "ENVIRONMENT": settings.environment,
                "POWERTOOLS_SERVICE_NAME": SERVICE,
                "POWERTOOLS_LOG_LEVEL": settings.log_level,
                "POWERTOOLS_METRICS_NAMESPACE": NAMESPACE,
            },
            role=self.role,
            log_group=self.log_group,
            tracing=Tracing.ACTIVE,
        )
