"""Give IPython `%research` and `%%research`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand

from . import notebook, widgets
from .client import Session
from .errors import InvalidRequest, ResearchError
from .topics import FirstCell, typed_topics

#: How many sessions a bare `%research` lists.
_LAST = 5


@dataclass(slots=True, kw_only=True)
class Line:
    """Hold what was typed after `%research`."""

    topic: str = ""
    researcher: str = "analysts"
    options: dict[str, Any] = field(default_factory=dict)
    #: `--ask`, `--yes`, `--wait`, `--new`, `--in-kernel`, as the names of a request's fields.
    flags: dict[str, bool] = field(default_factory=dict)
    open: bool = False

    def request(self) -> notebook.Request:
        """Give the request that was meant."""
        return notebook.Request(
            topic=self.topic, researcher=self.researcher, options=self.options, **self.flags
        )


@magics_class
class ResearchMagics(Magics):
    """Hold the magics."""

    @no_var_expand
    @line_cell_magic
    def research(self, line: str, cell: str | None = None) -> Session | None:
        """Start a research session and show its progress in the cell; the kernel stays free.

            %research [options] topic
            %%research [options]
            topic, over as many lines as it takes

        The topic is taken as typed: no quotes, no escapes, `?`, `$` and `{}` are just characters.
        A cell run again with the same topic, options and sources rejoins its session.

            --source NAME        a library, file, folder or pattern; may be repeated
                                 (default: the folder of the notebook; `example` is our own documentation)
            --analysts N         how many perspectives, 1 to 10 (default 3)
            --turns N            how many questions each asks, 1 to 5 (default 2)
            --model NAME         `extractive` (default: no network, no key) or provider:name
            --local-only         refuse everything that would send text elsewhere
            --budget KEY=NUMBER  a cap on money, tokens, seconds or calls; a bare number is money
            --researcher NAME    another researcher than the built-in `analysts`
            --set NAME=VALUE     an option of that researcher; may be repeated
            --ask | --yes        ask for approval of the team, or never ask
            --wait               return at the end
            --new                start afresh instead of rejoining
            --in-kernel          work in this kernel: restarting it interrupts the session
            --open [ID]          show a session again, the newest without an ID

        The result is the session: `.report`, `.sources`, `.claims`, `.wait()`, `.approve()`, `.cancel()`.
        """
        try:
            return _obey(parse(line, cell))
        except ResearchError as error:
            raise UsageError(str(error)) from None
        except TimeoutError as error:
            raise UsageError(str(error)) from None


def _obey(line: Line) -> Session | None:
    if line.open:
        return _reopen(line.topic)
    if not line.topic.strip("? "):
        _help()
        return None
    return notebook.begin(line.request())


def _reopen(id: str) -> Session:
    if id:
        found = notebook.session(id)
    else:
        newest = notebook.sessions(limit=1)
        if not newest:
            raise InvalidRequest("There is no session yet: `%research` and a topic start one.")
        found = newest[0]
    widgets.show(found)
    return found


def _help() -> None:
    print(help_text())
    try:
        last = notebook.sessions(limit=_LAST)
    except ResearchError as error:
        print(error)
    else:
        print(f"The last sessions:\n{last!r}")


def help_text() -> str:
    """Give the help that `%research?` shows."""
    from inspect import getdoc

    return getdoc(ResearchMagics.research) or ""


def parse(line: str, cell: str | None = None) -> Line:
    """Read the options before the topic, and the topic as it was typed.

    Raises:
        InvalidRequest: for an unknown option or a value that it cannot take.
    """
    result = Line()
    rest = line.strip()
    while rest.startswith("--"):
        name, rest = _word(rest)
        if name == "--":
            break
        name, equals, value = name.partition("=")
        if name in _FLAGS:
            result.flags[_FLAGS[name]] = True
        elif name == "--local-only":
            result.options["local_only"] = True
        elif name == "--open":
            result.open = True
        elif name in _VALUES:
            if not equals:
                value, rest = _word(rest)
            if not value:
                raise InvalidRequest(f"{name} needs a value: `%research?` shows how.")
            _VALUES[name](result, name, value)
        else:
            raise InvalidRequest(f"There is no option {name}: `%research?` lists them all.")
    # IPython's habit of ending a line in `;` is none of the topic.
    result.topic = rest.removesuffix(";").rstrip()
    if cell is not None:
        if result.topic:
            raise InvalidRequest("The topic of %%research stands below it: on its line only options.")
        result.topic = cell.strip()
        if not result.topic and not result.open:
            raise InvalidRequest("The topic is empty: write it below %%research.")
    return result


def _word(text: str) -> tuple[str, str]:
    """Split off the first word; quotes hold together what has spaces."""
    text = text.lstrip()
    head, separator, _ = text.partition("=")
    start = len(head) + 1 if separator and " " not in head else 0
    quote = text[start : start + 1]
    if quote and quote in "\"'" and (end := text.find(quote, start + 1)) > 0:
        return text[:start] + text[start + 1 : end] if start else text[1:end], text[end + 1 :].lstrip()
    word, _, rest = text.partition(" ")
    return word, rest.lstrip()


def _whole(line: Line, name: str, value: str) -> None:
    if not value.isdecimal():
        raise InvalidRequest(f"{name} takes a whole number, not {value!r}.")
    line.options[name.removeprefix("--")] = int(value)


def _text(line: Line, name: str, value: str) -> None:
    line.options[name.removeprefix("--")] = value


def _source(line: Line, name: str, value: str) -> None:
    line.options.setdefault("sources", []).append(value)


def _researcher(line: Line, name: str, value: str) -> None:
    line.researcher = value


def _budget(line: Line, name: str, value: str) -> None:
    budget = line.options.setdefault("budget", {})
    for part in value.split(","):
        # A bare number is money.
        key, _, amount = part.rpartition("=")
        try:
            budget[key.strip() or "money"] = float(amount) if "." in amount else int(amount)
        except ValueError:
            raise InvalidRequest(
                f"{name} takes an amount of money or KEY=NUMBER, for example `--budget calls=50`."
            ) from None


def _set(line: Line, name: str, value: str) -> None:
    key, equals, text = value.partition("=")
    if not key or not equals:
        raise InvalidRequest(f"{name} takes NAME=VALUE, for example `--set steps=5`.")
    try:
        line.options[key] = json.loads(text)
    except ValueError:
        line.options[key] = text


_FLAGS = {
    "--ask": "ask",
    "--yes": "yes",
    "--wait": "wait",
    "--new": "new",
    "--in-kernel": "in_kernel",
}

_VALUES: Mapping[str, Callable[[Line, str, str], None]] = {
    "--source": _source,
    "--analysts": _whole,
    "--turns": _whole,
    "--model": _text,
    "--budget": _budget,
    "--researcher": _researcher,
    "--set": _set,
}


def load(shell: Any) -> None:
    """Register the magics, and let topics be typed as they are."""
    unload(shell)
    shell.register_magics(ResearchMagics)
    shell.input_transformers_cleanup.append(typed_topics)
    FirstCell(shell, _cell_under_way(shell)).watch()


def unload(shell: Any) -> None:
    """Take back what `load` did."""
    if typed_topics in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.remove(typed_topics)
    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("research", None)


def _cell_under_way(shell: Any) -> str:
    if hasattr(shell, "kernel"):
        return str(shell.get_parent().get("content", {}).get("code", ""))
    return str(shell.history_manager.input_hist_raw[-1])
