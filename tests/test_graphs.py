"""Graphs of LangGraph as researchers: unchanged, async ones too, with their subgraphs and their questions."""

from __future__ import annotations

import operator
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send, interrupt
from test_researchers import Notes, carried, run

from jupyter_research.context import get_session_context
from jupyter_research.graphs import Graph

__all__ = ["carried"]  # The fixture: what a session needs to follow the work.


class State(TypedDict, total=False):
    messages: list
    found: str
    answer: Any


class Team(TypedDict, total=False):
    seen: Annotated[list, operator.add]


def steps(notes: Notes) -> list[str]:
    return [status["step"] for message, status in notes.updates if message]


def chain(*nodes: Any) -> StateGraph:
    """Make a graph of nodes that follow each other."""
    graph = StateGraph(Team)
    for before, node in zip([None, *nodes], nodes, strict=False):
        graph.add_node(node.__name__, node)
        graph.add_edge(before.__name__ if before else START, node.__name__)
    return graph


def test_a_graph_runs_as_it_is_with_its_nodes_and_writers_as_status_and_interrupts_as_questions():
    def search(state: State) -> State:
        get_stream_writer()({"message": "looking", "done": 1, "total": 2})
        return {"found": str(state["messages"][0])}

    def decide(state: State) -> State:
        return {"answer": interrupt({"plan": [1, 2]})}

    def write(state: State) -> State:
        return {"messages": [f"# Found\n\n{state['answer']}"]}

    graph = StateGraph(State)
    for name, node in (("search", search), ("decide", decide), ("write", write)):
        graph.add_node(name, node)
    for source, target in ((START, "search"), ("search", "decide"), ("decide", "write"), ("write", END)):
        graph.add_edge(source, target)
    notes = Notes()
    report = run(graph.compile(), notes=notes)
    assert "approved" in (report.markdown or "")
    assert notes.asked == [{"plan": [1, 2]}]
    assert (None, {"message": "looking", "done": 1, "total": 2}) in notes.updates
    assert [status["step"] for message, status in notes.updates if message] == ["SEARCH", "DECIDE", "WRITE"]


def test_two_sessions_of_one_graph_with_a_shared_checkpointer_do_not_meet():
    graph = StateGraph(State)
    graph.add_node("note", lambda state: {"found": state.get("found", "") + str(state["messages"])})
    graph.add_edge(START, "note")
    graph.add_edge("note", END)
    fitted = Graph(
        graph=graph.compile(checkpointer=InMemorySaver()),
        input=lambda topic, options: {"messages": [topic]},
        result=lambda state: state["found"],
        label=lambda node, value: f"{node} found {len(value['found'])}",
    )
    notes = Notes()
    assert run(fitted, "one", notes).markdown == "['one']"
    assert run(fitted, "two").markdown == "['two']"
    assert notes.updates == [("note found 7", {"step": "NOTE"})]


def test_nodes_and_writers_of_subgraphs_are_status_too_and_parallel_questions_are_asked_once_each():
    def look(state: Team) -> Team:
        get_stream_writer()({"message": "looking"})
        return {"seen": [get_session_context()]}

    def ask(state: Team) -> Team:
        return {"seen": [interrupt("this one?")]}

    graph = StateGraph(Team)
    graph.add_node("plan", lambda state: {})
    graph.add_node("branch", chain(look, ask).compile())
    graph.add_edge(START, "plan")
    graph.add_conditional_edges("plan", lambda state: [Send("branch", {"seen": []})] * 2, ["branch"])
    notes = Notes()
    report = run(Graph(graph=graph.compile(), result=lambda state: str(state["seen"])), "topic", notes)
    assert notes.asked == ["this one?"] * 2
    assert report.markdown == str(["topic", {"approved": "this one?"}] * 2)
    assert notes.updates.count((None, {"message": "looking"})) == 2
    assert sorted(steps(notes)) == ["ASK"] * 2 + ["BRANCH"] * 2 + ["LOOK"] * 2 + ["PLAN"]


@pytest.mark.parametrize("where", ["node", "branch", "subgraph"])
def test_a_graph_with_async_parts_runs_on_a_loop_of_its_own(where: str):
    async def later(state: Team) -> Team:
        return {"seen": [get_session_context()]}

    def now(state: Team) -> Team:
        return {"seen": [get_session_context(), interrupt("go on?")["approved"]]}

    async def onward(state: Team) -> str:
        return END

    if where == "node":
        graph = chain(now, later)
    elif where == "subgraph":
        graph = chain(now)
        graph.add_node("inner", chain(later).compile())
        graph.add_edge("now", "inner")
    else:
        graph = chain(now)
        graph.add_conditional_edges("now", onward, [END])
    notes = Notes()
    report = run(Graph(graph=graph.compile(), result=lambda state: str(state["seen"])), "topic", notes)
    # A subgraph gives back what it was given as well.
    seen = {"node": ["topic"], "branch": [], "subgraph": ["topic", "go on?", "topic"]}[where]
    assert report.markdown == str(["topic", "go on?", *seen])
    assert notes.asked == ["go on?"]
    assert steps(notes)[0] == "NOW"


def test_where_a_graph_was_compiled_to_stop_the_person_goes_on_and_may_change_its_state():
    def plan(state: State) -> State:
        return {"found": "much"}

    def write(state: State) -> State:
        return {"answer": state["found"]}

    graph = StateGraph(State)
    graph.add_node("plan", plan)
    graph.add_node("write", write)
    for source, target in ((START, "plan"), ("plan", "write"), ("write", END)):
        graph.add_edge(source, target)

    class Changes(Notes):
        def approval(self, question: str, proposal: Any) -> Any:
            super().approval(question, proposal)
            return {**proposal, "found": "little"}

    fitted = Graph(
        graph=graph.compile(interrupt_before=["write"]),
        input=lambda topic, options: {"messages": [topic]},
        result=lambda state: state["answer"],
    )
    notes = Changes()
    assert run(fitted, "topic", notes).markdown == "little"
    assert notes.asked == [{"messages": ["topic"], "found": "much"}]
    assert steps(notes) == ["PLAN", "WRITE"]
