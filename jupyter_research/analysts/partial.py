"""Put together what a session had found when it was ended before its time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from ..errors import NotReady
from ..models import SectionDraft
from ..report import Report
from .assembly import assemble
from .state import Interview, State
from .steps import Steps
from .study import Study

_NOTHING: SectionDraft = {"heading": "", "analyst": None, "claims": []}


def partial_report(study: Study, snapshot: Any) -> Report:
    """Make a report of the interviews that were done, every citation checked as in a whole one.

    Args:
        study: what the steps work with.
        snapshot: the graph's state, with the tasks that it was at.

    Raises:
        NotReady: when no interview was done.
    """
    state = snapshot.values
    interviews = _interviews(snapshot)
    written = [interviews[one["id"]] for one in state.get("analysts", ()) if one["id"] in interviews]
    sections = [interview["section"] for interview in written if interview["section"]]
    if not sections:
        raise NotReady("The session was ended before an interview was done: there is nothing to report.")
    draft = {**state, "interviews": interviews, "introduction": _NOTHING, "body": sections}
    draft["conclusion"] = _NOTHING
    checked = {**draft, **Steps(study).check_citations(cast(State, draft))}
    report = assemble(study, cast(State, checked))
    said = (
        f"This is a partial report: the session was ended when {len(sections)} of "
        f"{len(state['analysts'])} interviews were done. It has no introduction, no conclusion, and nobody "
        "has weighed its sections against each other."
    )
    return replace(
        report,
        title=f"{report.title} (partial)",
        sections=tuple(section for section in report.sections if section.claims),
        limitations=(said, *report.limitations),
        made={**report.made, "partial": True},
    )


def _interviews(snapshot: Any) -> dict[str, Interview]:
    """Find the interviews: what one of several analysts at work has done is with its task."""
    found = dict(snapshot.values.get("interviews", {}))
    for task in snapshot.tasks:
        if isinstance(task.result, Mapping):
            found.update(task.result.get("interviews", {}))
    return found
