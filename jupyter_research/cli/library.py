"""Show what is kept of the files that sessions have read, take it away, or read a folder for everybody."""

from __future__ import annotations

import json
import os
import sys
import time
from argparse import Namespace
from pathlib import Path

from ..client import LocalClient
from ..errors import InvalidRequest
from ..export.plain import one_line
from .search import reading

_UNITS = ("bytes", "kB", "MB", "GB")


def list_indexes(arguments: Namespace) -> int:
    """Print where each index lies, how large it is and what it is of."""
    found = list(LocalClient.kept_indexes(_folder(arguments)))
    for one in found:
        if arguments.json:
            print(json.dumps(one.to_json()))
            continue
        documents = "of another version" if one.documents is None else f"{one.documents:,} documents"
        when = time.strftime("%Y-%m-%d", time.localtime(one.written))
        print(f"{_what(one.folder, one.sources)}: {documents}, {_size(one.bytes)}, {when}\n    {one.path}")
    if not found and not arguments.json:
        print("No index is kept: the first session or search over a folder makes one.", file=sys.stderr)
    return 0


def forget(arguments: Namespace) -> int:
    """Remove the indexes that are meant; the next session over those files reads them anew."""
    if bool(arguments.name) == arguments.all:
        raise InvalidRequest("Name the indexes to forget, by source, folder or path, or say --all.")
    found = list(LocalClient.kept_indexes(_folder(arguments)))
    meant = [one for one in found if arguments.all or any(map(one.is_called, arguments.name))]
    if not meant and not arguments.all:
        raise InvalidRequest(
            f"There is no index of {', '.join(arguments.name)}: `jupyter research library list` shows all."
        )
    for one in meant:
        LocalClient.forget_index(one.path)
        if arguments.json:
            print(json.dumps(one.to_json()))
        else:
            print(f"Forgotten: {_what(one.folder, one.sources)}, {_size(one.bytes)}.", file=sys.stderr)
    return 0


def index(arguments: Namespace) -> int:
    """Read a folder into an index beside its files, which every server with that library uses."""
    folder = Path(os.path.realpath(os.path.expanduser(arguments.folder)))
    indexed, path = LocalClient.build_index(folder, reading)
    size = path.stat().st_size
    if arguments.json:
        failures = [{"name": one.name, "reason": one.reason} for one in indexed.failures]
        answer = {"path": str(path), "bytes": size, "documents": len(indexed.documents), "read": indexed.read}
        print(json.dumps({**answer, "failures": failures}))
        return 0
    for one in indexed.failures:
        stop = "" if one.reason.endswith("?") else "."
        print(f"{one.name} could not be read: {one.reason}{stop}", file=sys.stderr)
    print(
        f"{len(indexed.documents):,} documents, {indexed.read:,} of them read now, {_size(size)}: {path}\n"
        f"Servers use it where ResearchApp.libraries names {folder}."
    )
    return 0


def _folder(arguments: Namespace) -> Path | None:
    return None if arguments.data_dir is None else Path(arguments.data_dir).expanduser().resolve()


def _what(folder: str | None, sources: tuple[str, ...]) -> str:
    if folder is None:
        return "An index"
    return one_line(f"{', '.join(sources)} from {folder}" if sources else folder)


def _size(number: float) -> str:
    for unit in _UNITS:
        if number < 1000 or unit == _UNITS[-1]:
            return f"{number:.0f} {unit}" if unit == _UNITS[0] else f"{number:.1f} {unit}"
        number /= 1000
    raise AssertionError
