"""CloudFormation: what a resource's properties come to, and which types moto takes."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from functools import cache
from typing import Any

from moto.cloudformation.models import cloudformation_backends
from moto.cloudformation.parsing import clean_json, get_model_map
from moto.core.common_models import CloudFormationModel

from local.aws.backend.place import ACCOUNT, REGION


def accept_without_effect(types: Iterable[str]) -> None:
    """Lets CloudFormation create resources of these types as names without a thing behind them."""
    for name in types:
        if name not in get_model_map():
            get_model_map()[name] = _inert(name)


@cache
def _inert(resource_type: str) -> type[CloudFormationModel]:
    class Inert(CloudFormationModel):
        def __init__(self, name: str) -> None:
            self.physical_resource_id = name

        @staticmethod
        def cloudformation_name_type() -> str:
            return ""

        @staticmethod
        def cloudformation_type() -> str:
            return resource_type

        @classmethod
        def create_from_cloudformation_json(cls, resource_name: str, *_: Any, **__: Any) -> Inert:
            return cls(resource_name)

    return Inert


def is_known_type(resource_type: str) -> bool:
    return resource_type in get_model_map()


def resolved_properties(stack_name: str, logical_id: str) -> dict[str, Any]:
    """The properties of a deployed resource; every Ref, GetAtt, Join and Sub is the value it stands for."""
    resources = cloudformation_backends[ACCOUNT][REGION].get_stack(stack_name).resource_map
    properties = resources._resource_json_map[logical_id].get("Properties", {})
    resolved: dict[str, Any] = clean_json(copy.deepcopy(properties), resources)
    return resolved
