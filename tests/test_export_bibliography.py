"""Each bibliography is opened with readers of its own."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from reports import HOSTILE, hostile_report, plain_report
from test_export import hostile

from jupyter_research.export import export
from jupyter_research.report import Report, Source

__all__ = ["hostile"]  # Fixtures.

# Bibliographies


def read_bibtex(text: str) -> dict[str, dict[str, str]]:
    """Read BibTeX as BibTeX does: by counting braces, whatever stands before them."""
    entries: dict[str, dict[str, str]] = {}
    place = 0
    while (start := text.find("@", place)) >= 0:
        kind, key = re.compile(r"@(\w+)\{([^,\s]+),").match(text, start).groups()  # type: ignore[union-attr]
        assert kind in ("article", "misc")
        body, place = braced(text, text.index("{", start))
        fields: dict[str, str] = {}
        inner = body.index(",") + 1
        while match := re.compile(r"\s*(\w+) = (?=\{)").match(body, inner):
            fields[match[1]], inner = braced(body, match.end())
            inner += 1
        assert not body[inner:].strip(), body[inner:]
        entries[key] = fields
    return entries


def braced(text: str, start: int) -> tuple[str, int]:
    """Give what stands between the brace at `start` and its partner, and the place behind."""
    depth = 0
    for index in range(start, len(text)):
        depth += (text[index] == "{") - (text[index] == "}")
        if depth == 0:
            return text[start + 1 : index], index + 1
    raise AssertionError("a brace is never closed")


def test_bibtex_holds_each_source_under_a_key_of_its_own() -> None:
    entries = read_bibtex(export(plain_report(), "bibtex").decode())
    assert list(entries) == ["prado2021security", "tokens", "cookies"]
    first = entries["prado2021security"]
    assert first["title"] == r"{Security \textbraceleft{}in\textbraceright{} depth}"
    assert first["author"] == "Prado, Ana and {Simon and Sons}"
    assert first["doi"] == "10.1000/x_y"
    assert r"papers/a\_b.pdf" in first["note"]
    assert entries["cookies"]["url"] == "https://example.org/a?b=1&c=2"


def test_bibtex_of_hostile_texts_stays_in_its_fields(hostile: dict[str, bytes]) -> None:
    entries = read_bibtex(hostile["bibtex"].decode("utf-8"))
    assert len(entries) == len(HOSTILE)
    known = {"title", "author", "year", "doi", "url", "note"}
    for fields in entries.values():
        assert set(fields) <= known
        for name in ("title", "author", "note"):
            text = re.sub(r"\\(?:text\w+\{\}|[&%$#_])", "", fields.get(name, ""))
            assert not re.search(r"[\\%$#_&~^]", text), text
        assert re.fullmatch(r"(?:https?://\S+)?", fields.get("url", ""))


def test_pybtex_reads_the_bibtex(hostile: dict[str, bytes]) -> None:
    from pybtex.database import parse_string

    entries = parse_string(export(plain_report(), "bibtex").decode(), "bibtex").entries
    assert list(entries) == ["prado2021security", "tokens", "cookies"]
    prado, house = entries["prado2021security"].persons["author"]
    assert (prado.first_names, prado.last_names) == (["Ana"], ["Prado"])
    assert str(house) == "{Simon and Sons}"
    assert entries["cookies"].fields["url"] == "https://example.org/a?b=1&c=2"
    foreign = parse_string(hostile["bibtex"].decode(), "bibtex")
    assert len(foreign.entries) == len(HOSTILE) and not foreign.preamble
    assert all(str(one.persons["author"][-1]) == "{A and B}" for one in foreign.entries.values())


def test_names_that_bibtex_cannot_take_apart_stay_whole() -> None:
    import pybtex.database

    names = ("A, B, C, and D", "Lab, Unit, Floor, Town", "others", "Last, Jr, First")
    source = replace(plain_report().sources[0], authors=names)
    written = export(replace(plain_report(), sources=(source,)), "bibtex").decode()
    (entry,) = pybtex.database.parse_string(written, "bibtex").entries.values()
    assert [str(one) for one in entry.persons["author"]] == [
        "{A, B, C, and D}", "{Lab, Unit, Floor, Town}", "{others}", "Last, Jr, First"
    ]  # fmt: skip


def test_two_sources_of_one_name_have_two_keys() -> None:
    sources = tuple(
        Source(id=f"d{n}", number=n, kind="text", title="Notes", path=f"{n}.md") for n in (1, 2, 3)
    )
    assert list(read_bibtex(export(Report(title="t", sources=sources), "bibtex").decode())) == [
        "notes",
        "notes-2",
        "notes-3",
    ]


def test_csl_json_names_people_only_as_they_name_themselves(hostile: dict[str, bytes]) -> None:
    items = json.loads(export(plain_report(), "csl-json"))
    assert items[0] == {
        "id": "prado2021security",
        "type": "article-journal",
        "title": "Security {in} depth",
        "author": [{"family": "Prado", "given": "Ana"}, {"literal": "Simon and Sons"}],
        "issued": {"date-parts": [[2021]]},
        "DOI": "10.1000/x_y",
        "note": "papers/a_b.pdf, sha256:" + "ab" * 32,
    }
    assert [item["type"] for item in items] == ["article-journal", "document", "webpage"]
    foreign = json.loads(hostile["csl-json"])
    assert len({item["id"] for item in foreign}) == len(HOSTILE)
    assert not [item for item in foreign if not item.get("URL", "http").startswith("http")]


@pytest.mark.parametrize("report", [plain_report(), hostile_report()], ids=["plain", "hostile"])
def test_a_citation_processor_writes_a_bibliography_from_the_csl_json(report: Report) -> None:
    from citeproc import Citation as Cited
    from citeproc import CitationItem, CitationStylesBibliography, CitationStylesStyle, formatter
    from citeproc.source.json import CiteProcJSON

    items = json.loads(export(report, "csl-json"))
    style = CitationStylesStyle("harvard-cite-them-right", validate=False)
    bibliography = CitationStylesBibliography(style, CiteProcJSON(items), formatter.plain)
    for item in items:
        bibliography.register(Cited([CitationItem(item["id"])]))
    written = [str(entry) for entry in bibliography.bibliography()]
    assert len(written) == len(items)
    if report.sources[0].authors == ("Prado, Ana", "Simon and Sons"):
        assert written[0].startswith("Prado, A. and Simon and Sons (2021) “Security {in} depth”.")
