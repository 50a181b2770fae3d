"""Give the report of a session and the texts beneath it, and search and ask these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tornado import web

from .errors import InvalidRequest
from .rest import ResearchHandler, authorized, known


class ReportHandler(ResearchHandler):
    """Give the report as a document."""

    @web.authenticated
    @authorized("read", "research")
    async def get(self, session_id: str) -> None:
        """Answer with the report in the format asked for, or with the part that a cancelled session has."""
        name = self.get_query_argument("format", "markdown")
        download, partial = self.whole("download", 0, 0, 1), self.whole("partial", 0, 0, 1)
        runtime = await self.access.runtime()
        document, media_type, filename = await self.access.render(
            runtime.export, self.caller, known(session_id), name, partial=bool(partial)
        )
        if download:
            self.set_attachment_header(filename)
        if media_type.startswith("text/html"):
            # The text comes from documents that nobody has vetted, and this is the server's origin.
            self.set_header("Content-Security-Policy", self.sandbox)
        self.send(document, media_type)

    @property
    def sandbox(self) -> str:
        """Give the policy for a page that may show itself and nothing else."""
        rules = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'"
        return f"{rules}; base-uri 'none'; frame-ancestors 'self'"


class OutputHandler(ResearchHandler):
    """Give a session as the output of a cell, for pages that write it into a notebook without a kernel."""

    @web.authenticated
    @authorized("read", "research")
    async def get(self, session_id: str) -> None:
        """Answer with a MIME bundle."""
        runtime = await self.access.runtime()
        self.answer(await self.access.render(runtime.output, self.caller, known(session_id)))


class SourceHandler(ResearchHandler):
    """Give the stored text that citations count in."""

    @web.authenticated
    @authorized("read", "research")
    async def get(self, session_id: str, source_id: str) -> None:
        """Answer with title and text."""
        runtime = await self.access.runtime()
        source = await self.access.call(runtime.source, self.caller, known(session_id), source_id)
        self.answer(source)


class SearchHandler(ResearchHandler):
    """Search what a session has read."""

    @web.authenticated
    @authorized("write", "research")
    async def post(self, session_id: str) -> None:
        """Answer with the passages that fit best; by POST, since addresses stand in logs."""
        query, k = _query(self.fields("query", optional=("k",)))
        runtime = await self.access.runtime()
        found = await self.access.render(runtime.search_session, self.caller, known(session_id), query, k)
        self.answer({"passages": found})


class LibrarySearchHandler(ResearchHandler):
    """Search files without a session."""

    #: Seconds after which whoever asked is told to ask again: a reading may take minutes.
    patience: ClassVar[float] = 60

    @web.authenticated
    @authorized("write", "research")
    async def post(self) -> None:
        """Answer with the passages that fit best, once the files are read."""
        fields = self.fields("query", optional=("k", "sources"))
        query, k = _query(fields)
        sources = fields.get("sources", [])
        if not isinstance(sources, list) or not all(isinstance(one, str) for one in sources):
            raise InvalidRequest("sources must be a list of names and paths.")
        runtime = await self.access.runtime()
        found = await self.access.read(
            runtime.search, self.caller, query, sources=sources, k=k, patience=self.patience
        )
        self.answer({"passages": found})


def _query(fields: Mapping[str, Any]) -> tuple[str, int]:
    query, k = fields["query"], fields.get("k", 20)
    if not isinstance(query, str) or type(k) is not int:
        raise InvalidRequest("query must be a text, and k a whole number.")
    return query, k


class AskHandler(ResearchHandler):
    """Answer questions from what a session has read."""

    @web.authenticated
    @authorized("write", "research")
    async def post(self, session_id: str) -> None:
        """Answer with a report of one section, and with the same in Markdown."""
        question = self.fields("question")["question"]
        if not isinstance(question, str):
            raise InvalidRequest("question must be a text.")
        runtime = await self.access.runtime()
        self.answer(await self.access.render(runtime.ask, self.caller, known(session_id), question))
