"""Match paths against `.gitignore` files, as far as research needs it.

Written here, since the known library for it is copyleft and `git` is not everywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: A file beyond this is no list of patterns.
_MAX_CHARS: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Hold one line of a `.gitignore`."""

    base: Path
    pattern: re.Pattern[str]
    negated: bool
    folders_only: bool

    def matches(self, path: Path, is_folder: bool) -> bool:
        """Tell whether the line speaks of a path beneath its folder."""
        if self.folders_only and not is_folder:
            return False
        return self.pattern.fullmatch(path.relative_to(self.base).as_posix()) is not None


def rules_of(folder: Path) -> tuple[Rule, ...]:
    """Read the rules that a folder's own file sets."""
    try:
        with (folder / ".gitignore").open(encoding="utf-8", errors="replace") as file:
            lines = file.read(_MAX_CHARS).splitlines()
    except OSError:
        return ()
    return tuple(rule for line in lines if (rule := _rule(folder, line)) is not None)


def rules_above(folder: Path) -> tuple[Rule, ...]:
    """Read the rules of the folders above, up to the top of the repository; none outside of one."""
    chain: list[Path] = []
    for parent in (folder, *folder.parents):
        if parent != folder:
            chain.append(parent)
        if (parent / ".git").exists():
            return tuple(rule for above in reversed(chain) for rule in rules_of(above))
    return ()


def ignored(path: Path, is_folder: bool, rules: tuple[Rule, ...]) -> bool:
    """Tell whether the rules name a path: the last that matches decides."""
    for rule in reversed(rules):
        if rule.matches(path, is_folder):
            return not rule.negated
    return False


def _rule(base: Path, line: str) -> Rule | None:
    line = re.sub(r"(?<!\\)\s+$", "", line)
    if not line or line.startswith("#"):
        return None
    negated = line.startswith("!")
    line = line[1:] if negated else line.removeprefix("\\")
    folders_only = line.endswith("/")
    line = line.rstrip("/")
    if not line:
        return None
    anchored = "/" in line
    expression = _expression(line.lstrip("/"))
    try:
        pattern = re.compile(expression if anchored else f"(?:.*/)?{expression}", re.DOTALL)
    except re.error:
        return None
    return Rule(base=base, pattern=pattern, negated=negated, folders_only=folders_only)


def _expression(glob: str) -> str:
    parts = re.split(r"(^\*\*/|/\*\*/|/\*\*$|\*+|\?|\[[!^]?\]?[^\]]*\]|\\.)", glob)
    return "".join(_piece(part) for part in parts)


def _piece(part: str) -> str:
    known = {"**/": "(?:.*/)?", "/**/": "/(?:.*/)?", "/**": "/.*", "?": "[^/]"}
    if part in known:
        return known[part]
    if part.startswith("*"):
        return "[^/]*"
    if part.startswith("[") and len(part) > 2:
        return "[" + re.sub(r"^!", "^", part[1:-1]).replace("\\", "\\\\").replace("[", "\\[") + "]"
    return re.escape(part[1:] if part.startswith("\\") and len(part) == 2 else part)
