"""Run a local-only session in a process of its own, and carry what it says into the log."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from .. import errors
from ..errors import ResearcherFailed, ResearchError
from ..guard import end_child, start_child
from ..report import Report
from ..work import Drained, Finished, Outcome, Proposed, Work
from .attempt import Attempt
from .isolated import to_json


class Isolation:
    """Know which sessions can have a process of their own, and run them there."""

    def __init__(self, indexes: Path, target: Callable[[str], str | None]) -> None:
        """Take the folder of the indexes, and what gives the `module:function` of a researcher."""
        self._indexes = indexes
        self._target = target

    def hindrance(self, name: str, options: Mapping[str, Any]) -> str | None:
        """Say why a session cannot have a process of its own; None where it can."""
        if name in ("analysts", "brief"):
            model = options.get("model") or "extractive"
            return None if model == "extractive" else f"the model {model} could not be reached from there"
        return None if self._target(name) else "its researcher was defined in this process"

    def run(self, name: str, work: Work, attempt: Attempt) -> tuple[Outcome, str]:
        """Work until there is an outcome; give it with what stood between the session and the network.

        Raises:
            ResearchError: that which ended the session there.
        """
        process = start_child("jupyter_research.manager.isolated")
        try:
            attempt.control.on_cancel(process.kill)
            attempt.control.on_stop(lambda: _drain(process, attempt))
            _send(
                process,
                {
                    "name": name,
                    "target": self._target(name),
                    "indexes": str(self._indexes),
                    "work": to_json(work),
                },
            )
            ended = _follow(process, attempt)
        finally:
            end_child(process)
        if attempt.restraint is not None:
            connections, processes = ended["refused"]
            attempt.restraint.add(connections, processes, ended["what"])
        reason = ended["network"]
        means = "a process without a network" if reason is None else f"a process with a network ({reason})"
        return _outcome(ended), means


def _follow(process: subprocess.Popen[bytes], attempt: Attempt) -> dict[str, Any]:
    """Answer what the process asks until it ends; a pause and a cancel are met in the answering."""
    assert process.stdout is not None
    for line in process.stdout:
        said: dict[str, Any] = json.loads(line)
        answer = None
        if "status" in said:
            attempt.status(*said["status"])
        elif "checkpoint" in said:
            attempt.checkpoint()
        elif "approval" in said:
            answer = attempt.approval(*said["approval"])
        else:
            return said
        _send(process, {"answer": answer})
    attempt.checkpoint()
    raise ResearcherFailed(f"The session's process ended by itself (exit code {process.wait()}).")


def _send(process: subprocess.Popen[bytes], message: Any) -> None:
    assert process.stdin is not None
    with suppress(OSError, ValueError):  # One that is gone is seen by what it no longer says.
        # In one write: an answer and a pause may be sent at once.
        process.stdin.write(json.dumps(message).encode() + b"\n")
        process.stdin.flush()


def _drain(process: subprocess.Popen[bytes], attempt: Attempt) -> None:
    if not attempt.control.cancelled.is_set():  # One that is killed may not read what it is told.
        _send(process, {"drain": True})


def _outcome(ended: Mapping[str, Any]) -> Outcome:
    failed = ended.get("failed")
    if failed is not None:
        raise _error(failed["code"])(failed["error"])
    outcome = ended["outcome"]
    if "report" in outcome:
        return Finished(report=Report.from_json(outcome["report"]))
    if "proposal" in outcome:
        return Proposed(question=outcome["question"], proposal=outcome["proposal"])
    return Drained()


def _error(code: str) -> type[ResearchError]:
    found = (one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, ResearchError))
    return next((one for one in found if one.code == code), ResearcherFailed)
