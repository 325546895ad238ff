"""CloudFormation: the resolved properties of resources, and the resource types that moto supports."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from functools import cache
from typing import Any

from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import cloudformation_backends
from moto.cloudformation.parsing import clean_json, get_model_map
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.common_models import CloudFormationModel
from moto.logs.models import LogGroup

from local.aws.backend.application import ACCOUNT, REGION

CHANGES = {
    "delete_stack": "deleted",
    "update_stack": "updated",
    "create_change_set": "updated",
    "delete_change_set": "updated",
    "execute_change_set": "updated",
}
"""Actions that change a stack, and what they do to it. The CDK CLI begins a deployment with DeleteChangeSet."""


def protect_stack(stack_name: str) -> None:
    """Refuse every later change of the stack: the local AWS runs what it has created."""
    stack: Any = cloudformation_backends[ACCOUNT][REGION].get_stack(stack_name)
    stack.is_protected = True


def _check_protection(action: str, participle: str) -> None:
    """Let an action of moto's CloudFormation raise a ValidationError for a protected stack."""
    moto_action: Any = getattr(CloudFormationResponse, action)

    def checked(response: Any) -> Any:
        name = response._get_param("StackName")
        for stack in response.cloudformation_backend.stacks.values():
            if name in (stack.name, stack.stack_id) and getattr(stack, "is_protected", False):
                raise ValidationError(
                    message=f"Stack [{stack.name}] cannot be {participle} while the local AWS runs it. Press Ctrl-C in"
                    " the terminal of `up` to end the local AWS; a restart deploys cdk.out again."
                )
        return moto_action(response)

    setattr(CloudFormationResponse, action, checked)


for name, what in CHANGES.items():
    _check_protection(name, what)


_moto_log_group_attribute: Any = LogGroup.get_cfn_attribute


def _log_group_attribute(group: Any, name: str) -> str:
    """The ARN of a log group ends in `:*` in CloudFormation, so that a policy covers its streams; moto's does not."""
    value = str(_moto_log_group_attribute(group, name))
    return f"{value}:*" if name == "Arn" else value


LogGroup.get_cfn_attribute = _log_group_attribute  # type: ignore[assignment,method-assign]


def accept_without_effect(types: Iterable[str]) -> None:
    """Let CloudFormation accept resources of these types. It gives them a name and creates nothing."""
    for name in types:
        if name not in get_model_map():
            get_model_map()[name] = _placeholder(name)


@cache
def _placeholder(resource_type: str) -> type[CloudFormationModel]:
    class Placeholder(CloudFormationModel):
        def __init__(self, name: str) -> None:
            self.physical_resource_id = name

        @staticmethod
        def cloudformation_name_type() -> str:
            return ""

        @staticmethod
        def cloudformation_type() -> str:
            return resource_type

        @classmethod
        def create_from_cloudformation_json(cls, resource_name: str, *_: object, **__: object) -> Placeholder:
            return cls(resource_name)

    return Placeholder


def is_supported_type(resource_type: str) -> bool:
    return resource_type in get_model_map()


def resolved_properties(stack_name: str, logical_id: str) -> dict[str, Any]:
    """The properties of a deployed resource, with every Ref, GetAtt, Join and Sub replaced by its value."""
    resources = cloudformation_backends[ACCOUNT][REGION].get_stack(stack_name).resource_map
    properties = resources._resource_json_map[logical_id].get("Properties", {})
    resolved: dict[str, Any] = clean_json(copy.deepcopy(properties), resources)
    return resolved
