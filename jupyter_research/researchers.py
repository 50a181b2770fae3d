"""Make a researcher of any Python function, and find those that are configured."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

import orjson

from .context import send_status_update
from .errors import InvalidRequest, ResearcherFailed, UnknownName
from .events import safe_json
from .graphs import as_graph
from .report import Claim, Report, Section
from .work import Finished, Outcome, Place, Work

#: Whose packages may bring researchers of their own.
ENTRY_POINTS: Final = "jupyter_research.researchers"
#: The option that is the session's and not the researcher's.
_LOCAL: Final = "local_only"
_AS_TEXT: Final = "Some values of this report were no JSON and were written as text."


@runtime_checkable
class Researcher(Protocol):
    """Do what a session is for."""

    name: str
    #: One sentence for those who choose.
    description: str
    #: Begins with a plan that a person may be asked to approve; drained rather than held at a pause.
    plans: bool

    def check(self, options: Mapping[str, Any], place: Place) -> dict[str, Any]:
        """Return the options with their defaults; raise `InvalidRequest` where they cannot be."""

    def asks(self, options: Mapping[str, Any]) -> bool:
        """Tell whether a person is asked when the request does not say."""

    def fingerprint(self, options: Mapping[str, Any], place: Place, owner: str) -> str:
        """Name the state of the files that the options name."""

    def check_proposal(self, proposal: Any) -> Any:
        """Return an edited proposal as it will be used; raise `InvalidRequest` where it cannot be."""

    def run(self, work: Work) -> Outcome:
        """Do the work in the calling thread, whose context is bound to the session."""

    def source_text(self, folder: Path, source_id: str) -> tuple[str, str] | None:
        """Return title and stored text of a source, or None."""


@runtime_checkable
class Reader(Researcher, Protocol):
    """Keep a library for each session, which can be asked further questions."""

    def search(self, work: Work, query: str, k: int) -> list[dict[str, Any]]:
        """Give the passages that fit best."""

    def answer(self, work: Work, question: str) -> Report:
        """Answer a question from what the session has read."""

    def partial(self, work: Work) -> Report:
        """Give what a session that was ended had found; raise `NotReady` where that is nothing."""


@runtime_checkable
class Local(Researcher, Protocol):
    """Know what a session that is local only has to connect to on this machine."""

    def local_addresses(self, options: Mapping[str, Any]) -> tuple[str, ...]:
        """Give hosts with their ports."""


class FunctionResearcher:
    """Run a function `(topic, **options)` that returns Markdown, a `Report` or a dict with `final_report`.

    It may be async, or a generator that yields statuses.
    """

    plans = False

    def __init__(self, name: str, function: Callable[..., Any], description: str | None = None) -> None:
        self.name = name
        self.function = function
        self.description = description or _first_line(function) or f"The function {name}."

    def check(self, options: Mapping[str, Any], place: Place) -> dict[str, Any]:
        """Refuse options that the function does not take; every session may be local only."""
        if not isinstance(options.get(_LOCAL, False), bool):
            raise InvalidRequest(f"The option {_LOCAL} must be true or false.")
        if as_graph(self.function) is not None:
            return dict(options)
        if not callable(self.function):
            raise InvalidRequest(
                f"The researcher {self.name} is a {type(self.function).__name__}: "
                "give a function (topic, **options), or a graph after its compile()."
            )
        try:
            inspect.signature(self.function).bind("topic", **self._taken(options))
        except TypeError as error:
            raise InvalidRequest(
                f"The researcher {self.name} does not take these options: {error}."
            ) from error
        return dict(options)

    def asks(self, options: Mapping[str, Any]) -> bool:
        """Ask: a function that wants an approval means it."""
        return True

    def fingerprint(self, options: Mapping[str, Any], place: Place, owner: str) -> str:
        """Name no files: which ones a function reads is its own matter."""
        return ""

    def check_proposal(self, proposal: Any) -> Any:
        """Take any JSON value."""
        return proposal

    def run(self, work: Work) -> Outcome:
        """Call the function and make a report of what it returns."""
        graph = as_graph(self.function)
        if graph is not None:
            result = graph.run(work.topic, _without_local(work.options))
        else:
            result = _finish(self.function(work.topic, **self._taken(work.options)))
        return Finished(report=report_of(result, work))

    def _taken(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Give what goes to the function: that it works locally only where it has a name for that."""
        named = _LOCAL in inspect.signature(self.function).parameters
        return dict(options) if named else _without_local(options)

    def source_text(self, folder: Path, source_id: str) -> tuple[str, str] | None:
        """Return None: a function stores no texts."""
        return None


def _without_local(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name != _LOCAL}


def _finish(result: Any) -> Any:
    """Bring what a function returned to its end, sending what it yields as status."""
    if inspect.iscoroutine(result):
        return asyncio.run(result)
    if inspect.isasyncgen(result):
        return asyncio.run(_drain_async(result))
    if inspect.isgenerator(result):
        return _drain(result)
    return result


def _drain(statuses: Iterator[Any]) -> Any:
    last = None
    while True:
        try:
            last = next(statuses)
        except StopIteration as stop:
            return stop.value if stop.value is not None else _text_of(last)
        _send(last)


async def _drain_async(statuses: Any) -> Any:
    last = None
    async for last in statuses:
        _send(last)
    return _text_of(last)


def _send(status: Any) -> None:
    if isinstance(status, str):
        send_status_update(status)
    else:
        send_status_update(None, status)


def _text_of(last: Any) -> Any:
    """Take the last thing yielded as the result where it is one: an async generator cannot return."""
    return (
        last if isinstance(last, (str, Report)) or (isinstance(last, dict) and "final_report" in last) else ""
    )


def report_of(result: Any, work: Work) -> Report:
    """Make a report of what a function returned: Markdown, a `Report`, or a dict with `final_report`."""
    if isinstance(result, Mapping) and "final_report" in result:
        result = result["final_report"]
    if isinstance(result, Report):
        return _storable(result)
    if result is None:
        result = ""
    if not isinstance(result, str):
        raise ResearcherFailed(
            f"The researcher returned a {type(result).__name__}: "
            "return Markdown, a Report, or a dict with final_report."
        )
    return _storable(Report(title=work.topic, sections=tuple(_sections(result)), markdown=result))


def _storable(report: Report) -> Report:
    """Give a report that can be stored: a path among its facts must not undo the work of hours."""
    try:
        orjson.dumps(report.to_json())
    except TypeError:
        safe = Report.from_json(safe_json(report.to_json())[0])
        return replace(safe, limitations=(*safe.limitations, _AS_TEXT))
    return report


def _sections(markdown: str) -> Iterator[Section]:
    """Cut Markdown at its headings; each paragraph becomes an uncited claim."""
    heading, number = "", 0
    blocks: list[str] = []
    for block in [*markdown.split("\n\n"), "# "]:
        text = block.strip()
        if text.startswith("#"):
            claims = []
            for paragraph in blocks:
                number += 1
                claims.append(Claim(id=f"c{number}", text=paragraph))
            if claims:
                yield Section(heading=heading or "Report", claims=tuple(claims))
            first, _, rest = text.partition("\n")
            heading = first.lstrip("#").strip()
            blocks = [rest.strip()] if rest.strip() else []
        elif text:
            blocks.append(text)


def _first_line(function: Any) -> str:
    return (inspect.getdoc(function) or "").partition("\n")[0] if inspect.isroutine(function) else ""


def load(name: str, target: str) -> FunctionResearcher:
    """Import `module:function`.

    Raises:
        InvalidRequest: with the name, when it cannot be imported.
    """
    module_name, _, attribute = target.partition(":")
    try:
        module = importlib.import_module(module_name)
        function: Any = module
        for part in attribute.split("."):
            function = getattr(function, part)
    except Exception as error:
        raise InvalidRequest(
            f"The researcher {name} ({target}) cannot be imported in the server's environment: {error}."
        ) from error
    give_callback(module)
    return FunctionResearcher(name, function)


def give_callback(module: Any) -> None:
    """Let a module that was written against one global callback tell its status here.

    One serves all sessions: the binding of the calling code says which it is.
    """
    setter = getattr(module, "set_status_callback", None)
    if callable(setter):
        setter(send_status_update)


class Registry:
    """Know the researchers by name: built-in, configured, installed, and given at run time."""

    def __init__(self, built_in: Researcher, configured: Mapping[str, str]) -> None:
        self._targets = {**_installed(), **configured}
        self._loaded: dict[str, Researcher] = {built_in.name: built_in}

    def add(self, researcher: Researcher) -> None:
        """Take a researcher in for the life of this runtime."""
        self._loaded[researcher.name] = researcher

    def name_for(self, name: str, function: Any) -> str:
        """Name a function given at run time: one defined again keeps its name, another lambda does not.

        Nothing else tells lambdas and graphs apart, and a session that waits for its turn is to find its own.
        """
        if inspect.isroutine(function) and not name.endswith("<lambda>"):
            return name
        names = (name if number == 1 else f"{name} {number}" for number in itertools.count(1))
        return next(
            name for name in names if getattr(self._loaded.get(name), "function", function) is function
        )

    def names(self) -> list[str]:
        """List all names, the built-in first."""
        return list(dict.fromkeys([*self._loaded, *self._targets]))

    def get(self, name: str) -> Researcher:
        """Give the researcher of that name, imported on first use.

        Raises:
            InvalidRequest: when there is none, with the names that there are.
        """
        if name not in self._loaded:
            if name not in self._targets:
                raise UnknownName(
                    f"There is no researcher {name!r}: choose one of {', '.join(self.names())}."
                )
            self._loaded[name] = load(name, self._targets[name])
        return self._loaded[name]

    def target(self, name: str) -> str | None:
        """Give the `module:function` of a researcher; None for one that was given at run time."""
        return self._targets.get(name)

    def describe(self) -> list[dict[str, str]]:
        """List name and description of each; one that cannot be imported says so."""
        described = []
        for name in self.names():
            try:
                described.append({"name": name, "description": self.get(name).description})
            except InvalidRequest as error:
                described.append({"name": name, "description": str(error)})
        return described


def _installed() -> dict[str, str]:
    return {point.name: point.value for point in entry_points(group=ENTRY_POINTS)}
