"""Claim a data folder for one process: the holder of its lock is its only writer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import StorageFailed

#: How many servers of one person may share a home before something is surely wrong.
MAX_SIBLINGS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """Hold a claimed folder until `release`."""

    path: Path
    lock: FileLock

    @property
    def sessions(self) -> Path:
        """Name the folder of the sessions' own files."""
        return self.path / "sessions"

    @property
    def indexes(self) -> Path:
        """Name the folder of the libraries' indexes."""
        return self.path / "indexes"

    def release(self) -> None:
        """Give the folder back."""
        self.lock.release()


def claim(path: Path) -> Folder:
    """Claim `path`, or the first free of `path-2`, `path-3` … where another server holds it."""
    for number in range(1, MAX_SIBLINGS + 1):
        candidate = path if number == 1 else path.with_name(f"{path.name}-{number}")
        try:
            candidate.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = FileLock(candidate / "research.lock", mode=0o600)
            lock.acquire(timeout=0)
        except Timeout:
            continue
        except OSError as error:
            raise StorageFailed(
                f"The data folder {candidate} cannot be written ({error.strerror}): set ResearchApp.data_dir "
                "to a folder that can."
            ) from error
        return Folder(path=candidate, lock=lock)
    raise StorageFailed(
        f"All of {path} … -{MAX_SIBLINGS} are held by other servers: set ResearchApp.data_dir."
    )
