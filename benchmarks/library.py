"""Measure the library on SciFact: indexing, search quality, latency; and the pages per second of PDFs.

`python benchmarks/library.py [folder of SciFact]` prints one row per figure, with the least that is
asked of it. SciFact is `corpus.jsonl`, `queries.jsonl` and `qrels.tsv`, as in BEIR's test set.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jupyter_research.documents import FileRef, Library
from jupyter_research.documents.index import Index
from jupyter_research.documents.opening import Stamp
from jupyter_research.documents.parsing.parsed import Mark
from jupyter_research.documents.passages import cut
from jupyter_research.documents.rows import Entry

BATCH = 200


def main(folder: Path | None) -> int:
    """Print the figures; give 1 when one misses its mark."""
    held = [_scifact(folder)] if folder else [_absent()]
    held += [_large(folder)] if folder else []
    held.append(_pages())
    return 0 if all(held) else 1


def _absent() -> bool:
    print("SciFact: collection not given")
    return True


def _row(name: str, value: float, mark: float, *, least: bool, unit: str = "") -> bool:
    held = value >= mark if least else value <= mark
    bound = f"{'at least' if least else 'at most'} {mark:g}"
    print(f"{name:48} {value:10.4g} {unit:3} {bound:16} {'' if held else 'MISSED'}".rstrip())
    return held


def _scifact(folder: Path) -> bool:
    documents = [json.loads(line) for line in (folder / "corpus.jsonl").read_text().splitlines()]
    with tempfile.TemporaryDirectory() as scratch:
        index = Index(Path(scratch) / "scifact.sqlite")
        entries = [_entry(one["_id"], one["title"], " ".join(one["sentences"])) for one in documents]
        seconds = _write(index, entries)
        index.close()
        library = Library(Path(scratch) / "scifact.sqlite", ())
        ndcg, recall, times = _search(library, folder)
        rows = [
            _row("index, abstracts a second", len(documents) / seconds, 5000, least=True),
            _row("nDCG@10", ndcg, 0.69, least=True),
            _row("Recall@100", recall, 0.925, least=True),
            _row("query p50 at 5k passages", statistics.median(times) * 1000, 20, least=False, unit="ms"),
            _row("query p95 at 5k passages", _p95(times) * 1000, 20, least=False, unit="ms"),
        ]
        library.close()
    return all(rows)


def _search(library: Library, folder: Path) -> tuple[float, float, list[float]]:
    wanted = _relevant(folder)
    gains, recalls, times = [], [], []
    for line in (folder / "queries.jsonl").read_text().splitlines():
        query = json.loads(line)
        if query["_id"] not in wanted:
            continue
        began = time.perf_counter()
        library.search(query["text"], 20)
        times.append(time.perf_counter() - began)
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
            began = time.perf_counter()
            library.search(json.loads(line)["text"], 20)
            times.append(time.perf_counter() - began)
        library.close()
    return _row("query p95 at 100k passages", _p95(times) * 1000, 300, least=False, unit="ms")


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
        parsed={**parsed, "year": None, "doi": None, "pages": None},
    )


def _write(index: Index, entries: list[Entry] | Iterator[Entry]) -> float:
    seconds = 0.0
    batch: list[Entry] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) == BATCH:
            seconds += _timed(index, batch)
            batch = []
    return seconds + _timed(index, batch)


def _timed(index: Index, batch: list[Entry]) -> float:
    began = time.perf_counter()
    index.write(batch)
    return time.perf_counter() - began


def _pages() -> bool:
    """Read PDFs of prose, from starting the children to the last commit."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        pages = _make_pdfs(folder)
        files = [FileRef(path=path.resolve(), name=path.name) for path in sorted(folder.glob("*.pdf"))]
        library = Library(folder / "pages.sqlite", files)
        began = time.perf_counter()
        indexed = library.refresh()
        seconds = time.perf_counter() - began
        assert indexed.read == len(files), indexed.failures
        library.close()
    return _row("PDF pages a second, children and index included", pages / seconds, 50, least=True)


def _make_pdfs(folder: Path) -> int:
    import pypdfium2
    import typst

    pages = 0
    for number in range(40):
        source = f"#set page(columns: 2)\n#set par(justify: true)\n= Paper {number}\n#lorem(6000)\n"
        data = typst.compile(source.encode())
        (folder / f"{number}.pdf").write_bytes(data)
        pages += len(pypdfium2.PdfDocument(data))
    return pages


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[18]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else None))
