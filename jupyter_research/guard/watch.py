"""Watch what local-only sessions do: one audit hook, and the few ways out that raise no audit event.

The hook is put in at the first such session. Python cannot take it out again; without a local-only session
it looks at the name of an event and returns.
"""

from __future__ import annotations

import importlib
import multiprocessing.util
import platform
import socket
import ssl
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Final

from ..context import current
from .restraint import ADDRESSED, NAMES, PROCESSES, Restraint, own_process

_WATCHED: Final = PROCESSES | ADDRESSED | NAMES
#: Workers of pools serve whoever comes: their tasks carry the session, they do not.
_WORKERS: Final = frozenset({("concurrent.futures.thread", "_worker"), ("multiprocessing.pool", "worker")})


class Watch:
    """Know which threads work under a restraint. One per process, as the hook is."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hooked = False
        #: The restraints of sessions at work.
        self._working: list[Restraint] = []
        self._threads: weakref.WeakKeyDictionary[threading.Thread, Restraint] = weakref.WeakKeyDictionary()
        self._replaced: list[tuple[Any, str, Any, bool]] = []

    @contextmanager
    def over(self, restraint: Restraint) -> Iterator[None]:
        """Restrain this thread and all that it starts, whatever becomes of its context."""
        thread = threading.current_thread()
        restraint.settle()
        with self._lock:
            self._begin(restraint)
            self._threads[thread] = restraint
        try:
            yield
        finally:
            with self._lock:
                self._threads.pop(thread, None)
                self._end(restraint)

    def restraint(self) -> Restraint | None:
        """Give the restraint that the running code is under."""
        binding = current()
        # An id alone says nothing about what its code may do: then the thread does.
        if binding is not None and (binding.sink is not None or binding.restraint is not None):
            found = binding.restraint
            return found if isinstance(found, Restraint) else None
        thread = threading._active.get(threading.get_ident())  # type: ignore[attr-defined]
        if thread is None or isinstance(thread, threading._DummyThread):
            # Of no session, and not started as the server starts threads: a session's, for all that is known.
            # By a slice: the last of them may end between a look and a grasp.
            return next(iter(self._working[-1:]), None)
        return self._threads.get(thread)

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        """Be the hook."""
        if event not in _WATCHED:
            return
        restraint = self.restraint()
        if restraint is not None:
            restraint.check(event, args)

    def follow(self, thread: threading.Thread) -> None:
        """Restrain a thread that is about to be started, where the one that starts it is."""
        if not self._hooked:
            return  # Nobody ever was: every thread of the process comes this way.
        restraint = self.restraint()
        if restraint is not None:
            target = getattr(thread, "_target", None)
            name = (getattr(target, "__module__", None), getattr(target, "__name__", None))
            if name not in _WORKERS:
                self._threads[thread] = restraint

    def _begin(self, restraint: Restraint) -> None:
        if not self._hooked:
            _try_out()
            sys.addaudithook(self)
            self._hooked = True
        if not self._working:
            for owner, name in _SENDING:
                self._replace(owner, name, _checked_send)
            self._replace(multiprocessing.util, "spawnv_passfds", _checked_spawn)
        self._working.append(restraint)

    def _end(self, restraint: Restraint) -> None:
        self._working.remove(restraint)
        if not self._working:
            for owner, name, original, own in reversed(self._replaced):
                if own:
                    setattr(owner, name, original)
                else:
                    delattr(owner, name)
            self._replaced.clear()

    def _replace(self, owner: Any, name: str, make: Callable[[Watch, Any], Any]) -> None:
        original = getattr(owner, name)
        self._replaced.append((owner, name, original, name in vars(owner)))
        setattr(owner, name, make(self, original))


def _try_out() -> None:
    """Let libraries try out once, before they are watched, what they remember for good."""
    with own_process():
        # It asks `uname`; clients name their platform to their services.
        platform.processor()
    try:
        # Binds a socket to find out about IPv6.
        importlib.import_module("urllib3.util.connection")
    except ImportError:
        pass


def _checked_send(watch: Watch, original: Any) -> Any:
    """Check where a socket leads before something is sent: Python raises no audit event for that."""

    @wraps(original)
    def send(self: socket.socket, *args: Any, **kwargs: Any) -> Any:
        restraint = watch.restraint()
        if restraint is not None:
            restraint.peer(self)
        return original(self, *args, **kwargs)

    return send


def _checked_spawn(watch: Watch, original: Any) -> Any:
    """Check the one way to a process of `multiprocessing` that raises no audit event."""

    @wraps(original)
    def spawn(path: Any, *args: Any) -> Any:
        restraint = watch.restraint()
        if restraint is not None:
            restraint.check("multiprocessing.spawn", (path,))
        return original(path, *args)

    return spawn


_SENDING: Final = (
    (socket.socket, "send"),
    (socket.socket, "sendall"),
    (socket.socket, "sendfile"),
    (ssl.SSLSocket, "send"),
    (ssl.SSLSocket, "sendall"),
    (ssl.SSLSocket, "write"),
)

#: The one of this process.
watch = Watch()
