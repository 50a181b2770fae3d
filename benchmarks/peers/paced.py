"""Send updates at a pace, each with the time at which the research thread sent it."""

from __future__ import annotations

import time

from jupyter_research import send_status_update


def paced(topic: str, *, rate: float = 10, seconds: float = 20) -> str:
    """Send `rate` updates a second for so many seconds, on time however long sending takes."""
    count = int(rate * seconds)
    begin = time.monotonic() + 1
    for number in range(1, count + 1):
        time.sleep(max(0.0, begin + number / rate - time.monotonic()))
        status = {"step": "PACED", "done": number, "total": count, "sent": time.time()}
        send_status_update(f"Update {number} of {count}.", status)
    return f"# {topic}\n\nThat was all."
