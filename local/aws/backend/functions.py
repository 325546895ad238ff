"""Published versions of functions, and the changes of functions through the Lambda API, which the sandboxes follow.

moto numbers a version by the count of those that exist, so that a number is used again after a deletion; Lambda never
does that.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Protocol

from moto.awslambda.models import LambdaBackend, LambdaStorage, LambdaVersion, lambda_backends

from local.aws.backend.application import ACCOUNT, REGION

# Any: moto's functions are internal, and a configuration is a JSON object.


class FunctionListener(Protocol):
    """Receives each change after it was made. `version` is a number as text."""

    def changed(self, name: str, configuration: Mapping[str, Any]) -> None: ...

    def published(self, name: str, version: str) -> None: ...

    def deleted(self, name: str, version: str) -> None: ...


_listeners: list[FunctionListener] = []


def follow_functions(listener: FunctionListener) -> None:
    """Tell this listener alone, until `unfollow_functions`."""
    _listeners[:] = [listener]


def unfollow_functions() -> None:
    _listeners.clear()


def stored_versions(name: str) -> list[Any]:
    """moto's objects for $LATEST and the published versions of a function."""
    stored = lambda_backends[ACCOUNT][REGION]._lambdas._functions[name]
    return [stored["latest"], *stored["versions"]]


def _publish(storage: Any, name_or_arn: str, description: str = "") -> Any:
    """Without a change since the last publication, Lambda returns the version that it has."""
    function: Any = storage.get_function_by_name_or_arn_forbid_qualifier(name_or_arn)
    versions = storage._functions[function.function_name]["versions"]
    if versions and not function.code_or_config_updated:
        return versions[-1]
    number = getattr(function, "newest_version", 0) + 1
    function.newest_version, function.code_or_config_updated = number, False
    version: Any = copy.copy(function)
    version.set_version(str(number))
    version.description = description or function.description
    versions.append(version)
    storage._arns[version.function_arn] = version
    for listener in _listeners:
        listener.published(function.function_name, version.version)
    return version


_moto_update: Any = LambdaBackend.update_function_configuration
_moto_delete: Any = LambdaBackend.delete_function


def _update(backend: Any, function_name: str, qualifier: str, body: dict[str, Any]) -> Any:
    configuration = _moto_update(backend, function_name, qualifier, body)
    for listener in _listeners:
        listener.changed(configuration["FunctionName"], configuration)
    return configuration


def _delete(backend: Any, function_name: str, qualifier: str | None = None) -> None:
    function = backend.get_function(function_name, qualifier)
    name, version = function.function_name, function.version
    _moto_delete(backend, function_name, qualifier)
    if function.function_arn.endswith(f":{version}"):  # a published version, not the whole function
        for listener in _listeners:
            listener.deleted(name, version)


def _create_version(cls: Any, /, resource_name: str, cloudformation_json: Any, *_: object, **__: object) -> Any:
    """The reference of CloudFormation to a version is its ARN."""
    properties = cloudformation_json["Properties"]
    backend = lambda_backends[ACCOUNT][REGION]
    function: Any = backend.publish_version(properties["FunctionName"], properties.get("Description", ""))
    version = cls({"Version": function.version})
    version.physical_resource_id = function.function_arn
    return version


setattr(LambdaStorage, "publish_version", _publish)  # noqa: B010
setattr(LambdaBackend, "update_function_configuration", _update)  # noqa: B010
setattr(LambdaBackend, "delete_function", _delete)  # noqa: B010
setattr(LambdaVersion, "create_from_cloudformation_json", classmethod(_create_version))  # noqa: B010
