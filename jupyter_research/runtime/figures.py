"""Hold what an operator watches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..meter import Time, What


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Hold what an operator watches; nothing in it names a person or a topic."""

    #: How many sessions there are, by state.
    sessions: Mapping[str, int]
    #: Events that went out to sockets, each counted for every viewer.
    delivered: int
    #: Updates that came after their attempt had closed.
    dropped: int
    #: Updates that wait to be committed.
    backlog: int
    #: Threads that wait because too many updates of their session do.
    held: int
    #: Joins of all sockets.
    viewers: int
    #: Threads that still run though their session has ended.
    abandoned_threads: int
    #: How often steps, searches and model calls were done and how long they took, by kind and name.
    times: Mapping[tuple[What, str], Time]
    #: Tokens of models' answers, by direction.
    tokens: Mapping[str, float]
