"""The X-Ray trace of an invocation: its header, and the two segments that Lambda itself sends."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Trace:
    """`service` is the ID of the Lambda service's segment, `function` that of the function's segment, the parent of the
    segments that the code sends."""

    id: str = field(default_factory=lambda: f"1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}")
    service: str = field(default_factory=lambda: uuid.uuid4().hex[:16])
    function: str = field(default_factory=lambda: uuid.uuid4().hex[:16])
    started_at: float = field(default_factory=time.time)

    @property
    def header(self) -> str:
        return f"Root={self.id};Parent={self.function};Sampled=1"

    def segments(self, *, name: str, arn: str, request_id: str, fault: bool) -> list[dict[str, Any]]:
        """Both segments, at the end of the invocation. Any: a segment is a JSON document of X-Ray."""
        common: dict[str, Any] = {
            "trace_id": self.id,
            "name": name,
            "start_time": self.started_at,
            "end_time": time.time(),
            "aws": {"request_id": request_id},
            **({"fault": True} if fault else {}),
        }
        return [
            {**common, "id": self.service, "origin": "AWS::Lambda", "resource_arn": arn},
            {**common, "id": self.function, "parent_id": self.service, "origin": "AWS::Lambda::Function"},
        ]
