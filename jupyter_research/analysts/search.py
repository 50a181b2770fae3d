"""Search a library by itself, without a session: in the same index that sessions use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InvalidRequest, NoDocuments
from ..work import Place
from .shelf import collection, nothing_found

if TYPE_CHECKING:
    from ..documents import Passage


def search(
    query: str,
    *,
    k: int,
    owner: str,
    place: Place,
    sources: Sequence[str],
    indexes: Path,
    progress: Callable[[int, int, str], None],
) -> list[dict[str, Any]]:
    """Read what is new among the files that `sources` name, and give the passages that fit best.

    Raises:
        InvalidRequest: for an empty query, a `k` out of range, a source that is none.
        NoDocuments: when there is nothing to read.
    """
    from ..documents import Library
    from ..sources import resolve

    if not query.strip():
        raise InvalidRequest("The query is empty: say what to look for.")
    if not 1 <= k <= 1000:
        raise InvalidRequest(f"k is {k}: 1 to 1000 passages can be asked for.")
    files = resolve(sources, place)
    if not files:
        raise NoDocuments(nothing_found(sources, ()))
    indexes.mkdir(parents=True, exist_ok=True, mode=0o700)
    library = Library(indexes / f"{collection(owner, place, sources)}.sqlite", files)
    try:
        indexed = library.refresh(progress=progress)
        if not indexed.documents:
            raise NoDocuments(
                nothing_found(sources, [f"{one.name}: {one.reason}" for one in indexed.failures])
            )
        return [_record(passage) for passage in library.search(query, k)]
    finally:
        library.close()


def _record(passage: Passage) -> dict[str, Any]:
    document = passage.document
    return {
        "source": document.id,
        "title": document.title,
        "path": document.name,
        "kind": document.kind,
        "start": passage.start,
        "end": passage.end,
        "quote": passage.text,
        "page": passage.page,
        "cell": passage.cell,
        "heading": passage.heading,
        "score": passage.score,
    }
