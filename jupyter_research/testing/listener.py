"""Listen for what comes to a fake service."""

from __future__ import annotations

import sys
from http.server import ThreadingHTTPServer
from typing import Any


class Listener(ThreadingHTTPServer):
    """Serve each request in a thread of its own, which ends with the process."""

    daemon_threads = True
    # Ten analysts at once are more than the five who may wait by default: a sixth tries again in a second.
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print what a request raised, unless its client has hung up: many tests are about that."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)
