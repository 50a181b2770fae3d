"""Run a session's graph, from its start or from where it stopped."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import Halted
from ..report import Report
from ..wal import write_ahead
from ..work import Finished, Outcome, Proposed

if TYPE_CHECKING:
    from .study import Study

#: LangGraph's own work needs room beside the branches: a fan-out as wide as the limit waits for itself.
_SPARE_THREADS: Final = 4

#: The file of the graph's checkpoints in the session's folder.
CHECKPOINTS: Final = "checkpoints.sqlite"


def begun(folder: Path) -> bool:
    """Tell whether a session's graph has left a checkpoint to go on from."""
    return (folder / CHECKPOINTS).exists()


def run(study: Study) -> Outcome:
    """Run the graph from where it stopped, until it ends or asks.

    Raises:
        Halted: when the session was asked to stop.
    """
    from langgraph.errors import GraphDrained
    from langgraph.runtime import RunControl
    from langsmith import tracing_context

    from .graph import build

    work = study.work
    control = RunControl()
    work.control.on_stop(lambda: control.request_drain("asked to stop"))
    # Tracing that somebody's environment turns on would send what the session reads to a service.
    with checkpoints(work.folder) as checkpointer, tracing_context(enabled=False):
        graph = build(study, checkpointer)
        config = {
            "configurable": {"thread_id": work.session_id},
            "max_concurrency": 10 + _SPARE_THREADS,
            "recursion_limit": 1000,
        }
        begin = _begin(graph, config, study)
        if isinstance(begin, Report):
            return Finished(report=begin)
        try:
            result = graph.invoke(begin, config, durability="sync", control=control)
        except GraphDrained as drained:
            raise Halted("The session was asked to stop.") from drained
    if "__interrupt__" in result:
        asked = result["__interrupt__"][0].value
        detail = {"estimate": asked["estimate"]} if asked.get("estimate") else {}
        return Proposed(question=asked["question"], proposal=asked["proposal"], detail=detail)
    return Finished(report=Report.from_json(result["report"]))


def _begin(graph: Any, config: dict[str, Any], study: Study) -> Any:
    """Say what the graph is to be given: the start, a decision, or nothing, to go on where it was."""
    from langgraph.types import Command

    snapshot = graph.get_state(config)
    state, decision = snapshot.values, study.work.decision
    if not snapshot.config["configurable"].get("checkpoint_id"):
        return {}
    if "library" in state:
        study.progress.found(state["library"]["files"])
        study.shelf.reopen(study.progress.reading)
    if "analysts" in state:
        study.progress.team(state["analysts"])
    if snapshot.interrupts:
        if decision is None:
            return None
        return Command(resume={"proposal": decision.proposal, "feedback": decision.feedback})
    # Not by `next`: that leaves out the steps that have written and whose checkpoint is still to come.
    following = [task.name for task in snapshot.tasks]
    if _left_undone(state, following):
        # The fan-out once more: it sends those to work that have failed.
        graph.update_state(config, {"approved": True}, as_node="human_feedback")
        return None
    return None if following else Report.from_json(state["report"])


def _left_undone(state: Mapping[str, Any], following: Sequence[str]) -> bool:
    """Tell whether all that is left to do is the work of analysts that failed."""
    if following and following[0] != "write_report":
        return False
    return any(interview["failed"] for interview in state.get("interviews", {}).values())


@contextmanager
def checkpoints(folder: Path) -> Iterator[Any]:
    """Open what LangGraph keeps of a session's graph."""
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
    from langgraph.checkpoint.sqlite import SqliteSaver

    connection = sqlite3.connect(folder / CHECKPOINTS, check_same_thread=False, timeout=5)
    try:
        # As durable as the session's log: a killed process loses nothing.
        if not write_ahead(connection, folder / CHECKPOINTS):
            # LangGraph turns to the log all the same, which takes no shared memory where one is alone.
            connection.execute("pragma locking_mode=exclusive")
        # Nothing but plain data comes back from the file, whoever wrote it.
        yield SqliteSaver(connection, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
    finally:
        connection.close()
