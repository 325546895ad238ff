"""Changes of functions through the Lambda API: a new configuration, a published version, a deleted version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from local.lambdas.host import FunctionHost


class FunctionChanges:
    """Makes the changes in the host. Functions that are not those of the stack exist in moto only."""

    def __init__(self, host: FunctionHost) -> None:
        self._host = host

    def changed(self, name: str, configuration: Mapping[str, Any]) -> None:
        """`configuration` is that of GetFunctionConfiguration."""
        function = self._host.functions.get(name)
        if function is not None:
            changed = replace(
                function,
                handler=configuration["Handler"],
                timeout_seconds=float(configuration["Timeout"]),
                memory_mb=int(configuration["MemorySize"]),
                variables=configuration.get("Environment", {}).get("Variables", {}),
            )
            self._host.register(changed)

    def published(self, name: str, version: str) -> None:
        if name in self._host.functions:
            self._host.publish(name, version)

    def deleted(self, name: str, version: str) -> None:
        if name in self._host.functions:
            self._host.delete_version(name, version)
