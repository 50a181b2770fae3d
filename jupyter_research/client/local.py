"""Command sessions that work in this very process."""

from __future__ import annotations

import atexit
import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from .. import errors
from ..events import Snapshot
from ..work import Caller
from .base import Events, Passages, Snapshots, Where
from .discovery import kernel_id, parent_server

if TYPE_CHECKING:
    from ..runtime import Finding, Indexed, KeptIndex, Keys, Runtime


class NotInstalled(errors.ServerNotFound):
    """This environment has only what talks to a Jupyter server."""


class LocalClient:
    """Command the sessions of a runtime in this process."""

    where: ClassVar[Where] = "kernel"

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self._caller = Caller(owner="local")

    @staticmethod
    def of_this_process() -> LocalClient:
        """Give the one client of this process; its runtime holds the lock on its folder."""
        return _of_this_process()

    @staticmethod
    def over(folder: Path | None = None, researchers: Mapping[str, str] | None = None) -> LocalClient:
        """Give a client that keeps its sessions where a server would; `close` it after use."""
        # What a server left in its queue is not for a command that is soon gone.
        return LocalClient(_open(folder or _server_data_dir(), researchers or {}, requeue=False))

    @staticmethod
    def examine(folder: Path | None = None) -> Iterator[Finding]:
        """Look at a data folder, by default where a server would keep its sessions; opens no session."""
        from ..runtime import examine

        if folder is not None:
            return examine(folder)
        # Without a server this person's processes read from indexes of their own, beside the folder.
        return examine(_server_data_dir(), _indexes())

    @staticmethod
    def kept_indexes(folder: Path | None = None) -> Iterator[KeptIndex]:
        """Go through the indexes beneath a folder, by default all of this person."""
        from ..runtime import kept

        return kept(folder or _server_data_dir().parent)

    @staticmethod
    def forget_index(path: Path) -> None:
        """Remove an index; raise `WrongState` while a session uses it."""
        from ..runtime import forget

        forget(path)

    @staticmethod
    def build_index(folder: Path, progress: Callable[[int, int, str], None]) -> tuple[Indexed, Path]:
        """Build the index of a folder for everybody; give what came of it, and where it lies."""
        from ..runtime import build_index

        return build_index(folder, progress)

    @staticmethod
    def back_up(target: Path, folder: Path | None = None) -> int:
        """Copy a data folder to a new one, also while a server works there; give the number of sessions."""
        from ..runtime import back_up

        return back_up(folder or _server_data_dir(), target)

    def close(self) -> None:
        """Interrupt what works and give the folder back."""
        self.runtime.close()

    @staticmethod
    def in_use() -> LocalClient | None:
        """Give the client of this process where it has sessions, of before a restart of the kernel too."""
        used = _of_this_process.cache_info().currsize or (_data_dir() / "research.sqlite").exists()
        return _of_this_process() if used else None

    def run(self, function: Callable[..., Any], body: Mapping[str, Any]) -> Snapshot:
        """Start a session that runs `function`; `body["researcher"]` names it."""
        name = self.runtime.register_function(body["researcher"], function)
        return self.start({**body, "researcher": name})

    def submit(self, body: Mapping[str, Any]) -> tuple[Snapshot, bool]:
        """Start a session, or rejoin one by its key; True when it is a new one."""
        return self.runtime.start(self._caller, body)

    def start(self, body: Mapping[str, Any]) -> Snapshot:
        """Start a session, or rejoin one by its key."""
        return self.submit(body)[0]

    def get(self, session_id: str) -> Snapshot:
        """Give the state of a session."""
        return self.runtime.get(self._caller, session_id)

    def list(self, state: str | None = None, limit: int = 50) -> Snapshots:
        """Give the newest sessions first."""
        return self.runtime.list(self._caller, states=(state,) if state else (), limit=limit)[0]

    def approve(self, session_id: str, version: int, proposal: Any = None) -> Snapshot:
        """Approve a version of the proposal, as edited when `proposal` is given."""
        edited = {} if proposal is None else {"proposal": proposal}
        return self.runtime.approve(self._caller, session_id, {"version": version, **edited})

    def modify(self, session_id: str, version: int, feedback: str) -> Snapshot:
        """Ask for another proposal."""
        return self.runtime.modify(self._caller, session_id, {"version": version, "feedback": feedback})

    def pause(self, session_id: str) -> Snapshot:
        """Pause a session."""
        return self.runtime.pause(self._caller, session_id)

    def resume(self, session_id: str) -> Snapshot:
        """Take a session up again."""
        return self.runtime.resume(self._caller, session_id)

    def cancel(self, session_id: str) -> Snapshot:
        """Cancel a session."""
        return self.runtime.cancel(self._caller, session_id)

    def delete(self, session_id: str) -> None:
        """Cancel a session and remove it."""
        self.runtime.delete(self._caller, session_id)

    def events(self, session_id: str, after: int, limit: int = 200, wait: float = 0) -> tuple[Events, int]:
        """Give the events past `after` and the last `seq`; wait up to `wait` seconds for the first."""
        import orjson

        texts, last = self.runtime.events(self._caller, session_id, after=after, limit=limit)
        if not texts and wait > 0:
            self.runtime.wait(self._caller, session_id, after=after, timeout=wait)
            texts, last = self.runtime.events(self._caller, session_id, after=after, limit=limit)
        return [orjson.loads(text) for text in texts], last

    def report(self, session_id: str, format: str = "json", *, partial: bool = False) -> bytes:
        """Give the finished report in one of the export formats, or what a cancelled session had found."""
        return self.runtime.export(self._caller, session_id, format, partial=partial)[0]

    def source(self, session_id: str, source_id: str) -> dict[str, Any]:
        """Give `{"id", "title", "text"}` of a source as it was stored."""
        return self.runtime.source(self._caller, session_id, source_id)

    def search_session(self, session_id: str, query: str, k: int) -> Passages:
        """Give the passages of a session's library that fit best."""
        return [dict(one) for one in self.runtime.search_session(self._caller, session_id, query, k)]

    def ask(self, session_id: str, question: str) -> dict[str, Any]:
        """Answer from a session's library: `{"report", "markdown"}`."""
        return self.runtime.ask(self._caller, session_id, question)

    def search(self, query: str, *, sources: Sequence[str], k: int = 20) -> Sequence[Mapping[str, Any]]:
        """Give the passages of files that fit best, without a session."""
        return self.runtime.search(self._caller, query, sources=sources, k=k)

    def models(self) -> Sequence[Mapping[str, Any]]:
        """List the models that can be chosen, and whether each answers."""
        return self.runtime.models(self._caller, check=True)

    def keep_defaults(self, choices: Mapping[str, Any]) -> dict[str, Any]:
        """Take choices for all one's sessions in place of the earlier ones."""
        return self.runtime.keep_defaults(self._caller, choices)

    @staticmethod
    def keys() -> Keys:
        """Give the keys of providers that this person keeps."""
        from ..runtime import Keys

        return Keys(_keys_file(), os.environ)

    def health(self) -> dict[str, Any]:
        """Give the version and how many sessions are in which state."""
        return {
            "status": "healthy",
            "version": self.runtime.version,
            "websocket_enabled": False,
            "sessions": self.runtime.counts(self._caller),
            "notices": list(self.runtime.notices()),
        }


@cache
def _of_this_process() -> LocalClient:
    runtime = _open(_data_dir(), {})
    atexit.register(runtime.close)
    return LocalClient(runtime)


def _open(folder: Path, researchers: Mapping[str, str], *, requeue: bool = True) -> Runtime:
    try:
        from ..runtime import OnlineSettings, Proxies, Runtime, Settings
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "jupyter_research":
            raise
        raise NotInstalled(
            "This environment has only what talks to a Jupyter server, and there is none to use: run "
            "`%pip install jupyter_research` and restart the kernel to work in it."
        ) from error
    settings = Settings(
        data_dir=folder,
        indexes=_indexes(),
        root=None,
        researchers=researchers,
        keys_file=_keys_file(),
        environment=os.environ,
        # The process is the person's own, and so is what it is told to use.
        online=OnlineSettings(proxies=Proxies.said("environment", os.environ)),
        requeue=requeue,
    )
    runtime = Runtime(settings)
    runtime.open()
    return runtime


def _indexes() -> Path:
    """Give the folder of the indexes that this person's processes on this machine share.

    Of this machine alone: SQLite's log cannot be shared over a network's file system.
    """
    from jupyter_core.paths import jupyter_data_dir

    # With a dot, so that no server's folder is called like it.
    return Path(jupyter_data_dir()) / "research" / f"indexes.{quote(platform.node(), safe='')}"


def _keys_file() -> Path:
    """Name the file of keys that a server of this person uses as well."""
    from jupyter_core.paths import jupyter_config_dir

    return Path(jupyter_config_dir()) / "jupyter_research" / "keys.json"


def _server_data_dir() -> Path:
    """Give the folder that a server of this person uses when nothing else is configured."""
    from jupyter_core.paths import jupyter_data_dir

    # As the server names it: a named server may be called "..".
    name = quote(os.environ.get("JUPYTERHUB_SERVER_NAME") or "default", safe="").replace(".", "%2E")
    return Path(jupyter_data_dir()) / "research" / name


def _data_dir() -> Path:
    """Give the folder of this process: a server's kernel finds its own again after a restart."""
    try:
        from jupyter_core.paths import jupyter_data_dir
    except ImportError:
        # Nothing can work in this environment; a client that asks is told when it tries.
        return Path(os.devnull)

    # What no server has started gets another id each time: those take the first folder that is free.
    own = kernel_id() if parent_server() is not None else None
    return Path(jupyter_data_dir()) / "research" / f"kernel-{own or 'local'}"
