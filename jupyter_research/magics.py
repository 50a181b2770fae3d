"""Give IPython `%research` and `%%research`."""

from __future__ import annotations

from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand

from . import cell as output
from . import notebook
from .client import Session
from .errors import InvalidRequest, ResearchError
from .line import Line, parse
from .topics import FirstCell, typed_topics

#: How many sessions a bare `%research` lists.
_LAST = 5


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

            --source NAME        a library, file, folder, pattern, online source or page; may be repeated
                                 (default: the folder of the notebook; `example` is our own documentation)
            --cells              read the cells of this notebook, as they are now; local only
            --data NAME          read what can be counted in a DataFrame; may be repeated; local only
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
            --save-defaults      keep --model, --analysts, --turns and --budget for all your sessions
            --open [ID]          show a session again, the newest without an ID

        The result is the session: `.report`, `.claims`, `.search()`, `.ask()`, `.wait()`, `.cancel()` …
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
    if line.save:
        notebook.save_defaults(line.options)
    if not line.topic.strip("? "):
        if line.save:
            return None
        _help()
        return None
    shell = output.running_shell()
    return notebook.begin(line.request({} if shell is None else shell.user_ns))


def _reopen(id: str) -> Session:
    if id:
        found = notebook.session(id)
    else:
        newest = notebook.sessions(limit=1)
        if not newest:
            raise InvalidRequest("There is no session yet: `%research` and a topic start one.")
        found = newest[0]
    output.show(found)
    return found


def _help() -> None:
    print(help_text())
    try:
        last = notebook.sessions(limit=_LAST)
    except ResearchError as error:
        print(error)
    else:
        print(f"\nThe last sessions:\n{last!r}")


def help_text() -> str:
    """Give the help that `%research?` shows."""
    from inspect import getdoc

    return getdoc(ResearchMagics.research) or ""


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
