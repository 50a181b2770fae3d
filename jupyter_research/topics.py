"""Let a topic be typed as it is: IPython would take its `?` for a call for help.

Works on the lines of a cell before IPython looks at them, and leaves alone what stands inside a string
of several lines or in the body of another cell magic.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

#: An indent, perhaps a name that takes the session, the magic and what follows.
_MAGIC = re.compile(
    r"(?P<before>\s*(?:[^\W\d][\w.]*(?:\[[^]]*\])?\s*=\s*)?)%research(?P<typed>[ \t].*|)$", re.DOTALL
)

#: What opens or closes a string over several lines, or hides the rest of its line.
_PIECES = re.compile(r"'''|\"\"\"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|#.*", re.DOTALL)


class Typed(NamedTuple):
    """Hold one line that starts a session."""

    #: The indent, and the name that takes the session with its `=`.
    before: str
    #: What follows the magic, as typed.
    text: str

    @property
    def call(self) -> str:
        """Give the call that IPython would make of the line."""
        return f"{self.before}get_ipython().run_line_magic('research', {self.text!r})\n"


def typed_topics(lines: list[str]) -> list[str]:
    """Rewrite each `%research …` line of a cell as the call that it means, the topic untouched."""
    return [item.call if isinstance(item, Typed) else item for item in _read(lines)]


def _read(lines: list[str]) -> Iterator[str | Typed]:
    """Go through the lines of a cell, those that start a session apart."""
    rest = iter(lines)
    string = ""
    if lines and lines[0].startswith("%%"):
        # The body belongs to another magic; one that runs it as code comes by here again.
        yield from rest
    for line in rest:
        found = None if string else _MAGIC.match(line.rstrip("\n"))
        if found is None:
            string = _string_after(line, string)
            yield line
            continue
        text = found["typed"]
        while text.endswith("\\"):
            text = text[:-1] + next(rest, "").rstrip("\n")
        yield Typed(found["before"], text.strip())


class FirstCell:
    """Save the topics of the cell that loads the extension.

    IPython has read the whole cell by then, and a last word with a `?` as a call for help about it. Until
    the cell ends, help about such a word starts the session that was meant.
    """

    def __init__(self, shell: Any, source: str) -> None:
        self._shell = shell
        self._magics: dict[str, Callable[..., Any]] = shell.magics_manager.magics["line"]
        self._help = {name: self._magics[name] for name in ("pinfo", "pinfo2")}
        typed = (item for item in _read(source.splitlines(keepends=True)) if isinstance(item, Typed))
        self._topics = [item for item in typed if item.text.endswith("?")]

    def watch(self) -> None:
        """Stand in for IPython's help until the cell ends."""
        if not self._topics:
            return
        for name, original in self._help.items():
            self._magics[name] = self._instead(original)
        self._shell.events.register("post_run_cell", self._end)

    def _instead(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def help_or_research(word: str = "", *args: Any, **kwargs: Any) -> Any:
            meant = next((item for item in self._topics if item.text.rstrip("?").endswith(word)), None)
            if meant is None or not word:
                return original(word, *args, **kwargs)
            session = self._shell.run_line_magic("research", meant.text)
            if name := meant.before.strip(" \t="):
                self._shell.user_ns[name] = session
                return None
            return session

        return help_or_research

    def _end(self, *_: Any) -> None:
        self._magics.update(self._help)
        self._shell.events.unregister("post_run_cell", self._end)


def _string_after(line: str, string: str) -> str:
    """Give the quotes of the string that is open at the end of `line`, or nothing."""
    position = 0
    while True:
        if string:
            end = line.find(string, position)
            if end < 0:
                return string
            position, string = end + len(string), ""
        piece = _PIECES.search(line, position)
        if piece is None:
            return ""
        position = piece.end()
        if piece.group() in ("'''", '"""'):
            string = piece.group()
