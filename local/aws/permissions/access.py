"""Who calls, and what the deployed stack permits: what the parts of the cloud need of this package, in one object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from local.aws import backend
from local.aws.clients import Clients, Credentials
from local.aws.http.api_signatures import ApiSignatures
from local.aws.permissions.checks import ServiceCalls, refused_resources, states_session
from local.aws.permissions.documents import UnsupportedPolicyError
from local.aws.permissions.evaluator import Permissions
from local.aws.permissions.identities import Identities, Principal
from local.aws.permissions.layer import PermissionLayer
from local.aws.permissions.objects import ObjectAuthorizer
from local.aws.permissions.recording import recorder
from local.aws.permissions.sources import stack_statements
from local.aws.stack import DeploymentError, Stack
from local.lambdas.function import FunctionConfig
from local.lambdas.host import LogSink
from local.lambdas.sandbox import SegmentSink

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class Access:
    """`own` are the credentials of the account's administrator. Until `deployed`, no role has a permission."""

    def __init__(self, endpoint: str, own: Credentials) -> None:
        self._endpoint = endpoint
        self._own = own
        self._identities = Identities()
        self._clients: dict[Principal, Clients] = {}
        self._recorder = recorder()
        self._topic_keys: Mapping[str, str] = {}
        self.permissions = Permissions()
        self.api_signatures = ApiSignatures(self.secret_of)
        self._calls: ServiceCalls

    def deployed(self, *stacks: Stack) -> None:
        """All stacks of the account. Raises DeploymentError for a policy that cannot be evaluated, and for a resource
        that AWS would refuse."""
        try:
            statements = [statement for stack in stacks for statement in stack_statements(stack)]
        except UnsupportedPolicyError as error:
            raise DeploymentError(f"The local AWS cannot evaluate a policy. {error}") from error
        self.permissions = Permissions(statements, self._recorder)
        for stack in stacks:
            for message in refused_resources(stack, self.permissions):
                raise DeploymentError(message)
        self._calls = ServiceCalls([function for stack in stacks for function in stack.functions()], self.permissions)
        topics = [topic for stack in stacks for topic in stack.of_type("AWS::SNS::Topic")]
        keys = {topic.physical_id: str(topic.properties.get("KmsMasterKeyId", "")) for topic in topics}
        self._topic_keys = {topic: key for topic, key in keys.items() if key}

    def secret_of(self, access_key: str) -> str | None:
        """The secret access key of the cloud's own access key ID, of a role, or of one that IAM or STS has issued."""
        if access_key == self._own.access_key:
            return self._own.secret_key
        return self._identities.secret_of(access_key) or backend.issued_secret(access_key)

    def layer(self, app: WSGIApplication) -> PermissionLayer:
        return PermissionLayer(app, lambda: self.permissions, self._identities.principal_of, lambda: self._topic_keys)

    def objects(self) -> ObjectAuthorizer:
        return ObjectAuthorizer(lambda: self.permissions, self._identities.principal_of)

    def function_settings(self, function: FunctionConfig) -> dict[str, str]:
        """The environment variables of a sandbox that depend on its role. A function that may not send segments gets no
        daemon."""
        found = self._identities.credentials(self._calls.function_session(function.name))
        return {
            "AWS_ACCESS_KEY_ID": found.access_key,
            "AWS_SECRET_ACCESS_KEY": found.secret_key,
            **({} if self.may_trace(function.name) else {"AWS_XRAY_DAEMON_ADDRESS": ""}),
        }

    def s3_of_role(self, role_arn: str) -> Any:
        """The S3 client of a state machine. Any: it has the type of boto3's client."""
        principal = states_session(role_arn)
        if principal not in self._clients:
            self._clients[principal] = Clients(self._endpoint, self._identities.credentials(principal))
        return self._clients[principal]("s3")

    def refusal(self, role_arn: str, action: str, resource: str) -> str | None:
        """Why a state machine may not make a call; None if it may."""
        return self._calls.state_machine_refusal(role_arn, action, resource)

    def deliver(self, target: Mapping[str, Any], rule_arn: str) -> None:
        """Raises AccessDeniedError."""
        self._calls.deliver(target, rule_arn)

    def dead_letter(self, queue_arn: str, rule_arn: str) -> None:
        """Raises AccessDeniedError."""
        self._calls.dead_letter(queue_arn, rule_arn)

    def may_trace(self, function: str) -> bool:
        return self._calls.may_trace(function)

    def may_integrate(self, function: str, source_arn: str) -> bool:
        return self._calls.may_integrate(function, source_arn)

    def logs(self, sink: LogSink) -> LogSink:
        """Passes the lines of the functions that may write them."""

        def permitted(group: str, stream: str, lines: list[str]) -> None:
            if self._calls.may_log(group, stream):
                sink(group, stream, lines)

        return permitted

    def traces(self, sink: SegmentSink) -> SegmentSink:
        """Passes the segments of the functions that may send them."""

        def permitted(segment: dict[str, Any]) -> None:
            if self.may_trace(segment["name"]):
                sink(segment)

        return permitted

    def close(self) -> None:
        for clients in self._clients.values():
            clients.close()
        if self._recorder is not None:
            self._recorder.close()
