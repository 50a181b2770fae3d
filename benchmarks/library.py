"""Measure the library on SciFact: indexing, search quality, latency; and a session over 300 PDFs.

`python benchmarks/library.py [folder of SciFact]` prints one row per figure, with the least that is
asked of it. SciFact is `corpus.jsonl`, `queries.jsonl` and `qrels.tsv`, as in BEIR's test set; `make bench
SCIFACT=folder` hands it on.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import pypdfium2

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from live import Server, running_server

from jupyter_research.documents import FileRef, Library
from jupyter_research.documents.index import Index
from jupyter_research.documents.opening import Stamp
from jupyter_research.documents.parsing.parsed import Mark
from jupyter_research.documents.passages import cut
from jupyter_research.documents.rows import Entry

BATCH = 200
PAPERS = 300
#: Words for papers that nobody has written.
LOREM = (
    "tide mill wheel pond gate water sluice stone grain flour river harbour survey county storm repair "
    "timber axle bearing current depth flood ebb channel bridge parish record owner miller rent harvest "
    "season engine steam railway trade barge quay tower clock bell lantern chart coast island"
)


def main(folder: Path | None) -> int:
    """Print the figures; give 1 when one misses its mark."""
    held = [_scifact(folder)] if folder else [_absent()]
    held += [_large(folder)] if folder else []
    held.append(_papers())
    return 0 if all(held) else 1


def _absent() -> bool:
    print("SciFact: collection not given")
    return True


class Timed:
    """Take the time of what stands in a `with`: by the clock, and by what the processor did of it."""

    wall = 0.0
    work = 0.0

    def __enter__(self) -> Timed:
        self._begun = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall = time.perf_counter() - self._begun[0]
        self.work = time.process_time() - self._begun[1]


def _row(
    name: str, value: float, mark: float, *, least: bool, unit: str = "", work: float | None = None
) -> bool:
    """Print a figure and its mark; `work` is what it would be on a machine that does nothing else."""
    held = value >= mark if least else value <= mark
    bound = f"{'at least' if least else 'at most'} {mark:g}"
    alone = "" if work is None else f"{work:.4g} by processor time"
    print(f"{name:48} {value:10.4g} {unit:3} {bound:16} {'' if held else 'MISSED':8} {alone}".rstrip())
    return held


def _scifact(folder: Path) -> bool:
    documents = [json.loads(line) for line in (folder / "corpus.jsonl").read_text().splitlines()]
    with tempfile.TemporaryDirectory() as scratch:
        index = Index(Path(scratch) / "scifact.sqlite")
        entries = [_entry(one["_id"], one["title"], " ".join(one["sentences"])) for one in documents]
        took = _write(index, entries)
        index.close()
        library = Library(Path(scratch) / "scifact.sqlite", ())
        ndcg, recall, times = _search(library, folder)
        rows = [
            _row(
                "index, abstracts a second",
                len(documents) / sum(one.wall for one in took),
                5000,
                least=True,
                work=len(documents) / sum(one.work for one in took),
            ),
            _row("nDCG@10", ndcg, 0.69, least=True),
            _row("Recall@100", recall, 0.925, least=True),
            _queries("query p95 at 5k passages", times, 20),
        ]
        library.close()
    return all(rows)


def _queries(name: str, times: list[Timed], mark: float) -> bool:
    wall, work = _p95([one.wall for one in times]), _p95([one.work for one in times])
    return _row(name, wall * 1000, mark, least=False, unit="ms", work=work * 1000)


def _search(library: Library, folder: Path) -> tuple[float, float, list[Timed]]:
    wanted = _relevant(folder)
    gains, recalls, times = [], [], []
    for line in (folder / "queries.jsonl").read_text().splitlines():
        query = json.loads(line)
        if query["_id"] not in wanted:
            continue
        with Timed() as took:
            library.search(query["text"], 20)
        times.append(took)
        found = _documents(library, query["text"])
        gains.append(_ndcg(found, wanted[query["_id"]]))
        recalls.append(len(set(found) & wanted[query["_id"]]) / len(wanted[query["_id"]]))
    return statistics.mean(gains), statistics.mean(recalls), times


def _documents(library: Library, text: str) -> list[str]:
    """Give the ids of the first hundred documents: each stands where its best passage does."""
    return list(dict.fromkeys(passage.document.name for passage in library.search(text, 400)))[:100]


def _relevant(folder: Path) -> dict[str, set[str]]:
    relevant: dict[str, set[str]] = defaultdict(set)
    for line in (folder / "qrels.tsv").read_text().splitlines()[1:]:
        query, document, score = line.split("\t")
        if int(score) > 0:
            relevant[query].add(document)
    return relevant


def _ndcg(found: list[str], wanted: set[str]) -> float:
    gain = sum(1 / math.log2(rank + 2) for rank, one in enumerate(found[:10]) if one in wanted)
    return gain / sum(1 / math.log2(rank + 2) for rank in range(min(10, len(wanted))))


def _large(folder: Path) -> bool:
    """Search a hundred thousand passages made of sentences of the abstracts."""
    documents = [json.loads(line) for line in (folder / "corpus.jsonl").read_text().splitlines()]
    pool = [sentence for one in documents for sentence in one["sentences"]]
    chance = random.Random(1)
    entries = (
        _entry(str(number), f"Passage {number}", " ".join(chance.sample(pool, 6)))
        for number in range(100_000)
    )
    with tempfile.TemporaryDirectory() as scratch:
        index = Index(Path(scratch) / "large.sqlite")
        _write(index, entries)
        index.close()
        library = Library(Path(scratch) / "large.sqlite", ())
        times = []
        for line in (folder / "queries.jsonl").read_text().splitlines()[:100]:
            with Timed() as took:
                library.search(json.loads(line)["text"], 20)
            times.append(took)
        library.close()
    return _queries("query p95 at 100k passages", times, 300)


def _entry(name: str, title: str, text: str) -> Entry:
    parsed: dict[str, Any] = {
        "text": text,
        "spans": cut(text, (Mark(start=0),)),
        "title": title,
        "authors": (),
    }
    return Entry(
        path=Path("/collection") / name,
        name=name,
        kind="text",
        stamp=Stamp((len(text), 0, 0, 0)),
        checked=time.time_ns(),
        hash=f"sha256:{hashlib.sha256(f'{name} {text}'.encode()).hexdigest()}",
        parsed={**parsed, "year": None, "doi": None, "pages": None, "language": None},
    )


def _write(index: Index, entries: list[Entry] | Iterator[Entry]) -> list[Timed]:
    times: list[Timed] = []
    batch: list[Entry] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) == BATCH:
            times.append(_timed(index, batch))
            batch = []
    return [*times, _timed(index, batch)]


def _timed(index: Index, batch: list[Entry]) -> Timed:
    with Timed() as took:
        index.write(batch)
    return took


def _papers() -> bool:
    """Read PDFs: by the library alone, then by a session of a server that answers others meanwhile."""
    with tempfile.TemporaryDirectory() as scratch, running_server(Path(scratch)) as server:
        folder = server.root / "papers"
        pages = _make_pdfs(folder)
        alone, work = _alone(folder, Path(scratch) / "alone.sqlite")
        watch = Watch(server)
        quiet = watch.statuses(for_seconds=3)
        with watch:
            took, meanwhile = _read_by_session(server, watch)
        before, during = statistics.median(quiet) * 1000, statistics.median(meanwhile) * 1000
        print(f"{PAPERS} PDFs of {pages} pages in all; /api/status took {before:.1f} ms on the quiet server")
    return all(
        [
            _row("PDF pages a second, library alone", pages / alone, 50, least=True, work=pages / work),
            _row("PDF pages a second, session of a server", pages / took, 50, least=True),
            _row("/api/status meanwhile, times the quiet median", during / before, 2, least=False),
            _row("memory of the session and its workers", watch.peak / 1e6, 250, least=False, unit="MB"),
        ]
    )


def _make_pdfs(folder: Path) -> int:
    """Set papers in two columns with heads and feet, each of words of its own."""
    import typst

    folder.mkdir()
    pages = 0
    for number in range(PAPERS):
        words = random.Random(number).sample(LOREM.split(), 40)
        text = " ".join(random.Random(number).choices(words, k=2500))
        data = typst.compile(
            f'#set page(columns: 2, header: [Journal of Papers {number}], numbering: "1")\n'
            f"#set par(justify: true)\n= Paper {number}\n= Introduction\n{text}.\n".encode()
        )
        (folder / f"{number}.pdf").write_bytes(data)
        pages += len(pypdfium2.PdfDocument(data))
    return pages


def _alone(folder: Path, index: Path) -> tuple[float, float]:
    """Give the seconds from starting the children to the last commit, and those of processor time."""
    files = [FileRef(path=path.resolve(), name=path.name) for path in sorted(folder.glob("*.pdf"))]
    library = Library(index, files)
    began, work = time.perf_counter(), _processor_time()
    indexed = library.refresh()
    seconds, work = time.perf_counter() - began, _processor_time() - work
    assert indexed.read == len(files), indexed.failures
    library.close()
    return seconds, work


def _processor_time() -> float:
    """Give the seconds of this process and of its children that have ended, whatever else the machine did."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _read_by_session(server: Server, watch: Watch) -> tuple[float, list[float]]:
    """Give the seconds that a session's reading took by its log, and those of each request meanwhile."""
    options = {"sources": ["papers"], "analysts": 1, "turns": 1}
    body = {"topic": "what do the papers say?", "options": options}
    session_id = server.ask("POST", "research/api/sessions", body)["session_id"]
    times: list[float] = []
    while not (ended := _when(server, session_id, "can be searched")):
        times += watch.statuses(for_seconds=0.2)
    took = (ended - _when(server, session_id, "to read in")).total_seconds()
    while server.session(session_id)["state"] not in ("completed", "failed"):
        time.sleep(0.1)
    assert server.session(session_id)["state"] == "completed", server.session(session_id)["error"]
    return took, times


def _when(server: Server, session_id: str, words: str) -> Any:
    """Give the time of the update that says this; None while there is none."""
    events = server.ask("GET", f"research/api/sessions/{session_id}/events?limit=1000")["events"]
    return next(
        (datetime.fromisoformat(one["time"]) for one in events if words in (one["message"] or "")), None
    )


class Watch:
    """Ask a server for its status, and note how much memory it and its children take beyond before."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._process = psutil.Process(server.process.pid)
        self._base = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        #: The most that was taken beyond what the server took before.
        self.peak = 0

    def __enter__(self) -> None:
        self._base = self._taken()
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def statuses(self, *, for_seconds: float) -> list[float]:
        """Give the seconds of each answer in that time."""
        times = []
        end = time.monotonic() + for_seconds
        while time.monotonic() < end:
            began = time.perf_counter()
            self._server.ask("GET", "api/status")
            times.append(time.perf_counter() - began)
            time.sleep(0.02)
        return times

    def _look(self) -> None:
        while not self._done.wait(0.05):
            self.peak = max(self.peak, self._taken() - self._base)

    def _taken(self) -> int:
        return sum(map(_private, [self._process, *self._process.children(recursive=True)]))


def _private(process: psutil.Process) -> int:
    """Give the memory that is this process's alone: the code that processes share counts for none."""
    try:
        return int(process.memory_full_info().uss)
    except psutil.Error:
        return 0


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[18]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else None))
