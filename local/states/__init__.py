"""A small Step Functions: an interpreter of the Amazon States Language in JSONPath, and its API.

definition   what may be executed; anything else is refused by name     (fields, checks)
interpreter  goes through the states                                     (dataflow, paths, intrinsics, choices,
                                                                          retry, tasks, parallel, inline_map)
distributed_map   a Map Run                                              (readers, batcher, results, map_runs)
lifecycle    an execution from start to end                              (executions, history, scope, stop)
engine, api  the service                                                 (views, pages, arns)
"""

from local.states.base.errors import ApiError, InvalidDefinition, InvocationRefusedError, UnsupportedDefinition
from local.states.run.invocation import Invocation
from local.states.service.api import StatesApi
from local.states.service.engine import Engine

__all__ = [
    "ApiError",
    "Engine",
    "InvalidDefinition",
    "Invocation",
    "InvocationRefusedError",
    "StatesApi",
    "UnsupportedDefinition",
]
