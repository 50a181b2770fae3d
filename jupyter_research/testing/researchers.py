"""Do as one is told: researchers whose course a test decides."""

from __future__ import annotations

import time
from pathlib import Path

from ..context import checkpoint, request_approval, send_status_update
from ..report import Claim, Report, Section


def steps(topic: str, *, steps: int = 3) -> str:
    """Send a few updates and end."""
    for number in range(1, steps + 1):
        send_status_update(
            f"Step {number} of {steps}.",
            {"step": "STEP", "step_number": number, "done": number, "total": steps},
        )
    return f"# {topic}\n\nThis took {steps} steps."


def slow(topic: str, *, until: str | None = None, seconds: float = 3600) -> str:
    """Work until the file `until` exists, at most `seconds`; gives way to pause and cancel."""
    send_status_update("Working.", {"step": "WORK", "done": 0, "total": 1})
    end = time.monotonic() + seconds
    while time.monotonic() < end and not (until and Path(until).exists()):
        checkpoint()
        time.sleep(0.01)
    send_status_update("Worked.", {"step": "WORK", "done": 1, "total": 1})
    return f"# {topic}\n\nThis was slow."


def asks(topic: str) -> Report:
    """Ask which sections to write, and write those."""
    plan = request_approval("Which sections shall the report have?", {"sections": ["What", "Why"]})
    sections = [
        Section(heading=heading, claims=(Claim(id=f"c{number}", text=f"{heading}: {topic}."),))
        for number, heading in enumerate(plan["sections"], 1)
    ]
    return Report(title=topic, sections=tuple(sections))


def fails(topic: str) -> str:
    """Send an update and fail."""
    send_status_update("About to fail.", {"step": "FAIL"})
    raise RuntimeError(f"There is nothing to be found about {topic}.")


#: For `c.ResearchApp.researchers`.
RESEARCHERS = {name: f"jupyter_research.testing:{name}" for name in ("steps", "slow", "asks", "fails")}
