"""Read a file's bytes only if it is what its path says: no link, no pipe, not too large, not changing."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Final

from .parsing.parsed import Unreadable

_MEGABYTE: Final = 1024 * 1024
#: What is read of one file, by kind; text beyond 50 MB is a log or a dump.
_LIMITS: Final = {"pdf": 250 * _MEGABYTE, "docx": 100 * _MEGABYTE, "epub": 100 * _MEGABYTE}
_LIMIT: Final = 50 * _MEGABYTE

_REASONS: Final = {
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ENOENT: "is gone",
    errno.ENOTDIR: "is gone",
    errno.ELOOP: "a link that leads to itself, or out of what may be read",
    errno.ENAMETOOLONG: "its name is too long",
    errno.EIO: "the disk cannot read it",
    errno.ESTALE: "is gone",
}


class Stamp(tuple[int, int, int, int]):
    """Hold size, modification, change and inode: what tells that a file is as it was."""

    __slots__ = ()

    @classmethod
    def of(cls, found: os.stat_result) -> Stamp:
        """Take the stamp of a stat."""
        return cls((found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino))


def read(path: Path, kind: str) -> tuple[bytes, Stamp]:
    """Give the bytes of a file with the stamp that they had; raise `Unreadable`."""
    for _ in range(2):
        data, before, after = _read(path, _LIMITS.get(kind, _LIMIT))
        if before == after:
            return data, before
    raise Unreadable("changed while it was read")


def refused(error: OSError) -> Unreadable:
    """Put an error of the file system in a clause."""
    return Unreadable(_REASONS.get(error.errno or 0, "cannot be opened"))


def _read(path: Path, limit: int) -> tuple[bytes, Stamp, Stamp]:
    try:
        # O_NONBLOCK: opening a named pipe would wait for its writer for ever.
        flags = (
            os.O_RDONLY
            | getattr(os, "O_NONBLOCK", 0)
            | getattr(os, "O_NOFOLLOW", 0)
            | getattr(os, "O_BINARY", 0)
        )
        descriptor = os.open(path, flags)
    except OSError as error:
        raise refused(error) from None
    try:
        found = os.fstat(descriptor)
        _check(path, found, limit)
        # One byte more than is allowed: a file can grow after its size was asked.
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(limit + 1)
        after = os.fstat(descriptor)
    except OSError as error:
        raise refused(error) from None
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise Unreadable(f"larger than {limit // _MEGABYTE} MB")
    return data, Stamp.of(found), Stamp.of(after)


def _check(path: Path, found: os.stat_result, limit: int) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise Unreadable("a folder that may not be read")
    if not stat.S_ISREG(found.st_mode):
        raise Unreadable("not a regular file")
    if found.st_size > limit:
        raise Unreadable(f"larger than {limit // _MEGABYTE} MB")
    # A folder of the path may have become a link since the path was resolved and allowed.
    if os.path.realpath(path) != os.fspath(path):
        raise refused(OSError(errno.ELOOP, ""))
