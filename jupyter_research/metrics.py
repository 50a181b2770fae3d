"""Give Prometheus what an operator watches, counted when it asks and not before."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, SummaryMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from .errors import ResearchError
from .meter import Time, What

if TYPE_CHECKING:
    from .runtime import Figures, Runtime

log = logging.getLogger(__name__)

PREFIX: Final = "jupyter_research_"

_COUNTERS: Final = {
    "delivered": "Events that went out to sockets, each counted for every viewer.",
    "dropped": "Updates that came after their session had ended or paused.",
}
_GAUGES: Final = {
    "backlog": "Updates that wait to be committed.",
    "held": "Threads that wait because too many updates of their session are not committed yet.",
    "viewers": "Sessions that sockets have joined, each counted for every socket.",
    "abandoned_threads": "Threads that still run though their session has ended.",
}
_TIMES: Final[dict[What, str]] = {
    "step": "Steps of the built-in researcher, with the label step.",
    "search": "Searches of libraries.",
    "online": "Searches of online sources.",
    "fetch": "Pages fetched from the web.",
    "model": "Calls of models, the extractive one's included.",
}
_TOKENS: Final = "Tokens that models took in and gave out, with the label direction."


class Metrics(Collector):
    """Sum over the runtimes of this process: a name may stand once in what Prometheus reads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Weak: whoever forgets to say that a runtime has closed leaves nothing behind.
        self._runtimes: WeakSet[Runtime] = WeakSet()
        self._registered = False

    def watch(self, runtime: Runtime) -> None:
        """Count a runtime in, once it is open."""
        with self._lock:
            self._runtimes.add(runtime)
            register, self._registered = not self._registered, True
        if register:
            REGISTRY.register(self)

    def forget(self, runtime: Runtime) -> None:
        """Count a runtime in no more; after the last nothing of us is left in the registry."""
        with self._lock:
            self._runtimes.discard(runtime)
            unregister = self._registered and not self._runtimes
            self._registered = self._registered and not unregister
        if unregister:
            REGISTRY.unregister(self)

    def describe(self) -> Iterable[Metric]:
        """Name what `collect` gives, without a look at a database."""
        return self._families([])

    def collect(self) -> Iterable[Metric]:
        """Count."""
        with self._lock:
            runtimes = list(self._runtimes)
        return self._families([figures for runtime in runtimes if (figures := _figures(runtime))])

    @staticmethod
    def _families(all_figures: list[Figures]) -> list[Metric]:
        sessions = GaugeMetricFamily(PREFIX + "sessions", "Sessions by state.", labels=["state"])
        for state in sorted({state for figures in all_figures for state in figures.sessions}):
            sessions.add_metric([state], sum(figures.sessions.get(state, 0) for figures in all_figures))
        families: list[Metric] = [sessions]
        for kind, texts in ((CounterMetricFamily, _COUNTERS), (GaugeMetricFamily, _GAUGES)):
            for name, text in texts.items():
                total = sum(getattr(figures, name) for figures in all_figures)
                families.append(kind(PREFIX + name, text, value=total))
        return [*families, *_times(all_figures), _tokens(all_figures)]


def _times(all_figures: list[Figures]) -> Iterable[Metric]:
    for what, text in _TIMES.items():
        named = what == "step"
        family = SummaryMetricFamily(f"{PREFIX}{what}_seconds", text, labels=["step"] if named else [])
        for name, time in _sums(all_figures, what).items():
            family.add_metric([name] if named else [], time.number, time.seconds)
        yield family


def _sums(all_figures: list[Figures], what: What) -> dict[str, Time]:
    sums = {} if what == "step" else {"": Time()}
    for figures in all_figures:
        for (kind, name), time in figures.times.items():
            if kind == what:
                sums[name] = sums.get(name, Time()).plus(time)
    return sums


def _tokens(all_figures: list[Figures]) -> Metric:
    family = CounterMetricFamily(PREFIX + "tokens", _TOKENS, labels=["direction"])
    for direction in ("input", "output"):
        family.add_metric([direction], sum(each.tokens.get(direction, 0) for each in all_figures))
    return family


def _figures(runtime: Runtime) -> Figures | None:
    try:
        return runtime.figures()
    except ResearchError as error:
        # The server's own metrics stand in the same answer.
        log.debug("No figures of %s: %s", runtime, error)
        return None


#: One per process, because Prometheus' registry is.
metrics = Metrics()
