"""State what comes to a fake service and what it answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Hold one request as it came."""

    service: str
    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    #: By the monotonic clock.
    time: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Hold one answer."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Seconds before the body, and how much of it comes before that.
    delay: float = 0.0


def as_json(value: Any, status: int = 200, **headers: str) -> Reply:
    """Answer with JSON."""
    body = json.dumps(value).encode()
    return Reply(body=body, status=status, headers={"Content-Type": "application/json", **headers})
