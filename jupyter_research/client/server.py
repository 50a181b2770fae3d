"""Command the sessions of a Jupyter server."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from .. import errors
from .._version import __version__
from ..events import Snapshot
from .base import Events, Passages, Snapshots, Where
from .discovery import Server
from .transport import Answer, Transport

#: Seconds that a search may take beyond the usual: a library whose index was taken away is read again.
_PATIENCE = 300.0


class NoCredential(errors.ServerRefused):
    """This kernel has no credential for its server: press Start, or set JUPYTER_RESEARCH_TOKEN."""

    code = "no_credential"


class ServerClient:
    """Command the sessions of one server."""

    where: ClassVar[Where] = "server"

    def __init__(self, server: Server) -> None:
        self.server = server
        self._transport = Transport(server)

    def submit(self, body: Mapping[str, Any]) -> tuple[Snapshot, bool]:
        """Start a session, or rejoin one by its key; True when it is a new one."""
        answer = self._send("POST", "research/api/sessions", body)
        return self._object(answer), answer.status == 202

    def start(self, body: Mapping[str, Any]) -> Snapshot:
        """Start a session, or rejoin one by its key."""
        return self.submit(body)[0]

    def get(self, session_id: str) -> Snapshot:
        """Give the state of a session."""
        return self._object(self._send("GET", _of(session_id)))

    def list(self, state: str | None = None, limit: int = 50) -> Snapshots:
        """Give the newest sessions first."""
        query = {"limit": limit, **({"state": state} if state else {})}
        answer = self._object(self._send("GET", "research/api/sessions?" + urlencode(query)))
        sessions: Snapshots = answer["sessions"]
        return sessions

    def approve(self, session_id: str, version: int, proposal: Any = None) -> Snapshot:
        """Approve a version of the proposal, as edited when `proposal` is given."""
        edited = {} if proposal is None else {"proposal": proposal}
        return self._command(session_id, "approve", {"version": version, **edited})

    def modify(self, session_id: str, version: int, feedback: str) -> Snapshot:
        """Ask for another proposal."""
        return self._command(session_id, "modify", {"version": version, "feedback": feedback})

    def pause(self, session_id: str) -> Snapshot:
        """Pause a session."""
        return self._command(session_id, "pause")

    def resume(self, session_id: str) -> Snapshot:
        """Take a session up again."""
        return self._command(session_id, "resume")

    def cancel(self, session_id: str) -> Snapshot:
        """Cancel a session."""
        return self._command(session_id, "cancel")

    def delete(self, session_id: str) -> None:
        """Cancel a session and remove it."""
        self._send("DELETE", _of(session_id))

    def events(self, session_id: str, after: int, limit: int = 200, wait: float = 0) -> tuple[Events, int]:
        """Give the events past `after` and the last `seq`; wait up to `wait` seconds for the first."""
        query = urlencode({"after": after, "limit": limit, "wait": int(wait)})
        answer = self._object(self._send("GET", f"{_of(session_id, 'events')}?{query}", patience=wait))
        return answer["events"], answer["last"]

    def report(self, session_id: str, format: str = "json", *, partial: bool = False) -> bytes:
        """Give the finished report in one of the export formats, or what a cancelled session had found."""
        query = {"format": format, **({"partial": 1} if partial else {})}
        path = f"{_of(session_id, 'report')}?{urlencode(query)}"
        return self._send("GET", path, patience=60).content

    def source(self, session_id: str, source_id: str) -> dict[str, Any]:
        """Give `{"id", "title", "text"}` of a source as it was stored."""
        return self._object(self._send("GET", _of(session_id, "sources", source_id)))

    def search(self, query: str, *, sources: Sequence[str], k: int = 20) -> Passages:
        """Give the passages of files that fit best, read by the server: however long that takes it."""
        body = {"query": query, "sources": list(sources), "k": k}
        while True:
            try:
                answer = self._send("POST", "research/api/search", body, patience=_PATIENCE)
            except errors.LimitReached as busy:
                time.sleep(min(busy.retry_after, 5))
                continue
            found: Passages = self._object(answer)["passages"]
            return found

    def search_session(self, session_id: str, query: str, k: int) -> Passages:
        """Give the passages of a session's library that fit best."""
        answer = self._send("POST", _of(session_id, "search"), {"query": query, "k": k}, patience=_PATIENCE)
        found: Passages = self._object(answer)["passages"]
        return found

    def ask(self, session_id: str, question: str) -> dict[str, Any]:
        """Answer from a session's library: `{"report", "markdown"}`."""
        body = {"question": question}
        return self._object(self._send("POST", _of(session_id, "ask"), body, patience=_PATIENCE))

    def models(self) -> Sequence[Mapping[str, Any]]:
        """List the models that can be chosen, and whether each answers."""
        answer = self._send("GET", "research/api/models?check=1", patience=_PATIENCE)
        found: Sequence[Mapping[str, Any]] = self._object(answer)["models"]
        return found

    def keep_defaults(self, choices: Mapping[str, Any]) -> dict[str, Any]:
        """Take choices for all one's sessions in place of the earlier ones."""
        return self._object(self._send("PUT", "research/api/defaults", dict(choices)))

    def health(self) -> dict[str, Any]:
        """Give the version and how many sessions are in which state."""
        return self._object(self._send("GET", "research/api/health"))

    def notebook(self, kernel_id: str) -> str | None:
        """Give the path, beneath the root folder, of the notebook that runs this kernel."""
        sessions: Any = self._send("GET", "api/sessions").json() or ()
        for session in sessions:
            if session.get("type") == "notebook" and (session.get("kernel") or {}).get("id") == kernel_id:
                # Collaborative documents carry the name of their drive.
                return str(session["path"]).removeprefix("RTC:")
        return None

    def content(self, path: str) -> dict[str, Any] | None:
        """Give a notebook as it was saved last; None where the server does not show it."""
        try:
            answer = self._send("GET", f"api/contents/{quote(path)}?type=notebook&content=1").json()
        except errors.ResearchError:
            return None
        content = answer.get("content") if isinstance(answer, dict) else None
        return content if isinstance(content, dict) else None

    def _command(self, session_id: str, action: str, body: Mapping[str, Any] | None = None) -> Snapshot:
        return self._object(self._send("POST", _of(session_id, action), body))

    def _send(
        self, verb: str, path: str, body: Mapping[str, Any] | None = None, *, patience: float = 0
    ) -> Answer:
        try:
            answer = self._transport.send(verb, path, body, patience=patience)
        except OSError as error:
            raise errors.ServerNotFound(
                f"The Jupyter server at {self.server.url} does not answer: start it again, or check "
                "JUPYTER_RESEARCH_URL."
            ) from error
        if not answer.ok:
            raise self._refusal(answer)
        return answer

    def _object(self, answer: Answer) -> dict[str, Any]:
        content = answer.json()
        if not isinstance(content, dict):
            raise errors.ServerRefused(
                f"What answers at {self.server.url} is no Jupyter server: check JUPYTER_RESEARCH_URL."
            )
        return content

    def _refusal(self, answer: Answer) -> errors.ResearchError:
        """Give the error that the server meant, or the sentence for a server that is not ours."""
        if answer.status in (302, 401, 403):
            return self._shut_out()
        content = answer.json()
        if not isinstance(content, dict) or "error" not in content or "code" not in content:
            if answer.status == 404:
                return errors.ServerNotFound(_not_enabled(self.server))
            return errors.ServerRefused(
                f"The Jupyter server at {self.server.url} answered {answer.status}: see its log."
            )
        if answer.status == 429:
            return errors.LimitReached(content["error"], retry_after=answer.retry_after)
        return _BY_CODE.get(content["code"], errors.ServerRefused)(content["error"])

    def _shut_out(self) -> errors.ResearchError:
        if not self.server.token:
            return NoCredential()
        return errors.ServerRefused(
            f"The Jupyter server at {self.server.url} refused this kernel's token: restart the kernel from "
            "that server, or set JUPYTER_RESEARCH_TOKEN."
        )


def check_version(server: Server, version: str) -> None:
    """Raise where the two environments have versions that do not speak the same language."""
    if version.split(".")[:2] == __version__.split(".")[:2]:
        return
    raise errors.ServerRefused(
        f"The Jupyter server at {server.url} has jupyter_research {version} and this kernel {__version__}: "
        f"run `%pip install jupyter_research=={version}` in this notebook, then restart the kernel."
    )


def _not_enabled(server: Server) -> str:
    python = server.python
    return (
        f"The Jupyter server at {server.url} does not have jupyter_research: run `{python} -m pip install "
        f"jupyter_research && {python} -m jupyter server extension enable jupyter_research` in the server's "
        "environment and restart it, or add --in-kernel."
    )


def _by_code(base: type[errors.ResearchError]) -> dict[str, type[errors.ResearchError]]:
    found: dict[str, type[errors.ResearchError]] = {}
    for child in base.__subclasses__():
        # Of two classes with one code the first in the file stands for both.
        found = {**_by_code(child), **found}
    return {**found, base.code: base}


_BY_CODE = _by_code(errors.ResearchError)


def _of(session_id: str, *rest: str) -> str:
    parts = (quote(part, safe="") for part in (session_id, *rest))
    return "research/api/sessions/" + "/".join(parts)
