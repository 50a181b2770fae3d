"""Run a compiled LangGraph graph as a researcher, unchanged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .context import checkpoint, request_approval, send_status_update


def run_graph(
    graph: Any,
    topic: str,
    options: Mapping[str, Any],
    *,
    input: Callable[[str, Mapping[str, Any]], Any] | None = None,
    result: Callable[[Any], Any] | None = None,
    label: Callable[[str, Any], str] | None = None,
) -> Any:
    """Stream a graph to its end and return what it found.

    Every finished node and every dict of `get_stream_writer()` becomes a status update, every
    `interrupt(value)` a `request_approval`.

    Args:
        graph: compiled; one with a checkpointer where it interrupts.
        topic: goes in as a message of the user, unless `input` says otherwise.
        options: becomes `config["configurable"]`.
        input: makes the graph's input of topic and options.
        result: makes the report (Markdown, `Report` or dict) of the final state.
        label: makes the line for people of a node's name and what it returned.
    """
    from langgraph.types import Command

    config = {"configurable": {"thread_id": "research", **options}}
    given: Any = input(topic, options) if input else {"messages": [("user", topic)]}
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
                _tell(item, label)
        if not questions:
            return result(state) if result else _last_text(state)
        given = Command(resume={question.id: _answer(question.value) for question in questions})


def _answer(value: Any) -> Any:
    return request_approval("Approve to go on.", value)


def _tell(update: Mapping[str, Any], label: Callable[[str, Any], str] | None) -> None:
    for node, value in update.items():
        message = label(node, value) if label else node.replace("_", " ").capitalize()
        send_status_update(message, {"step": node.upper()})


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
