"""The cells of the running notebook: as saved, and as run since."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_research.errors import InvalidRequest
from jupyter_research.history import notebook_of

MIME = "application/vnd.jupyter-research.session+json"


def shell(*inputs: str, **results: str) -> Any:
    """Give what IPython keeps of its runs; `_2="x"` is the result of the second."""
    reprs = {int(number.removeprefix("_")): text for number, text in results.items()}
    history = SimpleNamespace(input_hist_raw=["", *inputs], output_hist_reprs=reprs)
    return SimpleNamespace(history_manager=history, execution_count=len(inputs) + 1, user_ns={})


def cell(source: str, count: int | None = None, **more: Any) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "source": source, "execution_count": count, **more}


def given(running: Any, *cells: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """Give source and outputs of each cell of the document."""
    saved = {"nbformat": 4, "metadata": {}, "cells": list(cells)} if cells else None
    found = json.loads(notebook_of(running, saved))["cells"]
    outputs = [[text for one in item["outputs"] for text in one["data"].values()] for item in found]
    return [(item["source"], texts) for item, texts in zip(found, outputs, strict=True)]


def test_without_a_saved_notebook_the_runs_are_the_cells() -> None:
    assert given(shell("x = 1", "x + 1", _2="2")) == [("x = 1", []), ("x + 1", ["2"])]


def test_what_ran_since_the_notebook_was_saved_is_brought_up_to_date() -> None:
    saved = [cell("a = 1", 1), cell("# Lakes", cell_type="markdown"), cell("a", None)]
    found = given(shell("a = 1", "a", "new = 2", _2="1"), *saved)
    assert found == [("a = 1", []), ("# Lakes", []), ("a", ["1"]), ("new = 2", [])]


def test_what_was_edited_before_the_notebook_was_saved_is_not_there_any_more() -> None:
    assert given(shell("old = 1", "better = 1"), cell("better = 1", 2)) == [("better = 1", [])]


def test_counts_of_an_earlier_kernel_prove_nothing() -> None:
    found = given(shell("b = 2"), cell("a = 1", 40))
    assert found == [("a = 1", []), ("b = 2", [])]


def test_commands_and_what_this_product_wrote_are_left_empty_in_their_place() -> None:
    ours = [{"output_type": "display_data", "data": {MIME: {}, "text/plain": "the report"}}]
    inserted = cell("the report", metadata={"jupyter_research": {}})
    running = shell("%research --cells what?", "s = %research what?", "%%research\nwhat?")
    saved = [cell("%research --cells what?", 1, outputs=ours), inserted, cell("x", outputs=ours)]
    assert given(running, *saved) == [("", []), ("", []), ("x", [])]


def test_the_same_cells_are_the_same_document_when_the_command_runs_again() -> None:
    first = notebook_of(shell("x = 1", "%research --cells what?"), None)
    again = notebook_of(shell("x = 1", "%research --cells what?", "%research --cells what?"), None)
    assert first == again


def test_pictures_are_not_sent_and_long_outputs_are_cut() -> None:
    outputs = [
        {"output_type": "display_data", "data": {"image/png": "iVBOR", "text/plain": ["<Fig", "ure>"]}},
        {"output_type": "stream", "name": "stdout", "text": "x" * 10_000},
        {"output_type": "error", "ename": "E", "evalue": "e", "traceback": ["t"]},
    ]
    ((_, texts),) = given(shell("y"), cell("x", 1, outputs=outputs))[:1]
    assert texts == ["<Figure>", "x" * 5000]


@pytest.mark.parametrize("broken", [{"cells": [None, 3, {"source": 1, "outputs": {}, "metadata": []}]}, {}])
def test_a_broken_notebook_costs_nothing_but_itself(broken: dict[str, Any]) -> None:
    assert "x = 1" in notebook_of(shell("x = 1"), broken)


def test_nothing_to_read_and_too_much_to_read_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="no cell"):
        notebook_of(shell(), None)
    with pytest.raises(InvalidRequest, match="--source"):
        notebook_of(shell("x" * 800_000), None)
