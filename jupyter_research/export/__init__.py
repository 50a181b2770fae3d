"""Write reports in the formats that people take them away in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

from ..errors import UnknownName
from ..report import Report
from .layout import fingerprint
from .markdown import markdown

__all__ = ["FORMATS", "Format", "export", "fingerprint", "markdown", "schema"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """Describe one format; what it needs is imported when `render` is called."""

    name: str
    media_type: str
    #: The end of a file's name, with its dot.
    suffix: str
    render: Callable[[Report], bytes]


def _late(module: str, function: str = "render") -> Callable[[Report], bytes]:
    """Name a renderer without importing its module."""

    def render(report: Report) -> bytes:
        result: bytes = getattr(import_module(f".{module}", __package__), function)(report)
        return result

    return render


def _json(report: Report) -> bytes:
    # What a researcher of one's own put into `made` or `usage` may be anything.
    text = json.dumps(report.to_json(), ensure_ascii=False, indent=2, default=str)
    # A lone surrogate, which UTF-8 cannot hold, becomes the escape that JSON has for it.
    return (text + "\n").encode("utf-8", "backslashreplace")


_DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

FORMATS: Final[Mapping[str, Format]] = MappingProxyType(
    {
        item.name: item
        for item in (
            Format(
                name="markdown",
                media_type="text/markdown; charset=utf-8",
                suffix=".md",
                render=_late("markdown"),
            ),
            Format(name="json", media_type="application/json", suffix=".json", render=_json),
            Format(name="html", media_type="text/html; charset=utf-8", suffix=".html", render=_late("html")),
            Format(
                name="ipynb", media_type="application/x-ipynb+json", suffix=".ipynb", render=_late("notebook")
            ),
            Format(name="pdf", media_type="application/pdf", suffix=".pdf", render=_late("pdf")),
            Format(name="docx", media_type=_DOCX, suffix=".docx", render=_late("docx")),
            Format(
                name="bibtex",
                media_type="application/x-bibtex; charset=utf-8",
                suffix=".bib",
                render=_late("bibliography", "bibtex"),
            ),
            Format(
                name="csl-json",
                media_type="application/vnd.citationstyles.csl+json",
                suffix=".csl.json",
                render=_late("bibliography", "csl_json"),
            ),
        )
    }
)


def export(report: Report, format: str) -> bytes:
    """Give the report as a file of `format`, one of `FORMATS`."""
    if format not in FORMATS:
        raise UnknownName(f"There is no format {format!r}: choose one of {', '.join(FORMATS)}.")
    return FORMATS[format].render(report)


def schema() -> dict[str, Any]:
    """Give the JSON Schema that every report in JSON keeps to."""
    from importlib.resources import files

    text = (files(__package__) / "report.schema.json").read_text("utf-8")
    result: dict[str, Any] = json.loads(text)
    return result
