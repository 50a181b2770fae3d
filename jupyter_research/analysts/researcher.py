"""Run a team of analysts over a library: the researcher that every installation has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Halted, InvalidRequest, NotReady, SessionCancelled
from ..ledger import Ledger
from ..meter import Meter
from ..report import Report
from ..work import Drained, Outcome, Place, Work
from .budget import usage
from .cited import CitedTexts
from .options import Options
from .progress import Progress
from .running import begun, checkpoints, run
from .team import check_team
from .thinking import PLAIN, Thinking

if TYPE_CHECKING:
    from ..sources.online import Catalogue, OnlineSettings
    from .study import Study


class Analysts:
    """Let analysts interview the library, each from one perspective, and write a report."""

    name = "analysts"
    description = (
        "A team of analysts searches your documents, each from one perspective, "
        "and writes a report with checked citations."
    )
    #: It begins with a team that a person may change.
    plans = True

    def __init__(
        self,
        *,
        indexes: Path,
        workers: int | None = None,
        thinking: Thinking | None = None,
        local_only: bool = False,
        max_seconds: int = 0,
        online: OnlineSettings | None = None,
        meter: Meter | None = None,
    ) -> None:
        self._indexes = indexes
        self._workers = workers
        self._thinking = thinking or Thinking()
        self._local_only = local_only
        self._max_seconds = max_seconds
        self._online = online
        self._meter = meter or Meter()

    def check(self, options: Mapping[str, Any], place: Place) -> dict[str, Any]:
        """Give the options with their defaults.

        Raises:
            InvalidRequest: with one sentence, where they cannot be.
        """
        from ..sources import check

        read = Options.from_json(self._thinking.completed(options, place.owner))
        online, files = self._catalogue.split(read.sources, place)
        if files or not (online or read.documents):
            check(files, place)
        # What a kernel holds was never meant to leave the machine.
        local = read.local_only or self._local_only or bool(read.documents)
        if local and online:
            raise InvalidRequest(
                f"{online[0]} is online, and this session is local only: leave out one of the two."
            )
        self._catalogue.check(online, place)
        model = self._thinking.settle(read, place, local_only=local)
        read = replace(read, online=online)
        return {**read.to_json(), **model, "local_only": local, "budget": self._within(read.budget)}

    def _within(self, budget: Mapping[str, float]) -> dict[str, float]:
        """Give the budget within the time that any session has, so that it ends with a report by then."""
        if not self._max_seconds:
            return dict(budget)
        return {**budget, "seconds": min(budget.get("seconds", self._max_seconds), self._max_seconds)}

    def asks(self, options: Mapping[str, Any]) -> bool:
        """Ask a person first where a language model is used, or something is sent elsewhere."""
        return bool(options.get("model", "extractive") != "extractive" or options.get("online"))

    def fingerprint(self, options: Mapping[str, Any], place: Place, owner: str) -> str:
        """Name the state of the files that the options name; what the index knows is not read again."""
        from ..sources import fingerprint
        from .collection import Collection

        read = Options.stored(options)
        if not read.files and (read.documents or read.online):
            # The hashes of documents stand in the options, and what is online has none yet.
            return ""
        collection = Collection(owner=owner, place=place, sources=read.files, indexes=self._indexes)
        files = collection.files()
        return fingerprint(files, collection.hashes(files))

    def check_proposal(self, proposal: Any) -> dict[str, Any]:
        """Give an edited team as it will be used; raise `InvalidRequest` where it cannot be."""
        return dict(check_team(proposal))

    def describe_models(
        self, owner: str = "", *, guest: bool = False, check: bool = False
    ) -> Sequence[Mapping[str, Any]]:
        """List the models that can be chosen; with `check` each says whether it answers."""
        return self._thinking.describe(owner, guest=guest, check=check)

    def defaults(self, owner: str) -> dict[str, Any]:
        """Give what a person has chosen for all their sessions."""
        return self._thinking.defaults.of(owner)

    def keep_defaults(self, owner: str, choices: Any) -> dict[str, Any]:
        """Take a person's choices in place of the earlier ones.

        Raises:
            InvalidRequest: with one sentence, where they cannot be.
        """
        return self._thinking.keep(owner, choices)

    def local_addresses(self, options: Mapping[str, Any]) -> tuple[str, ...]:
        """Name what a local-only session connects to by itself: its model, where that is on this machine."""
        return self._thinking.local_addresses(options.get("model"))

    def describe_sources(self, owner: str, *, guest: bool) -> Sequence[Mapping[str, str]]:
        """List the online sources that can be named; one that cannot be used says why."""
        return self._catalogue.describe(owner, guest=guest)

    @property
    def _catalogue(self) -> Catalogue:
        from ..sources.online import Catalogue, OnlineSettings

        return Catalogue(self._online or OnlineSettings())

    def run(self, work: Work) -> Outcome:
        """Work until there is a report, a proposal to decide about, or a reason to stop.

        Goes on from the session's checkpoint when there is one.

        Raises:
            NoDocuments: when there is nothing to read.
            ResearcherFailed: when every analyst failed.
            SessionCancelled: when the session was cancelled.
        """
        with self._study(work) as study:
            try:
                if not begun(work.folder):
                    # Where there is nothing to read, that is said before LangGraph's seconds of imports.
                    study.shelf.read(study.progress)
                return run(study)
            except Halted:
                if work.control.cancelled.is_set():
                    raise SessionCancelled("The session was cancelled.") from None
                return Drained()

    def partial(self, work: Work) -> Report:
        """Give what a session that was ended had found, marked as the part that it is.

        Raises:
            NotReady: when it had found nothing yet.
        """
        if not begun(work.folder):
            raise NotReady("The session was ended before it had found anything.")
        from .graph import build
        from .partial import partial_report

        with self._study(work) as study, checkpoints(work.folder) as checkpointer:
            graph = build(study, checkpointer)
            snapshot = graph.get_state({"configurable": {"thread_id": work.session_id}})
            return partial_report(study, snapshot)

    def search(self, work: Work, query: str, k: int) -> list[dict[str, Any]]:
        """Give the passages of the session's library that fit best."""
        from .followup import Followup
        from .search import checked_query

        checked_query(query, k)
        with Followup.of(work, self._indexes) as followup:
            return followup.search(query, k)

    def answer(self, work: Work, question: str) -> Report:
        """Answer a question with sentences of the session's library, word for word."""
        from .followup import Followup, checked_question

        checked_question(question)
        with Followup.of(work, self._indexes) as followup:
            return followup.answer(question)

    def source_text(self, folder: Path, source_id: str) -> tuple[str, str] | None:
        """Give title and stored text of a cited source, as they were when it was cited."""
        cited = CitedTexts(folder)
        source, text = cited.source(source_id), cited.text(source_id)
        return None if source is None or text is None else (source.title, text)

    @contextmanager
    def _study(self, work: Work) -> Iterator[Study]:
        """Open what the steps work with, and close it whatever happens."""
        from ..documents import sentences
        from .online import Online
        from .shelf import Shelf
        from .study import Study

        options = Options.stored(work.options)
        catalogue, thinking = self._catalogue, self._thinking
        shelf = Shelf(work, self._indexes, self._workers)
        with Ledger(work.folder / "ledger.sqlite", work.session_id, self._meter) as ledger, closing(shelf):
            budget = thinking.budget(options, ledger)
            progress = Progress(
                ledger,
                analysts=options.analysts,
                turns=options.turns,
                usage=(lambda: usage(ledger, budget)) if options.model not in (None, PLAIN) else dict,
            )
            online = Online(work, options.online, catalogue, ledger, progress)
            with closing(online), thinking.open(work, options, ledger, budget, sentences) as model:
                yield Study(
                    work=work,
                    options=options,
                    ledger=ledger,
                    shelf=shelf,
                    online=online,
                    model=model,
                    progress=progress,
                    budget=budget,
                    meter=self._meter,
                )
