"""Let calls through as fast as a provider allows: shared by all sessions of the server, fair by owner."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

#: The span over which requests and tokens are counted, in seconds.
_MINUTE: Final = 60.0
#: Seconds after which one that waits looks whether it was cancelled.
_LOOK: Final = 0.5

#: Seconds to wait and the reason, told to whoever waits.
Tell = Callable[[float, str], None]


class Gate:
    """Keep the limits of one account at a provider. Thread-safe.

    Of those that wait, the owner goes first who got through least recently: somebody with ten sessions
    waits as long as somebody with one.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._turn = threading.Condition()
        self._running = 0
        self._shut_until = 0.0
        #: When each call of the last minute began, with its tokens.
        self._lately: deque[list[float]] = deque()
        self._waiting: list[tuple[str, object]] = []
        self._served: dict[str, int] = {}
        self._count = 0

    @contextmanager
    def through(
        self,
        owner: str,
        tokens: int,
        *,
        concurrency: int,
        requests: int = 0,
        per_minute: int = 0,
        stopped: Callable[[], bool] = lambda: False,
        tell: Tell = lambda seconds, reason: None,
    ) -> Iterator[None]:
        """Wait for one's turn, then hold a place until the block ends.

        Args:
            owner: on whose behalf.
            tokens: how many the call may take.
            concurrency: how many calls may be under way at once.
            requests: how many may begin within a minute; 0 for any number.
            per_minute: how many tokens may be asked for within a minute; 0 for any number.
            stopped: tells whether nobody wants the answer any more; then the block runs at once.
            tell: is told once how long the wait will be, where that is known.
        """
        untold = True
        while not stopped():
            wait, reason = self._queue(
                owner, tokens, concurrency, requests, per_minute, stopped=stopped, leave=untold
            )
            if wait > 0:
                untold = False
                # Neither with the lock nor in the line: who tells may be held for as long as a pause lasts.
                tell(wait, reason)
                continue
            if wait < 0:
                break
            try:
                yield
            finally:
                with self._turn:
                    self._running -= 1
                    self._turn.notify_all()
            return
        # Nobody is asked in this block: it takes nothing of the minute, and nobody's place.
        yield

    def _queue(
        self,
        owner: str,
        tokens: int,
        concurrency: int,
        requests: int,
        per_minute: int,
        *,
        stopped: Callable[[], bool],
        leave: bool,
    ) -> tuple[float, str]:
        """Stand in the line until it is one's turn, and take a place.

        Returns:
            Zero where the place was taken; less where nobody wants it any more; else, with `leave`, the
            seconds that it will take and why, the line being left.
        """
        ticket = (owner, object())
        with self._turn:
            self._waiting.append(ticket)
            try:
                while not stopped():
                    wait, reason = self._wait_for(tokens, requests, per_minute)
                    if wait <= 0 and self._running < concurrency and self._next() is ticket:
                        self._enter(owner, tokens)
                        return 0.0, ""
                    if wait > 1 and leave:
                        return wait, reason
                    self._turn.wait(min(wait, _LOOK) if wait > 0 else _LOOK)
                return -1.0, ""
            finally:
                self._waiting.remove(ticket)
                self._turn.notify_all()

    def _enter(self, owner: str, tokens: int) -> None:
        self._count += 1
        self._served[owner] = self._count
        self._running += 1
        self._lately.append([self._clock(), float(tokens)])

    def shut(self, seconds: float) -> None:
        """Let nobody through for a while: the provider has asked for it."""
        with self._turn:
            self._shut_until = max(self._shut_until, self._clock() + seconds)

    def _next(self) -> tuple[str, object]:
        return min(self._waiting, key=lambda ticket: self._served.get(ticket[0], 0))

    def _wait_for(self, tokens: int, requests: int, per_minute: int) -> tuple[float, str]:
        """Give the seconds until the limits let another call through, and which one holds it up."""
        now = self._clock()
        while self._lately and self._lately[0][0] <= now - _MINUTE:
            self._lately.popleft()
        if self._shut_until > now:
            return self._shut_until - now, "rate limit"
        if requests and len(self._lately) >= requests:
            return self._lately[len(self._lately) - requests][0] + _MINUTE - now, "requests a minute"
        asked = sum(one[1] for one in self._lately)
        # A call that is larger than the limit goes through alone.
        if per_minute and self._lately and asked + tokens > per_minute:
            return self._lately[0][0] + _MINUTE - now, "tokens a minute"
        return 0.0, ""


class Gates:
    """Hold the gate of each account; one of these for each server."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._gates: dict[tuple[str, str, str], Gate] = {}

    def of(self, name: tuple[str, str], key: str | None) -> Gate:
        """Give the one gate of a provider and a key: whoever has an account of their own waits for nobody."""
        account = hashlib.sha256((key or "").encode()).hexdigest()
        with self._lock:
            return self._gates.setdefault((*name, account), Gate())
