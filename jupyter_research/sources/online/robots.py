"""Ask a host's robots.txt before a page of it is fetched."""

from __future__ import annotations

import threading
from collections.abc import Callable
from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser

#: Fetches a robots.txt; None where the host has none.
Fetch = Callable[[str], str | None]


class Robots:
    """Know what hosts allow, each asked once a session. Thread-safe."""

    def __init__(self, fetch: Fetch, agent: str) -> None:
        self._fetch = fetch
        self._agent = agent
        self._lock = threading.Lock()
        self._rules: dict[str, RobotFileParser] = {}

    def allow(self, url: str) -> bool:
        """Tell whether a page may be fetched; raises what fetching the rules raises."""
        parts = urlsplit(url)
        host = f"{parts.scheme}://{parts.netloc}"
        with self._lock:
            rules = self._rules.get(host)
        if rules is None:
            # Not under the lock: two threads may ask one host twice, and none waits for another's host.
            text = self._fetch(f"{host}/robots.txt")
            rules = RobotFileParser()
            rules.parse((text or "").splitlines())
            with self._lock:
                self._rules[host] = rules
        return rules.can_fetch(self._agent, url)
