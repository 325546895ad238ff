"""The check of every request that is not for an object of S3, in front of the services. `objects` checks those."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from local.aws.http.service_errors import Fault, Signature, protocol_of, signature_of
from local.aws.permissions.evaluator import AccessDeniedError, Call, Permissions
from local.aws.permissions.identities import ADMINISTRATOR, Principal
from local.aws.permissions.requests import Operation, calls, operation

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from werkzeug.wrappers import Response

PUBLISH = "sns:Publish"
KEY_ACTIONS = ("kms:GenerateDataKey", "kms:Decrypt")
"""What SNS does as the publisher with the key of an encrypted topic."""

ASSUME = "sts:AssumeRole"
"""Checked for the roles of the stack. The roles of `cdk bootstrap` exist only in moto."""

WITH_RESOURCE_POLICIES = ("lambda", "sns", "sqs", "sts")
"""Services whose resource-based policies can deny a call of the administrator."""

DENIED_CODES = {
    "cloudwatch": "AccessDenied",
    "kms": "KMSAccessDenied",
    "sns": "AuthorizationError",
    "sqs": "AccessDenied",
}
"""Error codes by the service of the action, where it is not that of the protocol."""


class PermissionLayer:
    """`permissions` are those of the deployed stack, `topic_keys` the ARN of the key of each encrypted topic."""

    def __init__(
        self,
        app: WSGIApplication,
        permissions: Callable[[], Permissions],
        principal_of: Callable[[str], Principal],
        topic_keys: Callable[[], Mapping[str, str]],
    ) -> None:
        self._app = app
        self._permissions = permissions
        self._principal_of = principal_of
        self._topic_keys = topic_keys

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        signature = signature_of(environ)
        if signature is not None:  # the guard passes unsigned requests of the REST API alone
            refusal = self._refusal(environ, signature)
            if refusal is not None:
                return refusal(environ, start_response)
        return self._app(environ, start_response)

    def _refusal(self, environ: WSGIEnvironment, signature: Signature) -> Response | None:
        principal = self._principal_of(signature.access_key)
        if principal == ADMINISTRATOR and signature.service not in WITH_RESOURCE_POLICIES:
            return None
        found = operation(environ, signature)
        needed = calls(found)
        protocol = protocol_of(environ, signature)
        if needed is None:
            return None if principal == ADMINISTRATOR else protocol.error(Fault.ACCESS_DENIED, _unknown(found))
        try:
            permissions = self._permissions()
            for action, resource in self._with_keys(needed):
                if action != ASSUME or permissions.has_resource_policy(action, resource):
                    permissions.check(principal, action, resource)
        except AccessDeniedError as error:
            code = DENIED_CODES.get(error.action.partition(":")[0], "")
            return protocol.error(Fault.ACCESS_DENIED, str(error), code)
        return None

    def _with_keys(self, needed: list[Call]) -> list[Call]:
        keys = [self._topic_keys().get(resource) for action, resource in needed if action == PUBLISH]
        return [*needed, *(Call(action, key) for key in keys if key for action in KEY_ACTIONS)]


def _unknown(found: Operation) -> str:
    return (
        f"The local AWS has no rule for the permission of {found.service}:{found.name}. Add a row to"
        " local/aws/permissions/requests.py."
    )
