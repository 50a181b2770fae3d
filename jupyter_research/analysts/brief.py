"""Write a report in one call of a chat model, from the same passages: what a team has to be better than."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..context import request_approval
from ..errors import Halted, InvalidRequest, SessionCancelled
from ..work import Drained, Finished, Outcome, Place, Work
from .researcher import Analysts
from .thinking import PLAIN

if TYPE_CHECKING:
    from .study import Study


class Brief(Analysts):
    """Search once and let the model write once; the same code checks what it cites."""

    name = "brief"
    description = (
        "One search and one call of a chat model: quicker and cheaper than a team, with the same checked "
        "citations."
    )
    #: There is no team to change; a person is asked whether it may begin.
    plans = False

    def check(self, options: Mapping[str, Any], place: Place) -> dict[str, Any]:
        """Give the options with their defaults.

        Raises:
            InvalidRequest: with one sentence, where they cannot be; also without a chat model.
        """
        checked = super().check(options, place)
        if checked["model"] == PLAIN:
            raise InvalidRequest("A brief is written by a chat model: name one with `--model provider:name`.")
        return checked

    def check_proposal(self, proposal: Any) -> Any:
        """Take it as it is: nothing in it is used."""
        return proposal

    def run(self, work: Work) -> Outcome:
        """Read, search, ask whether to begin, write and check.

        Raises:
            NoDocuments: when there is nothing to read.
            ModelFailed: when the provider does not answer.
            SessionCancelled: when the session was cancelled.
        """
        with self._study(work) as study:
            try:
                return Finished(report=_report(study))
            except Halted:
                if work.control.cancelled.is_set():
                    raise SessionCancelled("The session was cancelled.") from None
                return Drained()


def _report(study: Study) -> Any:
    from ..models.chat.model import Chat
    from .assembly import assemble
    from .state import State
    from .steps import Steps

    model, steps = study.model, Steps(study)
    assert isinstance(model, Chat), "the options were checked"
    study.progress.team([])
    state: State = {"analysts": [], "interviews": {}}
    state.update(steps.read_library(state))  # type: ignore[typeddict-item]  # an update has its keys
    brief = study.brief(state["library"]["documents"])
    estimate = model.estimate(0, 0)
    assert estimate is not None
    question = f"Shall the report be written?{steps.sent_online()} {estimate['sentence']}"
    request_approval(question, {"model": model.name})
    hits = study.hits("brief/search", study.work.topic)
    study.progress.finish("create_analysts")
    study.progress.say("Writing the report", "WRITE_REPORT")
    introduction, body, conclusion = study.ask(
        "write_report", len(hits), lambda: model.write_report(brief, hits)
    )
    for draft in (draft for section in (introduction, *body, conclusion) for draft in section["claims"]):
        for quote in draft["quotes"]:
            study.cite(quote["document"])
    for step in ("write_report", "write_introduction", "write_conclusion"):
        study.progress.finish(step)
    state.update({"introduction": introduction, "body": body, "conclusion": conclusion})
    state.update(steps.check_citations(state))  # type: ignore[typeddict-item]  # as above
    report = assemble(study, state)
    study.progress.finish("finalize_report")
    study.progress.say("The report is ready", "FINALIZE_REPORT")
    return report
