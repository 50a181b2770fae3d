"""Parse one document that is no file of the person's, in a child process as all are."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from ..work import Control
from .parsing.parsed import Unreadable
from .worker import Worker


def parse_bytes(data: bytes, kind: str, control: Control) -> dict[str, Any]:
    """Parse bytes of a kind: text, title, authors, year, doi, pages.

    Raises:
        Unreadable: with a clause that says why there is no text.
    """
    worker = Worker()
    control.on_cancel(lambda: worker.kill("cancelled"))
    with tempfile.TemporaryDirectory(prefix="jupyter-research-") as folder:
        # Resolved: the child refuses a path with a link in it.
        path = Path(folder).resolve() / "document"
        path.write_bytes(data)
        try:
            answer = worker.parse(path, kind, lambda _: True)
        finally:
            worker.close()
    if "text" not in answer:
        raise Unreadable(answer.get("failure", "there is nothing to read in it"))
    return answer
