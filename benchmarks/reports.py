"""Measure reports: how often they quote the right sentence, and how long they take.

`python benchmarks/reports.py [folder of SciFact [n]]` runs real sessions in this process over real files and
prints one row per figure, with what is asked of it. SciFact is `corpus.jsonl` and `queries.jsonl`, the
latter with evidence; with `n` every nth claim is tried, for a busy machine.
"""

from __future__ import annotations

import ast
import inspect
import json
import os
import statistics
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from jupyter_research.client.local import LocalClient
from jupyter_research.client.session import Session
from jupyter_research.report import Report

HITS = {1: 0.42, 3: 0.59, 5: 0.67, 10: 0.79}
ABSTRACTS_SECONDS = 2.0
PASSAGES = 8_000
PASSAGES_SECONDS = 0.5
#: Topics whose sessions are timed, with the default team.
MEDICAL = (
    "vitamin D deficiency and disease risk",
    "does aspirin reduce cancer mortality?",
    "effect of statins on cardiovascular events",
    "role of microRNA in tumor suppression",
    "HIV antiretroviral therapy adherence in Africa",
)
TECHNICAL = (
    "authentication and access tokens",
    "running background tasks",
    "how does the event loop handle timeouts?",
    "reading and writing configuration files",
    "errors in database connections",
)


class Taken(NamedTuple):
    """Hold what a report took: seconds on the clock, and of the processor."""

    wall: float
    processor: float


Research = Callable[..., tuple[Report, Taken]]


def main(folder: Path | None, step: int = 1) -> int:
    """Print the figures; give 1 when one misses its mark."""
    held = [_documentation()]
    if folder is None:
        print("SciFact: collection not given")
    else:
        held.append(_scifact(folder, step))
    return 0 if all(held) else 1


@contextmanager
def _sessions() -> Iterator[tuple[Path, Research]]:
    """Give a folder to fill, and a way to run a session over it."""
    with tempfile.TemporaryDirectory() as scratch:
        library = Path(scratch) / "library"
        library.mkdir()
        client = LocalClient.over(Path(scratch) / "sessions")
        before = Path.cwd()
        os.chdir(scratch)

        def research(topic: str, **options: Any) -> tuple[Report, Taken]:
            body = {"topic": topic, "options": {"sources": ["library"], **options}, "approve": "auto"}
            began = time.perf_counter(), time.process_time()
            session = Session(client, client.start(body)).wait(600)
            taken = Taken(time.perf_counter() - began[0], time.process_time() - began[1])
            report: Report = session.report
            return report, taken

        try:
            yield library, research
        finally:
            os.chdir(before)
            client.close()


def _documentation() -> bool:
    with _sessions() as (library, research):
        written = _write_documentation(library)
        _, first = research("installation")
        taken = [research(topic)[1] for topic in TECHNICAL]
    name = f"report over {written:,} characters of documentation, median"
    return _timed(name, taken, PASSAGES_SECONDS, first)


def _write_documentation(folder: Path) -> int:
    """Write what installed packages say of themselves: some eight thousand passages."""
    written = 0
    for path in sorted(Path(sysconfig.get_path("purelib")).rglob("*.py")):
        if written >= PASSAGES * 1_000:
            break
        texts = _docstrings(path)
        if len(texts) >= 1_000:
            (folder / f"{'.'.join(path.parts[-3:])}.md").write_text(
                f"# {path.stem}\n\n{texts}\n", encoding="utf-8"
            )
            written += len(texts)
    return written


def _docstrings(path: Path) -> str:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8", errors="ignore"))
    except (SyntaxError, ValueError, RecursionError):
        return ""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    found = (ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, documented))
    return "\n\n".join(inspect.cleandoc(text) for text in found if text and len(text) > 200)


def _scifact(folder: Path, step: int) -> bool:
    abstracts = {str(one["_id"]): one for one in _lines(folder / "corpus.jsonl")}
    claims = [claim for claim in _lines(folder / "queries.jsonl") if claim.get("evidence")][::step]
    with _sessions() as (library, research):
        for name, abstract in abstracts.items():
            text = f"# {abstract['title']}\n\n{' '.join(abstract['sentences'])}\n"
            (library / f"{name}.md").write_text(text, encoding="utf-8")
        _, first = research("installation")
        taken = [research(topic)[1] for topic in MEDICAL]
        ranks = [_rank(research(claim["text"], analysts=1, turns=1)[0], claim, abstracts) for claim in claims]
    name = f"report over {len(abstracts):,} abstracts, median"
    rows = [_timed(name, taken, ABSTRACTS_SECONDS, first)]
    for most, mark in HITS.items():
        share = sum(rank is not None and rank <= most for rank in ranks) / len(ranks)
        rows.append(
            _row(f"gold sentence among the first {most} quotes, {len(ranks)} claims", share, mark, least=True)
        )
    return all(rows)


def _rank(report: Report, claim: Mapping[str, Any], abstracts: Mapping[str, Any]) -> int | None:
    """Give the place of the first quote that is a gold sentence, or holds one, or most of one."""
    names = {source.id: Path(source.path or "").stem for source in report.sources}
    gold = [
        (str(document), abstracts[str(document)]["sentences"][number])
        for document, labels in claim["evidence"].items()
        for label in labels
        for number in label["sentences"]
    ]
    quotes = (citation for one in report.claims() for citation in one.citations)
    for place, citation in enumerate(quotes, start=1):
        if any(names[citation.source] == name and _same(citation.quote, text) for name, text in gold):
            return place
    return None


def _same(quote: str, gold: str) -> bool:
    shown, wanted = " ".join(quote.split()), " ".join(gold.split())
    return wanted in shown or (shown in wanted and 2 * len(shown) >= len(wanted))


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _timed(name: str, taken: list[Taken], mark: float, first: Taken) -> bool:
    """Print the median on the clock beside that of the processor, which a busy machine does not lengthen."""
    processor = statistics.median(one.processor for one in taken)
    note = f"(processor {processor:.2f} s; with indexing {first.wall:.1f} s)"
    return _row(name, statistics.median(one.wall for one in taken), mark, least=False, note=note)


def _row(name: str, value: float, mark: float, *, least: bool, note: str = "") -> bool:
    held = value >= mark if least else value <= mark
    bound = f"{'at least' if least else 'at most'} {mark:g}{'' if least else ' s'}"
    print(f"{name:64} {value:8.3f}  {bound:14} {'' if held else 'MISSED'}  {note}".rstrip(), flush=True)
    return held


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    sys.exit(main(folder, int(sys.argv[2]) if len(sys.argv) > 2 else 1))
