"""Run a compiled LangGraph graph as a researcher, unchanged."""

from __future__ import annotations

import asyncio
import inspect
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .context import checkpoint, request_approval, send_status_update
from .events import safe_json


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

        Every finished node, those of subgraphs too, and every dict of `get_stream_writer()` becomes a status
        update, every `interrupt(value)` a `request_approval`; `options` become `config["configurable"]`.
        """
        graph = _with_checkpoints(self.graph)
        given = self.input(topic, options) if self.input else {"messages": [("user", topic)]}
        # A thread of its own: the checkpointer may be shared by all sessions.
        config = {"configurable": {**options, "thread_id": uuid.uuid4().hex}}
        course = Course(graph=graph, config=config, given=given, label=self.label)
        if _needs_loop(graph):
            asyncio.run(course.follow_async())
        else:
            course.follow()
        return self.result(course.state) if self.result else _last_text(course.state)


@dataclass(slots=True, kw_only=True)
class Course:
    """Be one run of a graph: what goes in next, what it has said, and what it asks."""

    graph: Any
    config: dict[str, Any]
    #: What the graph is given next.
    given: Any
    label: Callable[[str, Any], str] | None
    #: The newest state of the graph.
    state: Any = None
    #: What `interrupt` has asked and nobody has answered, by its id.
    questions: dict[str, Any] = field(default_factory=dict)
    #: The graph stopped before or after a node because it was compiled to.
    stopped: bool = False

    def follow(self) -> None:
        """Stream to the end in this thread."""
        going = True
        while going:
            for part in self.graph.stream(self.given, self.config, **_STREAM):
                self.take(*part)
            going = self.answer()

    async def follow_async(self) -> None:
        """Stream to the end on this thread's loop."""
        going = True
        while going:
            async for part in self.graph.astream(self.given, self.config, **_STREAM):
                self.take(*part)
            # In a thread, so that clients which live on the loop are not cut off while a person thinks.
            going = await asyncio.to_thread(self.answer)

    def take(self, namespace: tuple[str, ...], mode: str, item: Any) -> None:
        """Make a status of what the graph says; subgraphs have a namespace."""
        checkpoint()
        if mode == "custom":
            send_status_update(None, item if isinstance(item, dict) else {"message": str(item)})
        elif mode == "updates":
            interrupts = item.get("__interrupt__")
            if interrupts is None:
                self._tell(item)
            else:  # Those of a subgraph come again from the whole graph, under the same ids.
                self.questions.update({question.id: question.value for question in interrupts})
                self.stopped = not self.questions
        elif not namespace:
            self.state = item

    def answer(self) -> bool:
        """Ask a person what the graph asks; tell whether it is to go on."""
        from langgraph.types import Command

        if self.questions:
            answers = {id: request_approval(_QUESTION, value) for id, value in self.questions.items()}
            self.given = Command(resume=answers)
        elif self.stopped:
            self._ask_to_go_on()
            self.given = None
        else:
            return False
        self.questions, self.stopped = {}, False
        return True

    def _ask_to_go_on(self) -> None:
        """Ask where a graph was compiled to stop; what the person changes goes into its state."""
        values = self.state if isinstance(self.state, Mapping) else {}
        shown = {name: safe_json(value)[0] for name, value in values.items() if name != "__interrupt__"}
        approved = request_approval(_QUESTION, shown)
        if isinstance(approved, Mapping):
            changed = {name: value for name, value in approved.items() if shown.get(name) != value}
            if changed:
                self.graph.update_state(self.config, changed)

    def _tell(self, update: Mapping[str, Any]) -> None:
        for node, value in update.items():
            message = self.label(node, value) if self.label else node.replace("_", " ").capitalize()
            send_status_update(message, {"step": node.upper()})


#: What each run is asked to say: finished nodes, own dicts and states, those of subgraphs too.
_STREAM: Final = {"stream_mode": ["updates", "custom", "values"], "subgraphs": True}

_QUESTION: Final = "Approve to go on."


def as_graph(value: Any) -> Graph | None:
    """Give the graph that a value is, fitted or as compiled, or None; does not import LangGraph."""
    if isinstance(value, Graph):
        return value
    # Chains can be streamed and drawn as well: only graphs have checkpoints.
    marks = ("stream", "get_graph", "checkpointer")
    compiled = not inspect.isroutine(value) and all(hasattr(value, mark) for mark in marks)
    return Graph(graph=value) if compiled else None


def _with_checkpoints(graph: Any) -> Any:
    """Give a graph that was compiled without a checkpointer one in memory, which `interrupt` needs."""
    if graph.checkpointer is not None and graph.checkpointer is not False:
        return graph
    from langgraph.checkpoint.memory import InMemorySaver

    return graph.copy({"checkpointer": InMemorySaver()})


def _needs_loop(graph: Any) -> bool:
    """Tell whether a node or a branch of a graph is async only; the others run as well without a loop."""
    nodes = [getattr(node, "bound", None) for node in graph.nodes.values()]
    branches = getattr(getattr(graph, "builder", None), "branches", {})
    paths = [branch.path for ends in branches.values() for branch in ends.values()]
    return any(
        _needs_loop(part)
        if hasattr(part, "nodes")
        else getattr(part, "afunc", None) is not None and getattr(part, "func", None) is None
        for part in [*nodes, *paths]
    )


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
