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
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextvars import copy_context
from functools import wraps
from multiprocessing.pool import Pool, ThreadPool
from typing import Any

from .context import Binding, bound, current
from .errors import SessionCancelled
from .guard import watch

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

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Go to another process or interpreter as the bare function: there is no log there."""
        return _same, (self.function,)


def _same(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


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
        watch.follow(self)
        binding = current()
        if binding is None:
            original(self)
            return
        # Not by setattr: a subclass may have its own ideas of which attributes there are.
        self.__dict__[_ATTRIBUTE] = binding
        if self.__dict__.get("_context", binding) is None:
            # From Python 3.14 on `run` has a context of its own, by default an empty one.
            self.__dict__["_context"] = copy_context()
        try:
            original(self)
        except BaseException:  # No thread, so nobody takes it out.
            self.__dict__.pop(_ATTRIBUTE, None)
            raise

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
    # Strangers pay for the look alone: their arguments are handed on as they came, not taken apart.
    @wraps(original)
    def submit(*args: Any, **kwargs: Any) -> Any:
        binding = current()
        return original(*args, **kwargs) if binding is None else carried(binding, *args, **kwargs)

    def carried(binding: Binding, pool: Any, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        with bound(None):  # A worker started by this call must not keep the session.
            return original(pool, Bound(fn, binding), *args, **kwargs)

    return submit


def _done_callback(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def add_done_callback(self: Any, fn: Callable[..., Any]) -> Any:
        binding = current()
        return original(self, fn if binding is None else Bound(fn, binding))

    return add_done_callback


def _started_for_all(original: Callable[..., Any]) -> Callable[..., Any]:
    """Keep the session out of the threads that a pool starts for whoever comes."""

    @wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        if current() is None:
            return original(*args, **kwargs)
        with bound(None):
            return original(*args, **kwargs)

    return call


def _pool_method(
    *callbacks: int, function: bool = True
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Wrap the function, unless it goes to another process, and its callbacks, by keyword or position.

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
            return original(self, Bound(func, binding) if function else func, *positional, **kwargs)

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
    (ThreadPool, "apply_async", _pool_method(2, 3)),
    (ThreadPool, "_map_async", _pool_method(3, 4)),
    (ThreadPool, "imap", _pool_method()),
    (ThreadPool, "imap_unordered", _pool_method()),
    # Pools of processes: only callbacks run here. After those of `ThreadPool`, which builds upon them.
    (Pool, "__init__", _started_for_all),
    (Pool, "apply_async", _pool_method(2, 3, function=False)),
    (Pool, "_map_async", _pool_method(3, 4, function=False)),
    (ProcessPoolExecutor, "submit", _started_for_all),
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
