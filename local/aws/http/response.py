"""What a route of the endpoint answers."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Response:
    status: int
    content: bytes
    headers: dict[str, str] = field(default_factory=dict)
