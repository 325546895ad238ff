"""The local AWS as one object: the synthesized stack, deployed and running in this process."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from local.aws import backend
from local.aws.backend import ACCOUNT, REGION
from local.aws.clients import Clients, Credentials
from local.aws.deploy import ASSET_BUCKET, MESSAGE_QUEUE, deploy
from local.aws.direct import CreatedObjects
from local.aws.events import EventBus
from local.aws.function_changes import FunctionChanges
from local.aws.http.gateway import ApiRoute, RestApi, rest_api
from local.aws.http.guard import Guard
from local.aws.http.router import AccountSettingsRoute, InvokeRoute, Router, StatesRoute
from local.aws.http.server import Server
from local.aws.invocations import Invoker, published_message
from local.aws.limits.applications import limited
from local.aws.out import BucketFolders, Exporter, Names, import_release_0_1_0, reconcile_rows, release_places
from local.aws.permissions.access import Access
from local.aws.s3.api import S3Api
from local.aws.s3.wsgi import ObjectsApp, WithObjects
from local.aws.stack import Stack
from local.aws.store.index import StoredObject
from local.aws.store.objects import ObjectStore
from local.aws.telemetry.logs import Logs
from local.aws.telemetry.traces import Traces
from local.aws_settings import without_aws_settings
from local.lambdas.function import Target
from local.lambdas.host import FunctionHost
from local.limits import Limits
from local.parquet import load_parquet
from local.states import Engine, StatesApi
from local.states.base.clock import Clock, SystemClock

TABLES_FILE = Path("tables", "items.sqlite")
"""The file of the table items and of the published messages, in OUT."""

OUTPUT_VARIABLES = {
    "INPUT_BUCKET": "InputBucket",
    "IMAGES_BUCKET": "ImagesBucket",
    "IMAGES_TABLE": "ImagesTable",
    "RUNS_TABLE": "RunsTable",
    "HOSTS_TABLE": "HostsTable",
    "TOPIC_ARN": "TopicArn",
    "STATE_MACHINE_ARN": "StateMachineArn",
    "INDEX_MACHINE_ARN": "IndexMachineArn",
}
"""Environment variables for the user's shell, and the stack output that is the value of each."""

RESULTS_PART = re.compile(r"runs/[^/]+/results/part-.*")

NO_LIMITS = Limits()

_in_use = threading.Lock()


class CloudInUseError(RuntimeError):
    """Another cloud runs in this process; moto's state is global to the process."""


class Cloud:
    """Runs from construction to `close`; use it as a context manager.

    `allow` are the networks that downloads may reach; None means those of the template.
    `local_run` is a LocalRun as JSON: reports show the commands that work here.
    Raises DeploymentError, UnsupportedDefinitionError, CloudInUseError.
    """

    def __init__(
        self,
        *,
        assembly: Path,
        allow: str | None = None,
        out: Path | None = None,
        port: int = 0,
        engine_clock: Clock | None = None,
        limits: Limits = NO_LIMITS,
        local_run: str = "",
    ) -> None:
        if not _in_use.acquire(blocking=False):
            raise CloudInUseError("A process can have only one local cloud. Close the other one first.")
        with ExitStack() as cleanup:
            cleanup.callback(_in_use.release)
            cleanup.enter_context(without_aws_settings())
            backend.reset()
            folder = out or Path(cleanup.enter_context(TemporaryDirectory(ignore_cleanup_errors=True)))
            self._start(cleanup, folder, port, engine_clock or SystemClock(), limits, local_run)
            self.stack = deploy(assembly, self.client, allow=allow)
            names = _names(self.stack)
            self.access.deployed(self.stack)
            self._folders.assign(names)
            self._open_tables(folder, names)
            self._restore(folder, names)
            self._exporter = Exporter(folder, self.store, names) if out else None
            self._api = self._run_stack(self.stack)
            self._cleanup = cleanup.pop_all()

    def _open_tables(self, folder: Path, names: Names) -> None:
        tables = [name for name in (names.images_table, names.runs_table, names.hosts_table) if name]
        store = backend.open_tables(folder / TABLES_FILE, tables)
        backend.record_messages(MESSAGE_QUEUE, store)

    def _restore(self, folder: Path, names: Names) -> None:
        """Make objects and rows of an earlier process agree, however it ended."""
        self.store.recover()
        self.store.verify()
        if names.images_table:
            import_release_0_1_0(self.store, names, folder)
            reconcile_rows(self.store, names)
        if names.hosts_table:
            release_places(names.hosts_table)

    def _start(
        self,
        cleanup: ExitStack,
        folder: Path,
        port: int,
        clock: Clock,
        limits: Limits,
        local_run: str,
    ) -> None:
        """Start all parts. Each part is closed before the parts that it uses."""
        cleanup.callback(backend.reset)
        cleanup.callback(backend.unfollow_functions)
        cleanup.callback(backend.close_tables)
        server = Server(port)
        cleanup.callback(server.stop)
        self.endpoint = server.endpoint
        self.port_moved = server.moved
        self.credentials = Credentials.random()
        self._clients = Clients(self.endpoint, self.credentials)
        cleanup.callback(self._clients.close)
        self.logs = Logs()
        cleanup.callback(self.logs.close)
        self.traces = Traces()
        cleanup.callback(self.traces.close)
        self.access = Access(self.endpoint, self.credentials)
        cleanup.callback(self.access.close)
        target = Target(
            REGION,
            ACCOUNT,
            self.endpoint,
            trace_daemon=self.traces.address,
            local_run=local_run,
            pass_seconds=limits.pass_seconds,
            settings=self.access.function_settings,
        )
        logs, traces = self.access.logs(self.logs), self.access.traces(self.traces.put)
        self._invoker = invoker = Invoker(self.client)
        self.functions = invoker.functions = FunctionHost(
            target,
            logs,
            limits.max_sandboxes,
            traces,
            concurrency=limits.lambda_concurrency,
            retry_seconds=limits.async_retry_seconds,
            on_failure=invoker.on_failure,
        )
        self.events = EventBus(self._start_execution, invoker.invoke_later, self._dead_letter, self.access.deliver)
        self.created = CreatedObjects()
        self._folders = BucketFolders(folder)
        self.store = ObjectStore(folder, self._folders, self._object_changed)
        cleanup.callback(self.store.close)
        self.engine = Engine(
            region=REGION,
            account=ACCOUNT,
            s3_of=self.access.s3_of_role,
            invoke=invoker.invoke,
            clock=clock,
            max_children=limits.max_children,
            on_status_change=self.events.execution_changed,
            load_parquet=load_parquet,
            refusal=self.access.refusal,
        )
        cleanup.callback(self.events.close)
        cleanup.callback(self.engine.close)
        cleanup.callback(self.functions.close)
        lambda_routes = (InvokeRoute(self.functions), AccountSettingsRoute(self.functions))
        routes = (backend.BatchRoute(), StatesRoute(StatesApi(self.engine)), *lambda_routes)
        self._router = Router(*routes, fallback=backend.application())
        api = S3Api(self.store, self.access.secret_of, self.access.objects())
        others = self.access.layer(self._router)
        app = WithObjects(ObjectsApp(api), self.store, others, except_buckets={ASSET_BUCKET})
        behind_limits = limited(app, limits, app.is_about_objects)
        server.start(Guard(behind_limits, self.endpoint, self.access.secret_of), self._folders.is_image_upload)

    @property
    def outputs(self) -> Mapping[str, str]:
        return self.stack.outputs

    @property
    def api_url(self) -> str:
        """The local URL of the REST API; empty without an API. The output `ApiUrl` is its URL in AWS."""
        return self.endpoint + self._api.path if self._api else ""

    def client(self, service: str) -> Any:
        """The shared boto3 client of a service. Any: its type depends on the name of the service."""
        return self._clients(service)

    def environment(self) -> dict[str, str]:
        """Environment variables that point any AWS client at this cloud and name the stack's resources."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.credentials.access_key,
            "AWS_SECRET_ACCESS_KEY": self.credentials.secret_key,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            **({"API_URL": self.api_url} if self.api_url else {}),
            **{name: self.outputs[output] for name, output in OUTPUT_VARIABLES.items() if output in self.outputs},
        }

    def messages(self) -> list[dict[str, Any]]:
        """The messages published so far: {"type", "subject", "message", "attributes"}."""
        return [published_message(envelope) for envelope in backend.queue_messages(MESSAGE_QUEUE)]

    def export(self, run_id: str | None = None) -> None:
        """Write the files for people, of one run or of all runs. Does nothing without an `out`."""
        if self._exporter is not None:
            self._exporter.export(run_id, self.messages())

    def settle(self) -> None:
        """Return when every event has been delivered and every log line and trace segment has been stored."""
        self.events.flush()
        self.functions.flush()
        self.logs.flush()
        self.traces.flush()

    def close(self) -> None:
        """Stop every execution, sandbox, connection and thread. Nothing is exported."""
        self._cleanup.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add_stack(self, assembly: Path, *, allow: str | None = None) -> Stack:
        """Deploy another stack into the account and run it. Its objects are in OUT/buckets. Raises DeploymentError."""
        stack = deploy(assembly, self.client, allow=allow)
        self.access.deployed(self.stack, stack)
        self._run_stack(stack)
        return stack

    def _run_stack(self, stack: Stack) -> RestApi | None:
        for function in stack.functions():
            self.functions.register(function)
        for name, version in stack.published_versions():
            self.functions.publish(name, version)
        backend.follow_functions(FunctionChanges(self.functions))
        for machine in stack.state_machines():
            self.engine.create_state_machine(
                name=machine.name,
                definition=machine.definition,
                role_arn=machine.role_arn,
                kind=machine.kind,
                configuration=dict(machine.configuration),
            )
        api = rest_api(stack)
        if api:
            self._router.add(ApiRoute(api, self.functions, self.access.may_integrate, self.access.api_signatures))
        return api

    def _object_changed(self, name: str, stored: StoredObject) -> None:
        """The outcomes of a round count when they are stored: until then, its images must be on the disk."""
        if RESULTS_PART.fullmatch(stored.key):
            self.store.flush()
        if name.startswith("ObjectCreated:"):
            self.created.add(stored.bucket)
        self.events.object_changed(name, stored)

    def _start_execution(self, state_machine_arn: str, event: Any) -> None:
        self.engine.start_execution(state_machine_arn, event)

    def _dead_letter(self, queue_arn: str, body: str, attributes: Mapping[str, str]) -> None:
        self.access.dead_letter(queue_arn, attributes["RULE_ARN"])
        self._invoker.send(queue_arn, body, attributes)


def _names(stack: Stack) -> Names:
    outputs = stack.outputs
    return Names(
        images_bucket=outputs.get("ImagesBucket", ""),
        input_bucket=outputs.get("InputBucket", ""),
        images_table=outputs.get("ImagesTable", ""),
        runs_table=outputs.get("RunsTable", ""),
        images_prefix=outputs.get("ImagesPrefix", "images/"),
        hosts_table=outputs.get("HostsTable", ""),
    )
