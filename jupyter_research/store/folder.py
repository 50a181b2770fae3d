"""Claim a data folder for one process: the holder of its lock is its only writer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from ..errors import StorageFailed
from .beat import Beat, held_elsewhere

#: Tells a folder that a second server took beside its first from that of a server whose name ends alike.
_BESIDE: Final = "research.beside"

#: How many servers of one person may share a home before something is surely wrong.
MAX_SIBLINGS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """Hold a claimed folder until `release`."""

    path: Path
    lock: FileLock
    beat: Beat
    #: The folder that was asked for; `path` is it or one of its siblings.
    base: Path

    @property
    def sessions(self) -> Path:
        """Name the folder of the sessions' own files."""
        return self.path / "sessions"

    @property
    def indexes(self) -> Path:
        """Name the folder of the libraries' indexes."""
        return self.path / "indexes"

    def siblings(self) -> Iterator[tuple[int, Path]]:
        """Go through the folders of other servers beside this one, each with its number."""
        yield from ((number, path) for number, path in family(self.base) if path != self.path)

    def release(self) -> None:
        """Give the folder back."""
        self.beat.stop()
        self.lock.release()


def family(base: Path) -> Iterator[tuple[int, Path]]:
    """Go through `base`, `base-2`, `base-3` … as far as they exist and hold sessions."""
    pattern = re.compile(re.escape(base.name) + r"-([2-9]|[1-9][0-9])")
    beside = sorted(base.parent.iterdir()) if base.parent.is_dir() else []
    numbers = {1: base} | {int(m[1]): path for path in beside if (m := pattern.fullmatch(path.name))}
    for number, path in sorted(numbers.items()):
        if number <= MAX_SIBLINGS and (path / "research.sqlite").exists() and _belongs(path, base):
            yield number, path


def _belongs(path: Path, base: Path) -> bool:
    return path == base or (path / _BESIDE).exists()


def claim(path: Path) -> Folder:
    """Claim `path`, or the first free of `path-2`, `path-3` … where another server holds it."""
    for number in range(1, MAX_SIBLINGS + 1):
        candidate = path if number == 1 else path.with_name(f"{path.name}-{number}")
        folder = claim_exactly(candidate, base=path)
        if folder is not None:
            return folder
    raise StorageFailed(
        f"All of {path} … -{MAX_SIBLINGS} are held by other servers: set ResearchApp.data_dir."
    )


def claim_exactly(path: Path, *, base: Path) -> Folder | None:
    """Claim this very folder; None where somebody else holds it.

    Raises:
        StorageFailed: when it cannot be written.
    """
    lock_path = path / "research.lock"
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(lock_path, mode=0o600)
        lock.acquire(timeout=0)
        used = (path / "research.sqlite").exists()
        if held_elsewhere(path, lock_path) or (used and not _belongs(path, base)):
            lock.release()
            return None
        _mark(path, base)
        beat = Beat(path)
        try:
            beat.start()
        except BaseException:
            lock.release()
            raise
    except Timeout:
        return None
    except OSError as error:
        raise StorageFailed(
            f"The data folder {path} cannot be written ({error.strerror}): set ResearchApp.data_dir "
            "to a folder that can."
        ) from error
    return Folder(path=path, lock=lock, beat=beat, base=base)


def _mark(path: Path, base: Path) -> None:
    if path == base:
        (path / _BESIDE).unlink(missing_ok=True)
    else:
        (path / _BESIDE).touch(mode=0o600)
