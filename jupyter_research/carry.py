"""Take the session along where Python itself does not: into threads and pools.

The task carries the session, never the worker: workers start in an empty context, else
the first session to use a shared pool would leave itself in it for strangers.
What is put in here acts for callers inside a session only; others pay one look at a
`ContextVar`. It is taken back when the last runtime of the process closes.
"""

from __future__ import annotations

import concurrent.futures.thread
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import wraps
from multiprocessing.pool import ThreadPool
from typing import Any

from .context import Binding, bound, current
from .errors import SessionCancelled

_ATTRIBUTE = "_jupyter_research_binding"

# Which threads run a session's task just now. Of the process, like the pools it is about.
_busy: dict[threading.Thread, Binding] = {}


class Bound:
    """Run a function under a session's binding, wherever it is called."""

    __slots__ = ("binding", "function")

    def __init__(self, function: Callable[..., Any], binding: Binding) -> None:
        self.function = function
        self.binding = binding

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function under the binding."""
        thread = threading.current_thread()
        before = _busy.get(thread)
        _busy[thread] = self.binding
        try:
            with bound(self.binding):
                return self.function(*args, **kwargs)
        finally:
            if before is None:
                del _busy[thread]
            else:
                _busy[thread] = before


def disown_workers() -> int:
    """Let the process end without the pool workers that are still busy for attempts that have closed.

    Python joins all workers of `ThreadPoolExecutor` at exit, daemon threads or not: a branch that sleeps for
    a minute would hold the server that long. Only their place in that list is taken; returns how many.
    """
    queues = getattr(concurrent.futures.thread, "_threads_queues", None)
    if queues is None:
        return 0
    late = [thread for thread, binding in list(_busy.items()) if not binding.alive]
    return sum(queues.pop(thread, None) is not None for thread in late)


def is_cancellation(error: BaseException | None) -> bool:
    """Tell whether an error is a session's cancellation, alone or in an exception group."""
    if isinstance(error, SessionCancelled):
        return True
    return any(is_cancellation(inner) for inner in getattr(error, "exceptions", ()))


def _start(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def start(self: threading.Thread) -> None:
        binding = current()
        if binding is not None:
            setattr(self, _ATTRIBUTE, binding)
        original(self)

    return start


def _bootstrap(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def bootstrap(self: threading.Thread) -> None:
        binding = self.__dict__.pop(_ATTRIBUTE, None)
        if binding is None:
            original(self)
            return
        with bound(binding):
            original(self)

    return bootstrap


def _submit(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def submit(self: Any, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        binding = current()
        if binding is None:
            return original(self, fn, *args, **kwargs)
        with bound(None):  # A worker started by this call must not keep the session.
            return original(self, Bound(fn, binding), *args, **kwargs)

    return submit


def _done_callback(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def add_done_callback(self: Any, fn: Callable[..., Any]) -> Any:
        binding = current()
        return original(self, fn if binding is None else Bound(fn, binding))

    return add_done_callback


def _pool_init(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        with bound(None):
            original(self, *args, **kwargs)

    return init


def _pool_method(callbacks: tuple[int, ...]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Wrap the function and its callbacks, given by keyword or at these positions.

    joblib sends all but its first tasks from such a callback.
    """

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def method(self: Any, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            binding = current()
            if binding is None:
                return original(self, func, *args, **kwargs)
            positional = [
                Bound(value, binding) if position in callbacks and value is not None else value
                for position, value in enumerate(args)
            ]
            for name in ("callback", "error_callback"):
                if kwargs.get(name) is not None:
                    kwargs[name] = Bound(kwargs[name], binding)
            return original(self, Bound(func, binding), *positional, **kwargs)

        return method

    return make


def _excepthook(original: Callable[..., Any]) -> Callable[..., Any]:
    def excepthook(args: threading.ExceptHookArgs, /) -> None:
        if not is_cancellation(args.exc_value):
            original(args)

    return excepthook


#: What is replaced, and by what.
_REPLACEMENTS: tuple[tuple[Any, str, Callable[..., Any]], ...] = (
    (threading.Thread, "start", _start),
    (threading.Thread, "_bootstrap_inner", _bootstrap),
    (threading, "excepthook", _excepthook),
    (ThreadPoolExecutor, "submit", _submit),
    (Future, "add_done_callback", _done_callback),
    (ThreadPool, "__init__", _pool_init),
    (ThreadPool, "apply_async", _pool_method((2, 3))),
    (ThreadPool, "_map_async", _pool_method((3, 4))),
    (ThreadPool, "imap", _pool_method(())),
    (ThreadPool, "imap_unordered", _pool_method(())),
)


class Carriers:
    """Put the replacements in for the first runtime, take them back after the last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._installed: list[tuple[Any, str, Any, bool, Callable[..., Any]]] = []

    def install(self) -> None:
        """Count one more runtime."""
        with self._lock:
            self._users += 1
            if self._users == 1:
                for owner, name, make in _REPLACEMENTS:
                    self._replace(owner, name, make)

    def remove(self) -> None:
        """Count one runtime less."""
        with self._lock:
            self._users -= 1
            if self._users == 0:
                for owner, name, original, own, replacement in reversed(self._installed):
                    self._restore(owner, name, original, own, replacement)
                self._installed.clear()

    def _replace(self, owner: Any, name: str, make: Callable[..., Any]) -> None:
        original = getattr(owner, name)
        replacement = make(original)
        self._installed.append((owner, name, original, name in vars(owner), replacement))
        setattr(owner, name, replacement)

    @staticmethod
    def _restore(owner: Any, name: str, original: Any, own: bool, replacement: Any) -> None:
        if vars(owner).get(name) is not replacement:
            return  # Somebody wrapped ours: theirs stays, and ours does nothing outside sessions.
        if own:
            setattr(owner, name, original)
        else:
            delattr(owner, name)


#: One per process, because what it replaces is the process's own.
carriers = Carriers()
