"""Give the cells of the running notebook as a document: as saved, and as run since."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from .errors import InvalidRequest

#: What an output says beyond this is a log or a dump.
_OUTPUT_CHARS: Final = 5_000
#: Less than what a server takes in one request.
_MOST: Final = 700_000
#: Outputs that are words; a picture would be sent for nothing.
_TEXTS: Final = ("text/markdown", "text/plain")
_MIME: Final = "application/vnd.jupyter-research.session+json"
#: Cells that start sessions are left empty: they say nothing, and change with each session.
_COMMAND: Final = re.compile(r"\s*(?:\w+\s*=\s*)?%{1,2}research\b")

Cell = dict[str, Any]


def notebook_of(shell: Any, saved: Mapping[str, Any] | None) -> str:
    """Give a notebook in JSON: the saved cells, brought up to date with what this kernel has run since.

    Args:
        shell: the IPython that runs.
        saved: the notebook as it was saved last, where it is known.

    Raises:
        InvalidRequest: when there is no cell, or more text than one request holds.
    """
    cells = [_plain(cell) for cell in (saved or {}).get("cells") or ()]
    runs = dict(_runs(shell))
    fresh = _since(cells, runs)
    for number in fresh:
        _take(cells, runs[number], _result(shell, number))
    if not any(cell["source"].strip() for cell in cells):
        raise InvalidRequest("This notebook has no cell yet that could be read.")
    for cell in cells:
        # The same cells are the same document, however often they have run.
        del cell["execution_count"]
    text = json.dumps(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}, ensure_ascii=False
    )
    if len(text.encode("utf-8", "replace")) > _MOST:
        raise InvalidRequest(
            f"The cells of this notebook hold more than {_MOST // 1000} kB of text: save it, and name it "
            "with --source instead."
        )
    return text


def file_of(shell: Any) -> Path | None:
    """Give the notebook's file where the front end has left its name with the kernel."""
    name = shell.user_ns.get("__vsc_ipynb_file__")
    return Path(name) if isinstance(name, str) and name.endswith(".ipynb") else None


def read(path: Path) -> Mapping[str, Any] | None:
    """Read a saved notebook; None where it cannot be."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return notebook if isinstance(notebook, dict) else None


def _runs(shell: Any) -> Iterator[tuple[int, str]]:
    """Give what this kernel has run, the cell under way aside."""
    inputs: Sequence[str] = shell.history_manager.input_hist_raw
    for number in range(1, min(len(inputs), shell.execution_count)):
        if inputs[number].strip() and not _COMMAND.match(inputs[number]):
            yield number, inputs[number]


def _since(cells: list[Cell], runs: Mapping[int, str]) -> list[int]:
    """Give the runs that are newer than the saved notebook: after the last that it knows."""
    known = (cell["execution_count"] for cell in cells if cell["execution_count"])
    last = max((count for count in known if _is_run(cells, count, runs)), default=0)
    return [number for number in runs if number > last]


def _is_run(cells: list[Cell], count: int, runs: Mapping[int, str]) -> bool:
    """Tell whether a saved count is of this kernel, and not of one before it."""
    return any(
        cell["execution_count"] == count and cell["source"].strip() == runs.get(count, "").strip()
        for cell in cells
    )


def _take(cells: list[Cell], source: str, result: str | None) -> None:
    """Take in one run: as the cell of that text, or as a new one."""
    outputs = [] if result is None else [_output("text/plain", result)]
    for cell in cells:
        if cell["cell_type"] == "code" and cell["source"].strip() == source.strip():
            cell["outputs"] = outputs or cell["outputs"]
            return
    cells.append(_code(source, outputs))


def _result(shell: Any, number: int) -> str | None:
    shown = shell.history_manager.output_hist_reprs.get(number)
    return shown[:_OUTPUT_CHARS] if isinstance(shown, str) else None


def _plain(cell: Any) -> Cell:
    """Keep of a saved cell what says something, and nothing of what this product wrote."""
    cell = cell if isinstance(cell, dict) else {}
    outputs = cell.get("outputs") if isinstance(cell.get("outputs"), list) else []
    metadata = cell.get("metadata") if isinstance(cell.get("metadata"), dict) else {}
    source = _text(cell.get("source"))
    if "jupyter_research" in metadata or _COMMAND.match(source):
        return _code("", [])
    return {
        **_code(source, [one for output in outputs for one in _words(output)]),
        "cell_type": cell.get("cell_type", "code"),
        "execution_count": cell.get("execution_count"),
    }


def _words(output: Any) -> Iterator[Cell]:
    output = output if isinstance(output, dict) else {}
    data = output.get("data") if isinstance(output.get("data"), dict) else {}
    if _MIME in data or "jupyter_research" in (output.get("metadata") or {}):
        return
    for name in _TEXTS:
        if text := _text(data.get(name)):
            yield _output(name, text[:_OUTPUT_CHARS])
            return
    if text := _text(output.get("text")):
        yield _output("text/plain", text[:_OUTPUT_CHARS])


def _code(source: str, outputs: list[Cell]) -> Cell:
    return {
        "cell_type": "code",
        "metadata": {},
        "source": source,
        "outputs": outputs,
        "execution_count": None,
    }


def _output(name: str, text: str) -> Cell:
    return {"output_type": "display_data", "metadata": {}, "data": {name: text}}


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""
