"""Be research as others wrote it: one global callback, called from whatever thread comes along."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

Callback = Callable[[str, dict[str, Any]], None]

callback: Callback | None = None

#: Made at the import and shared by everybody who calls `research`.
POOL = ThreadPoolExecutor(4)

#: Lets three runs begin together, so that their work is mixed in the pool.
TOGETHER = threading.Barrier(3)


def set_status_callback(function: Callback) -> None:
    global callback
    callback = function


def tell(topic: str, step: str, number: int) -> None:
    assert callback is not None
    callback(f"{topic}: {step} {number}", {"step": step, "topic": topic})


def research(topic: str) -> dict[str, str]:
    TOGETHER.wait(60)
    tell(topic, "BEGIN", 0)
    list(POOL.map(lambda number: tell(topic, "POOL", number), range(60)))
    threads = [threading.Thread(target=tell, args=(topic, "THREAD", number)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tell(topic, "END", 0)
    return {"final_report": f"# {topic}\n\nAll is known about {topic}."}
