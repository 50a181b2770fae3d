"""Let one analyst work: ask, search, answer, again and again; then write a section."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from ..errors import ResearchError
from ..models import Brief, Turn
from .blend import blended
from .finds import Seen
from .progress import counted
from .state import Interview, InterviewState
from .study import Study

log = logging.getLogger(__name__)

Update = dict[str, Any]


class Interviewer:
    """Do the steps of an interview; a step that fails ends this analyst's work and nobody else's."""

    def __init__(self, study: Study) -> None:
        self._study = study

    def ask_question(self, state: InterviewState) -> Update:
        """Ask the next question."""
        return self._guarded("GENERATE_QUESTION", "ask", self._ask_question)(state)

    def search(self, state: InterviewState) -> Update:
        """Search for passages that may answer it."""
        return self._guarded("SEARCH_LIBRARY", "search", self._search)(state)

    def answer(self, state: InterviewState) -> Update:
        """Answer it from the passages."""
        return self._guarded("GENERATE_ANSWER", "answer", self._answer)(state)

    def route(self, state: InterviewState) -> Update:
        """Decide whether there is another question."""
        return self._guarded("ROUTE_MESSAGES", "route", self._route)(state)

    def save_interview(self, state: InterviewState) -> Update:
        """Close the interview."""
        return self._guarded("SAVE_INTERVIEW", "save", self._save)(state)

    def write_section(self, state: InterviewState) -> Update:
        """Write the section, and give the session what came of it all."""
        update = self._guarded("WRITE_SECTION", "write", self._write)(state)
        after: InterviewState = {**state, **update}  # type: ignore[typeddict-item]  # an update has its keys
        interview: Interview = {
            "turns": after.get("turns", []),
            "section": after.get("section"),
            "failed": after.get("failed"),
            "cut_short": after.get("cut_short"),
        }
        if interview["failed"] is None:
            self._say("WRITE_SECTION", state, "the section is written")
        return {"interviews": {state["analyst"]["id"]: interview}}

    def _ask_question(self, state: InterviewState, path: str) -> Update:
        analyst, turns = state["analyst"], state.get("turns", [])
        number, most = len(turns) + 1, self._study.options.turns
        self._say("GENERATE_QUESTION", state, f"asking question {number} of {most}")
        model = self._study.model
        question = self._study.ask(
            path, [analyst, turns], lambda: model.ask(self._brief(state), analyst, turns)
        )
        query = self._study.ask(
            f"{path}/query",
            [analyst, question, turns],
            lambda: model.phrase_query(self._brief(state), analyst, question, turns),
        )
        return {"question": question, "query": query}

    def _search(self, state: InterviewState, path: str) -> Update:
        # The passages stay in the ledger: in the state every checkpoint would carry them again.
        if self._study.shelf.wanted:
            self._say("SEARCH_LIBRARY", state, "searching the library")
            self._study.search(path, state["query"])
        for source in self._study.online.names:
            title = self._study.online.title(source)
            self._say(f"SEARCH_{source.upper()}", state, f"searching {title}")
            self._study.find(source, path, state["query"])
        return {}

    def _answer(self, state: InterviewState, path: str) -> Update:
        step, query = self._path(state, "search"), state["query"]
        finds = self._study.finds(step, query)
        hits = blended(self._study.search(step, query), *finds)
        # How rare a word is must not hang on what other analysts have found by now.
        brief = self._study.brief(state["documents"], seen=Seen([hit for found in finds for hit in found]))
        self._say("GENERATE_ANSWER", state, f"reading {counted(len(hits), 'passage')}")
        analyst, question, turns = state["analyst"], state["question"], state.get("turns", [])
        drafts = self._study.ask(
            path,
            [analyst, question, state["query"], turns],
            lambda: self._study.model.answer(brief, analyst, question, hits, turns),
        )
        for document in {quote["document"] for draft in drafts for quote in draft["quotes"]}:
            self._study.cite(document)
        turn: Turn = {"question": question, "query": state["query"], "found": len(hits), "drafts": drafts}
        return {"turns": [*turns, turn]}

    def _route(self, state: InterviewState, path: str) -> Update:
        turns = state.get("turns", [])
        over = self._study.budget.exhausted()
        more = len(turns) < self._study.options.turns and _brought_new(turns)
        found = counted(len(turns[-1]["drafts"]), "sentence")
        self._say("ROUTE_MESSAGES", state, f"{found} found")
        return {"go_on": more and over is None, "cut_short": over if more else None}

    def _save(self, state: InterviewState, path: str) -> Update:
        kept = sum(len(turn["drafts"]) for turn in state.get("turns", []))
        self._say("SAVE_INTERVIEW", state, f"{counted(kept, 'sentence')} kept")
        return {}

    def _write(self, state: InterviewState, path: str) -> Update:
        self._say("WRITE_SECTION", state, "writing the section")
        analyst, turns = state["analyst"], state.get("turns", [])
        section = self._study.ask(
            path,
            [analyst, turns],
            lambda: self._study.model.write_section(self._brief(state), analyst, turns),
        )
        return {"section": section}

    def _guarded(
        self, step: str, name: str, perform: Callable[[InterviewState, str], Update]
    ) -> Callable[[InterviewState], Update]:
        """Count the step when it is done, and hold what fails in the analyst's own state."""

        @wraps(perform)
        def guarded(state: InterviewState) -> Update:
            if state.get("failed"):
                return {"go_on": False}
            self._study.stop_if_cancelled()
            path = self._path(state, name)
            try:
                update = perform(state, path)
            except Exception as error:
                log.warning("An analyst failed at %s: %s.", step, type(error).__name__)
                log.debug("This is how.", exc_info=True)
                cause = str(error) if isinstance(error, ResearchError) else f"{type(error).__name__}: {error}"
                analyst = state["analyst"]
                self._study.progress.fail(analyst["id"], f"{analyst['name']} failed: {cause}", step, cause)
                return {"failed": cause, "go_on": False}
            self._study.progress.finish(path)
            return update

        return guarded

    def _brief(self, state: InterviewState) -> Brief:
        return self._study.brief(state["documents"])

    def _path(self, state: InterviewState, name: str) -> str:
        analyst, turn = state["analyst"]["id"], len(state.get("turns", []))
        if name in ("save", "write"):
            return f"{analyst}/{name}"
        # The answer closes its turn, so the step after it belongs to the turn before.
        return f"{analyst}/turn-{turn if name == 'route' else turn + 1}/{name}"

    def _say(self, step: str, state: InterviewState, what: str) -> None:
        analyst = state["analyst"]
        self._study.progress.say(f"{analyst['name']}: {what}", step, analyst=analyst["id"])


def _brought_new(turns: Sequence[Turn]) -> bool:
    """Tell whether the last turn quotes what no turn before it did; the first may find nothing yet."""
    places = [
        {(quote["document"], quote["start"]) for draft in turn["drafts"] for quote in draft["quotes"]}
        for turn in turns
    ]
    return len(turns) < 2 or bool(places[-1].difference(*places[:-1]))
