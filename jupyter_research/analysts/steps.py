"""Do the steps of the session that are no analyst's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ..citations import Checker, Registry
from ..documents import PAPERS, Document
from ..errors import ResearcherFailed
from ..models import Brief
from ..report import Claim, Section
from .assembly import assemble
from .cited import CitedTexts
from .claims import claim_of
from .progress import counted
from .state import Interview, State
from .study import Study
from .team import check_team

Update = dict[str, Any]
T = TypeVar("T")


class Steps:
    """Read, propose, ask a person, write, check."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._cited = CitedTexts(study.work.folder)

    def read_library(self, state: State) -> Update:
        """Read the files that the session's sources name."""
        indexed = self._study.shelf.read(self._study.progress)
        files = len(indexed.documents) + len(indexed.failures)
        self._study.progress.found(files)
        papers = [document for document in indexed.documents if document.kind in PAPERS]
        if self._study.shelf.wanted:
            self._say("READ_LIBRARY", f"{counted(len(indexed.documents), 'document')} can be searched")
        return {
            "library": {
                "files": files,
                "documents": len(indexed.documents),
                "papers": len(papers),
                "identified": sum(paper.identified for paper in papers),
                "failures": [(one.name, one.reason) for one in indexed.failures],
                "hash": indexed.hash,
                "languages": _languages(indexed.documents),
            }
        }

    def create_analysts(self, state: State) -> Update:
        """Propose a team, in view of what the library has and what a person said."""
        feedback = state.get("feedback", [])
        self._say("CREATE_ANALYSTS", "Changing the team" if feedback else "Looking for what the library has")
        if self._study.budget.unheld:
            # Where nobody is asked for approval it would be read in the report alone.
            self._say("CREATE_ANALYSTS", self._study.budget.unheld)
        brief = self._brief(state, feedback)
        # The library alone: nothing is asked online before the team is approved.
        hits = self._study.search("topic/search", self._study.work.topic)
        team = self._study.ask(
            f"create_analysts/{len(feedback)}",
            [feedback, brief.count, brief.documents],
            lambda: self._study.model.propose(brief, hits),
        )
        self._study.progress.finish("create_analysts")
        self._study.progress.team(team["analysts"])
        names = ", ".join(analyst["name"] for analyst in team["analysts"])
        # Before the interrupt, and in a step that is not repeated after it.
        self._say("HUMAN_FEEDBACK", f"{counted(len(team['analysts']), 'analyst')} proposed: {names}")
        question = team["question"] + self.sent_online()
        return {"analysts": team["analysts"], "question": question, "approved": False}

    def sent_online(self) -> str:
        """Say where words will go once a person has agreed; nothing where no online source is named."""
        titles = self._study.online.titles()
        if not titles:
            return ""
        return f" Words of the topic and of questions about it will be sent to {', '.join(titles)}."

    def human_feedback(self, state: State) -> Update:
        """Wait for a person's decision; what stands before `interrupt` runs again after it."""
        from langgraph.types import interrupt

        estimate = self._study.model.estimate(len(state["analysts"]), self._study.options.turns)
        question = f"{state['question']} {estimate['sentence']}" if estimate else state["question"]
        proposal = {"analysts": state["analysts"]}
        decision = interrupt({"question": question, "proposal": proposal, "estimate": estimate})
        if decision.get("feedback") is not None:
            return {"feedback": [*state.get("feedback", []), decision["feedback"]], "approved": False}
        team = check_team(decision["proposal"])["analysts"]
        self._study.progress.team(team)
        names = ", ".join(analyst["name"] for analyst in team)
        self._say("INITIATE_ALL_INTERVIEWS", f"{counted(len(team), 'analyst')} at work: {names}")
        return {"analysts": team, "approved": True}

    def write_report(self, state: State) -> Update:
        """Order the sections into a body.

        Raises:
            ResearcherFailed: when every analyst failed, with the cause of each.
        """
        interviews = self._interviews(state)
        if all(interview["failed"] for _, interview in interviews):
            causes = "; ".join(f"{name}: {interview['failed']}" for name, interview in interviews)
            raise ResearcherFailed(f"Every analyst failed. {causes}")
        self._say("WRITE_REPORT", "Putting the report together")
        sections = [interview["section"] for _, interview in interviews if interview["section"]]
        hits = self._study.about_the_topic()
        brief = self._brief(state)
        body = self._written(
            "write_report", sections, lambda: self._study.model.write_body(brief, sections, hits)
        )
        for document in {
            quote["document"] for section in body for one in section["claims"] for quote in one["quotes"]
        }:
            self._study.cite(document)
        return {"body": body}

    def write_introduction(self, state: State) -> Update:
        """Write what stands before the body."""
        self._say("WRITE_INTRODUCTION", "Writing the introduction")
        brief, body = self._brief(state), state["body"]
        write = self._study.model.write_introduction
        return {"introduction": self._written("write_introduction", body, lambda: write(brief, body))}

    def write_conclusion(self, state: State) -> Update:
        """Write what stands after the body."""
        self._say("WRITE_CONCLUSION", "Writing the conclusion")
        brief, body = self._brief(state), state["body"]
        write = self._study.model.write_conclusion
        return {"conclusion": self._written("write_conclusion", body, lambda: write(brief, body))}

    def check_citations(self, state: State) -> Update:
        """Compare every claim with the stored text of what it cites, and number the sources."""
        drafts = [state["introduction"], *state["body"], state["conclusion"]]
        quotes = sum(len(claim["quotes"]) for section in drafts for claim in section["claims"])
        self._say("CHECK_CITATIONS", f"Checking {counted(quotes, 'quote')}, word for word")
        checker, registry = Checker(self._cited.text), Registry()
        numbers = iter(range(1, 1_000_000))
        sections = []
        for section in drafts:
            claims = tuple(checker.check(claim_of(claim, f"c{next(numbers)}")) for claim in section["claims"])
            for claim in claims:
                self._register(claim, registry)
            sections.append(Section(heading=section["heading"], analyst=section["analyst"], claims=claims))
        self._study.progress.finish("check_citations")
        return {
            "sections": [section.to_json() for section in sections],
            "sources": [source.to_json() for source in registry.numbered()],
        }

    def finalize_report(self, state: State) -> Update:
        """Put the report together with how it was made."""
        self._study.progress.finish("finalize_report")
        report = assemble(self._study, state)
        self._say("FINALIZE_REPORT", f"The report is ready: {counted(len(report.sources), 'source')} cited")
        return {"report": report.to_json()}

    def _register(self, claim: Claim, registry: Registry) -> None:
        for citation in claim.citations:
            source = self._cited.source(citation.source)
            assert source is not None, "the checker passes no citation of a source that is not stored"
            registry.use(source)

    def _interviews(self, state: State) -> list[tuple[str, Interview]]:
        """Give the interviews in the order of the team, each with its analyst's name."""
        interviews = state.get("interviews", {})
        return [
            (analyst["name"], interviews[analyst["id"]])
            for analyst in state["analysts"]
            if analyst["id"] in interviews
        ]

    def _brief(self, state: State, feedback: Sequence[str] = ()) -> Brief:
        return self._study.brief(state["library"]["documents"], feedback)

    def _written(self, step: str, request: Any, write: Callable[[], T]) -> T:
        written = self._study.ask(step, request, write)
        self._study.progress.finish(step)
        return written

    def _say(self, step: str, message: str) -> None:
        self._study.stop_if_cancelled()
        self._study.progress.say(message, step)


def _languages(documents: Sequence[Document]) -> dict[str, int]:
    """Count the documents that are clearly not in English, by language."""
    found = Counter(document.language for document in documents if document.language is not None)
    return dict(found.most_common())
