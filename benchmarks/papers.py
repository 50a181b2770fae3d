"""Measure how many papers are known by their title, from their pages alone and from what the files say.

`python benchmarks/papers.py FOLDER` looks at every PDF file that lies beside the source that it was set from,
`.tex` or `.Rnw` of the same name: there the title stands. Manuals of R packages do, as
`apt-get install r-cran-sandwich r-cran-lme4 …` brings them to `/usr/lib/R`.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

from jupyter_research.documents.parsing import NoEvidence, Unreadable, parse
from jupyter_research.documents.parsing.front import identify
from jupyter_research.documents.parsing.pdf import opened, sheets_of

_TITLE = re.compile(r"^[^%\n]*\\title\{", re.MULTILINE)
_DROPPED = re.compile(r"\\(?:footnote|thanks|href)\s*\{")
_COMMAND = re.compile(r"\\[A-Za-z]+\s*|\\.")


def main(folder: Path | None) -> int:
    """Print a row for each way of knowing a title."""
    if folder is None:
        print("PDF files beside their sources: folder not given")
        return 0
    counts: Counter[str] = Counter()
    for path in sorted(folder.rglob("*.pdf")):
        wanted = next(filter(None, map(_title, (path.with_suffix(".Rnw"), path.with_suffix(".tex")))), None)
        if wanted is not None:
            counts["papers"] += 1
            counts.update(_known(path.read_bytes(), wanted))
    for name in ("papers", "cannot be read", "title by the pages alone", "by the file alone", "by both"):
        print(f"{name:30} {counts[name]:5}")
    return 0


def _known(data: bytes, wanted: str) -> list[str]:
    try:
        parse(data, "pdf")
    except (Unreadable, NoEvidence):
        return ["cannot be read"]
    with opened(data) as document:
        said, sheets = document.get_metadata_dict(), list(sheets_of(document))
    found = {
        "title by the pages alone": identify(sheets, {}).title,
        "by the file alone": said.get("Title"),
        "by both": identify(sheets, said).title,
    }
    return [name for name, title in found.items() if _key(title or "") == _key(wanted)]


def _title(source: Path) -> str | None:
    """Give the title that a source sets, without its commands and footnotes."""
    text = source.read_text(encoding="utf-8", errors="replace") if source.exists() else ""
    start = _TITLE.search(text)
    if start is None:
        return None
    title, _ = _braced(text, start.end())
    while dropped := _DROPPED.search(title):
        _, end = _braced(title, dropped.end())
        title = title[: dropped.start()] + title[end + 1 :]
    return _COMMAND.sub(" ", title)


def _braced(text: str, start: int) -> tuple[str, int]:
    """Give what stands before the brace that closes what opened before `start`, and where that is."""
    depth = 1
    for place in range(start, len(text)):
        depth += (text[place] == "{") - (text[place] == "}")
        if depth == 0:
            return text[start:place], place
    return text[start:], len(text)


def _key(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else None))
