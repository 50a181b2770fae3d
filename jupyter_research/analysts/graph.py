"""Tie the steps into a LangGraph graph; what is imported here is heavy, so import this when it runs."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.types import Send

from .interview import Interviewer
from .state import InterviewResult, InterviewState, State
from .steps import Steps
from .study import Study


def build(study: Study, checkpointer: Any) -> Any:
    """Compile the graph of a session.

    read_library -> create_analysts -> human_feedback (interrupt) -> an interview per analyst, in parallel ->
    write_report -> write_introduction -> write_conclusion -> check_citations -> finalize_report
    """
    steps = Steps(study)
    graph = StateGraph(State)
    names = (
        "read_library", "create_analysts", "human_feedback", "write_report", "write_introduction",
        "write_conclusion", "check_citations", "finalize_report",
    )  # fmt: skip
    for name in names:
        graph.add_node(name, study.meter.timed(name, getattr(steps, name)))
    # One subgraph each: plain nodes of a fan-out would be repeated after a kill even when they had finished.
    graph.add_node("interview", _interview(study))
    graph.add_edge(START, "read_library")
    graph.add_edge("read_library", "create_analysts")
    graph.add_edge("create_analysts", "human_feedback")
    graph.add_conditional_edges("human_feedback", _fan_out, ["create_analysts", "interview", "write_report"])
    graph.add_edge("interview", "write_report")
    endings = names[3:]
    for before, after in pairwise(endings):
        graph.add_edge(before, after)
    graph.add_edge("finalize_report", END)
    return graph.compile(checkpointer=checkpointer)


def _fan_out(state: State) -> list[Send] | str:
    """Send every analyst to work that has nothing to show yet: at a resume those that failed."""
    if not state["approved"]:
        return "create_analysts"
    done = {name for name, one in state.get("interviews", {}).items() if not one["failed"]}
    library = state["library"]["documents"]
    left = [analyst for analyst in state["analysts"] if analyst["id"] not in done]
    return [
        Send("interview", {"analyst": analyst, "turns": [], "documents": library}) for analyst in left
    ] or "write_report"


def _interview(study: Study) -> Any:
    interviewer = Interviewer(study)
    graph = StateGraph(InterviewState, output_schema=InterviewResult)
    names = ("ask_question", "search", "answer", "route", "save_interview", "write_section")
    for name in names:
        graph.add_node(name, study.meter.timed(name, getattr(interviewer, name)))
    graph.add_edge(START, "ask_question")
    graph.add_edge("ask_question", "search")
    graph.add_edge("search", "answer")
    graph.add_edge("answer", "route")
    graph.add_conditional_edges(
        "route",
        lambda state: "ask_question" if state["go_on"] else "save_interview",
        ["ask_question", "save_interview"],
    )
    graph.add_edge("save_interview", "write_section")
    graph.add_edge("write_section", END)
    return graph.compile()
