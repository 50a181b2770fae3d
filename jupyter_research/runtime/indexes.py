"""Build indexes that lie beside the files they are of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..documents import Indexed, SharedLibrary
from ..errors import StorageFailed
from ..sources import resolve
from ..work import Place


def build_index(folder: Path, progress: Callable[[int, int, str], None]) -> tuple[Indexed, Path]:
    """Build the index of a folder for everybody, beside its files; give what came of it, and where it lies.

    Raises:
        PathRefused: when the folder cannot be read.
        StorageFailed: when nothing can be written there.
    """
    # As from the folder itself: a link that leads out of it is not followed for everybody.
    files = resolve([str(folder)], Place(root=folder, folder=folder))
    try:
        return SharedLibrary.build(folder, files, progress), SharedLibrary.place(folder)
    except OSError as error:
        raise StorageFailed(
            f"The index cannot be written into {folder} ({error.strerror}): run this as somebody who may."
        ) from error
