"""The trace of an invocation: its header, and the two segments that Lambda itself makes for it."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Trace:
    """`service` is the segment of Lambda's front, `function` that of the code: what the code sends hangs below it."""

    id: str = field(default_factory=lambda: f"1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}")
    service: str = field(default_factory=lambda: uuid.uuid4().hex[:16])
    function: str = field(default_factory=lambda: uuid.uuid4().hex[:16])
    begun: float = field(default_factory=time.time)

    @property
    def header(self) -> str:
        return f"Root={self.id};Parent={self.function};Sampled=1"

    def segments(self, *, name: str, arn: str, request_id: str, fault: bool) -> list[dict[str, Any]]:
        """Told when the invocation is over."""
        told: dict[str, Any] = {
            "trace_id": self.id,
            "name": name,
            "start_time": self.begun,
            "end_time": time.time(),
            "aws": {"request_id": request_id},
            **({"fault": True} if fault else {}),
        }
        return [
            {**told, "id": self.service, "origin": "AWS::Lambda", "resource_arn": arn},
            {**told, "id": self.function, "parent_id": self.service, "origin": "AWS::Lambda::Function"},
        ]
