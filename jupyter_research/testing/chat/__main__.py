"""Run a chat server until it is interrupted: `python -m jupyter_research.testing.chat [port]`."""

from __future__ import annotations

import sys
import threading

from .server import ChatServer


def main() -> None:
    """Serve on the port that is named, or on a free one."""
    with ChatServer(port=int(sys.argv[1]) if len(sys.argv) > 1 else 0) as server:
        print(f"OPENAI_BASE_URL={server.url}/v1 OPENAI_API_KEY=any", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
