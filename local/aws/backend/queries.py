"""Saved queries of CloudWatch Logs Insights, which moto does not have."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

from moto.logs.exceptions import ResourceNotFoundException
from moto.logs.models import logs_backends
from moto.logs.responses import LogsResponse

from local.aws.backend.application import ACCOUNT, REGION


def put_query_definition(properties: Mapping[str, Any]) -> str:
    """Add a query of the template and return its ID."""
    fields = {"name": "Name", "queryString": "QueryString", "logGroupNames": "LogGroupNames"}
    return _put({field: properties[name] for field, name in fields.items() if name in properties})


def _put(definition: dict[str, Any]) -> str:
    """Add or replace a definition in the form of the API. Raises ResourceNotFoundException for an unknown ID."""
    definitions = _definitions()
    found = definition.pop("queryDefinitionId", None)
    if found is not None and found not in definitions:
        raise ResourceNotFoundException()
    identifier = found or str(uuid.uuid4())
    definitions[identifier] = {
        "queryDefinitionId": identifier,
        "logGroupNames": [],
        "queryLanguage": "CWLI",
        **definition,
        "lastModified": int(time.time() * 1000),
    }
    return identifier


def _definitions() -> dict[str, dict[str, Any]]:
    """By ID. They are kept in moto's backend, so that they end with it."""
    definitions: dict[str, dict[str, Any]] = vars(logs_backends[ACCOUNT][REGION]).setdefault("query_definitions", {})
    return definitions


def _put_query_definition(response: Any) -> str:
    names = ("queryDefinitionId", "name", "queryString", "logGroupNames", "queryLanguage")
    given = {name: response._get_param(name) for name in names}
    return json.dumps({"queryDefinitionId": _put({name: value for name, value in given.items() if value is not None})})


def _describe_query_definitions(response: Any) -> str:
    prefix = response._get_param("queryDefinitionNamePrefix") or ""
    found = [definition for definition in _definitions().values() if definition["name"].startswith(prefix)]
    return json.dumps({"queryDefinitions": found})


def _delete_query_definition(response: Any) -> str:
    if _definitions().pop(response._get_param("queryDefinitionId"), None) is None:
        raise ResourceNotFoundException()
    return json.dumps({"success": True})


for _name, _action in {
    "put_query_definition": _put_query_definition,
    "describe_query_definitions": _describe_query_definitions,
    "delete_query_definition": _delete_query_definition,
}.items():
    setattr(LogsResponse, _name, _action)
