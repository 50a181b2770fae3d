"""Keep from reading, when nobody named a source, more than anybody means."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from ..errors import InvalidRequest
from .walk import Walk

MAX_FILES: Final = 2000
MAX_BYTES: Final = 2 * 1024**3
MAX_SECONDS: Final = 2.0
_OFFERED: Final = 5


def survey(walk: Walk, folder: Path, show: Callable[[Path], str]) -> Iterator[Path]:
    """Give the files of a walk of at most `MAX_SECONDS`; raise `InvalidRequest` when the folder is too large.

    A home folder and the root of a file system always are. The walk goes on nevertheless, to offer the
    subfolders with the most documents.
    """
    reason = _too_wide(folder)
    files: list[Path] = []
    size = 0
    counts: Counter[Path] = Counter()
    for found in walk:
        files.append(found.path)
        size += found.size
        counts[_subfolder(found.path, folder)] += 1
        if reason is None and (len(files) > MAX_FILES or size > MAX_BYTES):
            reason = f"holds more than {MAX_FILES:,} documents or 2 GB"
    if walk.cut_short:
        reason = reason or "takes long to look through"
    if reason is not None:
        del counts[folder]
        raise InvalidRequest(_sentence(reason, show(folder), counts, show))
    return iter(files)


def _too_wide(folder: Path) -> str | None:
    if folder == folder.parent:
        return "is the root of a file system"
    if folder == Path(os.path.realpath(os.path.expanduser("~"))):
        return "is a home folder"
    return None


def _subfolder(path: Path, folder: Path) -> Path:
    if not path.is_relative_to(folder):
        return folder
    parts = path.relative_to(folder).parts
    return folder / parts[0] if len(parts) > 1 else folder


def _sentence(reason: str, folder: str, counts: Counter[Path], show: Callable[[Path], str]) -> str:
    name = "The folder" if folder == "." else repr(folder)
    best = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_OFFERED]
    offers = ", ".join(f"{show(path)}/ ({count:,})" for path, count in best)
    offered = f"; most documents are in {offers}" if offers else ""
    return (
        f"{name} {reason} and is not read unasked: name what to read, with --source or sources=[…]{offered}."
    )
