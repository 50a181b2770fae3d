"""Search a library by itself, without a session: in the same index that sessions use."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Halted, InvalidRequest, LimitReached, NoDocuments
from ..work import Control, Place
from .shelf import nothing_found

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
    patience: float | None = None,
) -> list[dict[str, Any]]:
    """Read what is new among the files that `sources` name, and give the passages that fit best.

    Raises:
        InvalidRequest: for an empty query, a `k` out of range, a source that is none.
        LimitReached: when the reading is not done after `patience` seconds; the next one goes on from there.
        NoDocuments: when there is nothing to read.
    """
    from .collection import Collection

    checked_query(query, k)
    collection = Collection(owner=owner, place=place, sources=tuple(sources), indexes=indexes)
    files = collection.files()
    if not files:
        raise NoDocuments(nothing_found(sources, ()))
    with closing(collection.open(files)) as library, _stopping_after(patience) as control:
        try:
            indexed = library.refresh(progress=progress, control=control)
        except Halted:
            raise LimitReached(
                f"The {len(files):,} files are still being read: search again, and the reading goes on.",
                retry_after=1,
            ) from None
        if not indexed.documents:
            raise NoDocuments(
                nothing_found(sources, [f"{one.name}: {one.reason}" for one in indexed.failures])
            )
        return [record(passage) for passage in library.search(query, k)]


@contextmanager
def _stopping_after(seconds: float | None) -> Iterator[Control]:
    """Give what stops a reading in order once its time is up."""
    control = Control()
    timer = threading.Timer(seconds or 0, control.request_drain)
    timer.daemon = True
    if seconds is not None:
        timer.start()
    try:
        yield control
    finally:
        timer.cancel()


def checked_query(query: str, k: int) -> None:
    """Raise `InvalidRequest` for an empty query, or a number of passages out of range."""
    if not query.strip():
        raise InvalidRequest("The query is empty: say what to look for.")
    if not 1 <= k <= 1000:
        raise InvalidRequest(f"k is {k}: 1 to 1000 passages can be asked for.")


def record(passage: Passage) -> dict[str, Any]:
    """Give a passage as those outside get it."""
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
