"""The resources of the deployed stack, and the configurations of its functions and state machines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.lambdas.function import FunctionConfig

EVENT_INVOKE_CONFIG = "AWS::Lambda::EventInvokeConfig"


class DeploymentError(Exception):
    """The stack cannot be deployed to the local AWS; the message says what is wrong and why."""


@dataclass(frozen=True)
class Resource:
    logical_id: str
    type: str
    physical_id: str
    properties: Mapping[str, Any]  # as in the template, with references resolved


@dataclass(frozen=True)
class StateMachine:
    name: str
    definition: str
    role_arn: str
    kind: str
    configuration: Mapping[str, Any]
    """Logging and tracing, as in CreateStateMachine."""


@dataclass(frozen=True)
class Stack:
    name: str
    outputs: Mapping[str, str]
    resources: Mapping[str, Resource]

    def of_type(self, resource_type: str) -> list[Resource]:
        return [resource for resource in self.resources.values() if resource.type == resource_type]

    def functions(self) -> list[FunctionConfig]:
        configs = {config.properties["FunctionName"]: config for config in self.of_type(EVENT_INVOKE_CONFIG)}
        functions = self.of_type("AWS::Lambda::Function")
        return [_function(function, configs.get(function.physical_id)) for function in functions]

    def published_versions(self) -> list[tuple[str, str]]:
        """The name of the function and the number of each version of the template."""
        arns = [version.physical_id.split(":") for version in self.of_type("AWS::Lambda::Version")]
        return [(parts[-2], parts[-1]) for parts in arns]

    def state_machines(self) -> list[StateMachine]:
        return [_state_machine(resource) for resource in self.of_type("AWS::StepFunctions::StateMachine")]


def _function(resource: Resource, event_invoke_config: Resource | None) -> FunctionConfig:
    properties = resource.properties
    return FunctionConfig(
        name=resource.physical_id,
        handler=properties["Handler"],
        timeout_seconds=float(properties.get("Timeout", 3)),
        memory_mb=int(properties.get("MemorySize", 128)),
        variables={name: str(value) for name, value in properties.get("Environment", {}).get("Variables", {}).items()},
        log_group=properties.get("LoggingConfig", {}).get("LogGroup", ""),
        role=properties["Role"],
        reserved_concurrency=_number(properties.get("ReservedConcurrentExecutions")),
        dead_letter=_queue(resource, properties.get("DeadLetterConfig", {}).get("TargetArn", "")),
        **(_asynchronous(event_invoke_config) if event_invoke_config else {}),
    )


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


def _asynchronous(config: Resource) -> dict[str, Any]:
    """The settings of asynchronous invocations that the template has."""
    properties = config.properties
    numbers = {"max_retries": "MaximumRetryAttempts", "max_event_age_seconds": "MaximumEventAgeInSeconds"}
    fields: dict[str, Any] = {field: int(properties[name]) for field, name in numbers.items() if name in properties}
    destinations = properties.get("DestinationConfig", {})
    if "OnSuccess" in destinations:
        raise DeploymentError(f"The local AWS does not support OnSuccess of {config.logical_id}.")
    return fields | {"on_failure": _queue(config, destinations.get("OnFailure", {}).get("Destination", ""))}


def _queue(resource: Resource, arn: str) -> str:
    """The ARN of a destination, which has to be a queue, or nothing. Raises DeploymentError."""
    if arn and not arn.startswith("arn:aws:sqs:"):
        raise DeploymentError(f"{resource.logical_id}: the local AWS supports queues as destination, not {arn}.")
    return arn


def _state_machine(resource: Resource) -> StateMachine:
    properties = resource.properties
    return StateMachine(
        name=resource.physical_id.rsplit(":", 1)[-1],
        definition=properties["DefinitionString"],
        role_arn=properties["RoleArn"],
        kind=properties.get("StateMachineType", "STANDARD"),
        configuration={
            f"{name[0].lower()}{name[1:]}": _uncapitalized(properties[name])
            for name in ("LoggingConfiguration", "TracingConfiguration")
            if name in properties
        },
    )


def _uncapitalized(value: Any) -> Any:
    """`LogGroupArn` in a template is `logGroupArn` in the API."""
    if isinstance(value, Mapping):
        return {f"{name[0].lower()}{name[1:]}": _uncapitalized(inner) for name, inner in value.items()}
    return [_uncapitalized(inner) for inner in value] if isinstance(value, list) else value
