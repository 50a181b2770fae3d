"""Put the finished report together: its head, what limits it, and how it was made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from .._version import __version__
from ..events import utc_now
from ..report import Report, Section, Source
from .budget import usage
from .state import LibraryFacts, State
from .study import Study

#: How many unreadable files are named one by one.
_NAMED: Final = 50


def assemble(study: Study, state: State) -> Report:
    """Make the report of what the graph's state holds."""
    sections = [Section.from_json(section) for section in state["sections"]]
    sources = tuple(Source.from_json(source) for source in state["sources"])
    return Report(
        title=study.model.title(study.work.topic),
        session_id=study.work.session_id,
        topic=study.work.topic,
        sections=tuple(sections),
        sources=sources,
        limitations=tuple(_limitations(study, state, sections)),
        usage=usage(study.ledger, study.budget),
        made=_made(study, state),
    )


def _limitations(study: Study, state: State, sections: Sequence[Section]) -> Iterator[str]:
    yield from study.model.limits()
    if study.budget.unheld:
        yield study.budget.unheld
    yield from study.online.failures()
    for source in state["sources"]:
        if source.get("retracted"):
            yield f"“{source['title']}”, which is cited, was retracted: what it says no longer stands."
    library = state["library"]
    failures = library["failures"]
    for name, reason in failures[:_NAMED]:
        stop = "" if reason.endswith("?") else "."
        yield f"{name} could not be read: {reason}{stop}"
    if len(failures) > _NAMED:
        yield f"{len(failures) - _NAMED} more files could not be read."
    papers = library.get("papers", 0)
    if unknown := papers - library.get("identified", 0):
        yield (
            f"{unknown} of {papers} papers could not be identified: a .bib or CSL-JSON file beside them "
            "would say who wrote what."
        )
    for language, number in state["library"]["languages"].items():
        yield (
            f"{number} {'document is' if number == 1 else 'documents are'} in {language}: words are compared "
            "as English ones, so what is said there was found only where it uses the same words."
        )
    interviews = state.get("interviews", {})
    for analyst in state["analysts"]:
        interview = interviews.get(analyst["id"])
        if interview and interview["failed"]:
            yield f"The analyst “{analyst['name']}” failed, and its section is missing: {interview['failed']}"
    cut_short = [one for one in interviews.values() if one["cut_short"]]
    if cut_short:
        yield f"{cut_short[0]['cut_short']} {len(cut_short)} of {len(interviews)} interviews ended early."
    elif over := study.budget.exhausted():
        yield over
    if not any(claim.citations for section in sections for claim in section.claims):
        where = [*(["the library"] if study.shelf.wanted else []), *study.online.titles()]
        yield f"Nothing about the topic was found in {', '.join(where)}."


def _folders(study: Study) -> list[str]:
    if not study.shelf.wanted:
        return []
    given = [document["name"] for document in study.options.documents]
    return [*study.options.files, *given] or [str(study.work.place.folder)]


def _identified(library: LibraryFacts) -> dict[str, str]:
    """Say how many of the papers bear title and author; nothing where there is none."""
    papers = library.get("papers")
    return {"identified": f"{library.get('identified', 0)} of {papers}"} if papers else {}


def _made(study: Study, state: State) -> dict[str, Any]:
    library = state["library"]
    counts = study.ledger.counts()
    return {
        "date": utc_now(),
        "folders": _folders(study),
        **({"online": study.online.titles()} if study.online.names else {}),
        "files": library["files"],
        "documents": library["documents"],
        **_identified(library),
        "failed": [name for name, _ in library["failures"]],
        "corpus_hash": library["hash"],
        "analysts": [analyst["name"] for analyst in state["analysts"]],
        "model": study.model.name,
        "calls": counts.get("model", 0),
        "searches": counts.get("search", 0),
        "version": __version__,
    }
