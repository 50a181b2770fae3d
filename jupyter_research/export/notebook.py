"""Write a report as a notebook: one section a cell, the session in the metadata."""

from __future__ import annotations

import json
from typing import Any

from .._version import __version__
from ..report import Report
from . import layout, prose
from .markdown import head_parts, limitation_parts, made_parts, section_parts, source_parts


def notebook(report: Report) -> dict[str, Any]:
    """Give the notebook as JSON of nbformat 4.5."""
    texts = [head_parts(report)]
    texts += _sections(report)
    texts += [limitation_parts(report), source_parts(report), made_parts(report)]
    cells = [_cell(f"report-{number}", parts) for number, parts in enumerate(texts) if parts]
    facts = {
        "session_id": report.session_id,
        "report_hash": layout.fingerprint(report),
        "generated": True,
        "version": __version__,
    }
    return {
        "cells": cells,
        "metadata": {
            # Named, so that the notebook opens without a question for a kernel.
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "jupyter_research": facts,
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _sections(report: Report) -> list[list[str]]:
    if report.markdown is not None:
        return [[part] for part in prose.sections(prose.harmless(prose.body(report)))]
    return [section_parts(report, section) for section in layout.sections(report)]


def _cell(name: str, parts: list[str]) -> dict[str, Any]:
    return {
        "cell_type": "markdown",
        "id": name,
        "metadata": {"jupyter_research": {"generated": True}},
        "source": "\n\n".join(parts).splitlines(keepends=True),
    }


def render(report: Report) -> bytes:
    """Give the notebook file."""
    text = json.dumps(notebook(report), ensure_ascii=False, indent=1)
    return (text + "\n").encode("utf-8", "backslashreplace")
