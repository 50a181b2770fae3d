"""Run a compiled LangGraph graph as a researcher, unchanged."""

from __future__ import annotations

import inspect
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .context import checkpoint, request_approval, send_status_update


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Fit a compiled graph to sessions, where its input or its result needs that.

    `graph = Graph(graph=compiled, result=lambda state: state["text"])` can be configured as a researcher or
    given to `run`, like the compiled graph itself.
    """

    graph: Any
    #: Makes the graph's input of topic and options; without it the topic goes in as a user's message.
    input: Callable[[str, Mapping[str, Any]], Any] | None = None
    #: Makes the report (Markdown, `Report` or dict) of the final state; without it `final_report`, else the
    #: text of the last message.
    result: Callable[[Any], Any] | None = None
    #: Makes the line for people of a node's name and what it returned.
    label: Callable[[str, Any], str] | None = None

    def run(self, topic: str, options: Mapping[str, Any]) -> Any:
        """Stream the graph to its end and return what it found.

        Every finished node and every dict of `get_stream_writer()` becomes a status update, every
        `interrupt(value)` a `request_approval`; `options` become `config["configurable"]`.
        """
        from langgraph.types import Command

        graph = _with_checkpoints(self.graph)
        # A thread of its own: the checkpointer may be shared by all sessions.
        config = {"configurable": {**options, "thread_id": uuid.uuid4().hex}}
        given = self.input(topic, options) if self.input else {"messages": [("user", topic)]}
        state: Any = None
        while True:
            questions: list[Any] = []
            for mode, item in graph.stream(given, config, stream_mode=["updates", "custom", "values"]):
                checkpoint()
                if mode == "values":
                    state = item
                elif mode == "custom":
                    send_status_update(None, item if isinstance(item, dict) else {"message": str(item)})
                else:
                    questions.extend(item.pop("__interrupt__", ()))
                    self._tell(item)
            if not questions:
                return self.result(state) if self.result else _last_text(state)
            given = Command(resume={question.id: _answer(question.value) for question in questions})

    def _tell(self, update: Mapping[str, Any]) -> None:
        for node, value in update.items():
            message = self.label(node, value) if self.label else node.replace("_", " ").capitalize()
            send_status_update(message, {"step": node.upper()})


def as_graph(value: Any) -> Graph | None:
    """Give the graph that a value is, fitted or as compiled, or None; does not import LangGraph."""
    if isinstance(value, Graph):
        return value
    compiled = not inspect.isroutine(value) and hasattr(value, "stream") and hasattr(value, "get_graph")
    return Graph(graph=value) if compiled else None


def _with_checkpoints(graph: Any) -> Any:
    """Give a graph that was compiled without a checkpointer one in memory, which `interrupt` needs."""
    if graph.checkpointer is not None and graph.checkpointer is not False:
        return graph
    from langgraph.checkpoint.memory import InMemorySaver

    return graph.copy({"checkpointer": InMemorySaver()})


def _answer(value: Any) -> Any:
    return request_approval("Approve to go on.", value)


def _last_text(state: Any) -> Any:
    """Take `final_report`, else the text of the last message, as the report."""
    if not isinstance(state, Mapping):
        return str(state or "")
    if "final_report" in state:
        return state["final_report"]
    messages = state.get("messages") or []
    if not messages:
        return ""
    content = getattr(messages[-1], "content", messages[-1])
    return content if isinstance(content, str) else str(content)
