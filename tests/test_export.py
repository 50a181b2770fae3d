"""Each format is opened with a reader of its own, with texts that try to be more than text."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import warnings
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from reports import HOSTILE, PROSE, a_claim, hostile_report, plain_report, prose_report

from jupyter_research.errors import UnknownName
from jupyter_research.export import FORMATS, export, fingerprint, layout, markdown, plain
from jupyter_research.export.markdown import SIGNATURE, escape
from jupyter_research.report import Claim, Report, Section, Source, Verdict

OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")


def shown(text: str) -> str:
    """Give what a reader is to see of a hostile text."""
    return plain.one_line(text)


@pytest.fixture(scope="module")
def hostile() -> dict[str, bytes]:
    """Give the hostile report in all formats."""
    report = hostile_report()
    return {name: export(report, name) for name in FORMATS}


# Head line and marks


def test_the_head_line_counts_quotes_and_files_and_promises_no_more() -> None:
    report = Report(
        title="t",
        sections=(
            Section(heading="a", claims=tuple(a_claim(n, f"Quote {n}.", f"d{n % 2}") for n in range(4))),
        ),
        sources=tuple(Source(id=f"d{n}", number=n + 1, kind="text", title="t", path="p") for n in range(3)),
    )
    # All four spans begin at 0: the same span of one source is one quote.
    assert layout.head_line(report) == (
        "2 quotes found word for word in 2 of your files. Nobody has checked that the sources are right, "
        "or that a quote means what its section says."
    )


def test_the_head_line_tells_what_is_weak() -> None:
    line = layout.head_line(plain_report())
    assert line.startswith("3 quotes found word for word in 3 sources.")
    assert "1 sentence has numbers, names or negations that the passages lack." in line
    assert "4 of 6 sentences cite a passage." in line


def test_a_put_right_quote_is_not_counted_as_found() -> None:
    claim = a_claim(1, "q", "d1")
    repaired = Claim(id="r", text="q", verdict=Verdict.REPAIRED, citations=claim.citations)
    source = Source(id="d1", number=1, kind="text", title="t", path="p")
    report = Report(title="t", sections=(Section(heading="a", claims=(repaired,)),), sources=(source,))
    line = layout.head_line(report)
    assert line.startswith("No quote was found word for word. Nobody has checked")
    assert line.endswith("1 quote was not exact and put right from the source.")


def test_a_report_without_citations_says_that_nothing_was_checked() -> None:
    report = Report(title="t", sections=(Section(heading="a", claims=(Claim(id="1", text="So."),)),))
    assert layout.head_line(report).startswith("Nothing in this report was checked")
    assert layout.legend(report) == []


def test_each_verdict_has_a_mark_and_each_used_mark_is_explained() -> None:
    assert set(layout.MARKS) == set(Verdict)
    report = plain_report()
    assert [sign for sign, _ in layout.legend(report)] == ["✓", "≈", "!", "○"]
    assert all(f"{sign} {meaning}" in markdown(report) for sign, meaning in layout.legend(report))


def test_a_citation_of_no_known_source_never_reaches_a_report() -> None:
    report = Report(title="t", sections=(Section(heading="a", claims=(a_claim(1, "Quote.", "gone"),)),))
    text = markdown(report)
    assert "Quote." in text
    assert "gone" not in text
    assert "Nothing in this report was checked" in text


def test_what_is_said_about_the_research_is_neither_counted_nor_marked() -> None:
    report = plain_report()
    data = report.to_json()
    data["sections"][1]["claims"].append(Claim(id="n", text="Two were read.", note=True).to_json())
    told = Report.from_json(data)
    assert layout.head_line(told) == layout.head_line(report)
    assert "Two were read.\n" in markdown(told)


def test_terms_that_the_passages_lack_are_named_in_every_format_for_readers() -> None:
    data = plain_report().to_json()
    data["sections"][1]["claims"][3]["missing"] = ["7"]
    report = Report.from_json(data)
    assert "! (not there: “7”)" in markdown(report)
    assert "has terms that the passage lacks: “7”" in export(report, "html").decode()
    import docx
    import pypdfium2

    pages = pypdfium2.PdfDocument(export(report, "pdf"))
    assert any("not there: “7”" in page.get_textpage().get_text_range() for page in pages)
    paragraphs = docx.Document(io.BytesIO(export(report, "docx"))).paragraphs
    assert any("not there: “7”" in paragraph.text for paragraph in paragraphs)


def test_a_section_that_says_nothing_is_not_shown() -> None:
    report = Report(title="t", sections=(Section(heading="Empty"),))
    assert all(b"Empty" not in export(report, name) for name in ("markdown", "html", "ipynb"))
    assert b"Empty" in export(report, "json")


# Markdown


def test_markdown_ends_with_sources_and_how_it_was_made() -> None:
    text = markdown(plain_report())
    assert re.findall(r"^## (.*)$", text, re.MULTILINE)[-3:] == [
        "Limitations",
        "Sources",
        "How this was made",
    ]
    assert SIGNATURE in text[:200]
    part = text.split("## Sources\n\n")[1].split("\n\n## ")[0]
    assert part.split("\n\n") == [
        "[1] Security {in} depth, papers/a_b.pdf, Prado, Ana and Simon and Sons (2021), doi:10.1000/x_y, "
        "p. 3, sha256:abababababab",
        "[2] tokens, `src/__init__.py`",
        "[3] Cookies, https://example.org/a?b=1&c=2",
    ]


def test_markdown_numbers_its_citations_and_names_the_place_of_a_quote() -> None:
    text = markdown(plain_report())
    assert "- “Tokens are stored as hashes.” [1] p. 3 ✓\n- “A token is shown once.” [2] § Tokens ✓" in text
    assert "Cookies guard it. [3] ≈ All 7 do. [3] ! That seems enough. ○" in text
    assert "Two files were read.\n" in text


def test_each_source_of_a_hostile_report_is_one_line(hostile: dict[str, bytes]) -> None:
    text = hostile["markdown"].decode("utf-8")
    assert text.count("\n## Sources\n") == 1
    part = text.split("\n## Sources\n")[1].split("\n## How this was made\n")[0]
    lines = [line for line in part.splitlines() if line]
    numbers = [line.split(" ")[0] for line in lines]
    assert numbers == [f"[{number}]" for number in range(1, len(HOSTILE) + 1)]


def test_markdown_of_hostile_texts_is_inert(hostile: dict[str, bytes]) -> None:
    from markdown_it import MarkdownIt

    text = hostile["markdown"].decode("utf-8")
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    tokens = parser.parse(text)
    inline = [child for token in tokens for child in token.children or ()]
    kinds = {token.type for token in [*tokens, *inline]}
    allowed = {
        "heading_open",
        "heading_close",
        "inline",
        "html_block",
        "paragraph_open",
        "paragraph_close",
        "text",
        "em_open",
        "em_close",
        "bullet_list_open",
        "bullet_list_close",
        "list_item_open",
        "list_item_close",
        "hardbreak",
        "code_inline",
        "text_special",
    }
    assert kinds <= allowed
    assert [token.content.strip() for token in tokens if token.type == "html_block"] == [SIGNATURE]
    assert sum(token.type == "em_open" for token in inline) == 1
    assert "<" not in text.replace(SIGNATURE, "")
    # What front ends' own readers of mathematics look for is not in the file at all.
    assert "$" not in text
    assert "\\begin" not in text
    assert "\\\\" not in text


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("before", ["", "# ", "- "])
def test_escaped_markdown_shows_the_text_as_it_was(text: str, before: str) -> None:
    from markdown_it import MarkdownIt

    from jupyter_research.export.markdown import _heading, opening

    escaped = _heading(text) if before == "# " else opening(text)
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(before + escaped)
    content = "".join(child.content for token in tokens for child in token.children or ())
    assert content == shown(text)
    assert sum(bool(token.children) for token in tokens) <= 1


def test_ordinary_names_are_not_disfigured() -> None:
    for text in (
        "docs/user_guide.md",
        "R2-D2 (2020), p. 3: a & b",
        "50 % of x = y",
        "C:/a b/c.txt",
        "it's 1.5",
    ):
        assert escape(text) == text


# HTML


def test_html_is_self_contained_and_names_its_maker() -> None:
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(export(plain_report(), "html").decode())
    generator = tree.css_first('meta[name="generator"]')
    assert generator is not None
    assert generator.attributes["content"] == "jupyter_research"
    assert not tree.css("script, link, img, iframe, object, embed, form, base, [src], [style]")
    policy = tree.css_first('meta[http-equiv="Content-Security-Policy"]')
    assert policy is not None
    assert str(policy.attributes["content"]).startswith("default-src 'none'")
    assert "url(" not in tree.css_first("style").text()  # type: ignore[union-attr]


def test_html_shows_the_passage_at_each_number_and_leads_to_its_source() -> None:
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(export(plain_report(), "html").decode())
    cites = tree.css(".cite")
    assert len(cites) == 4
    first = cites[0]
    assert "Tokens are stored as hashes." in first.css_first(".pop .quote").text()  # type: ignore[union-attr]
    assert "Security {in} depth, p.\xa03" in first.css_first(".pop .where").text()  # type: ignore[union-attr]
    for cite in cites:
        target = cite.css_first("a").attributes["href"]  # type: ignore[union-attr]
        assert tree.css_first(str(target)) is not None


def test_html_of_hostile_texts_is_inert(hostile: dict[str, bytes]) -> None:
    from selectolax.lexbor import LexborHTMLParser

    text = hostile["html"].decode("utf-8")
    tree = LexborHTMLParser(text)
    names = {node.tag for node in tree.css("*")}
    assert names <= {
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "header",
        "main",
        "section",
        "h1",
        "h2",
        "p",
        "ul",
        "ol",
        "li",
        "dl",
        "dt",
        "dd",
        "span",
        "a",
        "code",
        "br",
    }
    for node in tree.css("*"):
        assert not [name for name in node.attributes if name.startswith("on")]
        target = node.attributes.get("href")
        assert target is None or re.match(r"#[\w-]+$|https?://", target), target
    body = tree.body.text()  # type: ignore[union-attr]
    for item in HOSTILE:
        assert shown(item) in " ".join(body.split())


# Notebook


@pytest.mark.parametrize("which", ["plain", "hostile"])
def test_the_notebook_is_valid_and_holds_a_section_a_cell(which: str, hostile: dict[str, bytes]) -> None:
    import nbformat

    report = plain_report() if which == "plain" else hostile_report()
    notebook = nbformat.reads(export(report, "ipynb").decode("utf-8"), as_version=4)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    facts = notebook.metadata.jupyter_research
    assert facts["session_id"] == report.session_id
    assert facts["report_hash"] == fingerprint(report)
    headings = [cell.source.splitlines()[0] for cell in notebook.cells]
    assert len(headings) == 1 + len(report.sections) + 3
    assert all(line.startswith("#") for line in headings)
    assert {cell.cell_type for cell in notebook.cells} == {"markdown"}
    assert all(cell.metadata.jupyter_research.generated for cell in notebook.cells)


def test_the_fingerprint_changes_with_the_report() -> None:
    report = plain_report()
    assert fingerprint(report) == fingerprint(Report.from_json(report.to_json()))
    assert fingerprint(report) != fingerprint(Report.from_json({**report.to_json(), "title": "Other"}))


# PDF


def pdf_text(content: bytes) -> str:
    """Give the text of a PDF in one line."""
    import pypdfium2

    pdf = pypdfium2.PdfDocument(content)
    texts = []
    for page in pdf:
        text = page.get_textpage()
        texts.append(text.get_text_bounded())
        text.close()
        page.close()
    pdf.close()
    return " ".join(" ".join(texts).replace("\u200b", "").split())


def test_the_pdf_holds_the_report_with_numbered_sources_and_pages() -> None:
    from pypdf import PdfReader

    content = export(plain_report(), "pdf")
    text = pdf_text(content)
    for part in (
        "Evidence digest: tokens",
        "“Tokens are stored as hashes.” [1] p. 3",
        "Sources",
        "[2] tokens",
    ):
        assert part in text
    assert "[1] Security {in} depth, papers/a_b.pdf, Prado, Ana" in text
    assert "“Requests that change state carry a cookie.”" in text
    assert "1 / 1" in text
    assert text.index("Sources") < text.index("How this was made")
    metadata = PdfReader(io.BytesIO(content)).metadata
    assert metadata is not None
    assert metadata.title == "Evidence digest: tokens"


def test_the_pdf_of_hostile_texts_is_inert(hostile: dict[str, bytes]) -> None:
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(hostile["pdf"]))
    root: Any = reader.trailer["/Root"]
    assert "/OpenAction" not in root
    assert "/AA" not in root
    assert "/JavaScript" not in root.get("/Names", {})
    targets = [
        annotation.get_object()["/A"]["/URI"]
        for page in reader.pages
        for annotation in page.get("/Annots", ())
        if "/A" in annotation.get_object() and "/URI" in annotation.get_object()["/A"]
    ]
    assert all(target.startswith("http") for target in targets)
    text = re.sub(r"[^!-~]", "", pdf_text(hostile["pdf"]))
    for item in (
        "<script>alert(1)</script>",
        '#read("/etc/passwd")',
        "$x^2$",
        "$(touch/tmp/owned)",
    ):
        assert item in text
    assert text.count("W") >= 3000
    assert "root:x:0" not in text


def test_nothing_runs_off_the_page_of_a_pdf(hostile: dict[str, bytes]) -> None:
    import pypdfium2

    pdf = pypdfium2.PdfDocument(hostile["pdf"])
    try:
        for page in pdf:
            width, _ = page.get_size()
            text = page.get_textpage()
            boxes = [text.get_charbox(index) for index in range(text.count_chars())]
            assert max(right for _, _, right, _ in boxes) <= width
            text.close()
            page.close()
    finally:
        pdf.close()


def test_an_empty_report_can_be_taken_away_in_every_format() -> None:
    for name in set(FORMATS) - {"bibtex"}:
        assert export(Report(title=""), name)
    assert export(Report(title=""), "bibtex") == b""


# DOCX


def test_the_docx_holds_headings_quotes_and_sources() -> None:
    import docx

    document = docx.Document(io.BytesIO(export(plain_report(), "docx")))
    texts = [paragraph.text.replace("\xa0", " ") for paragraph in document.paragraphs]
    headings = [item.text for item in document.paragraphs if item.style and item.style.name == "Heading 1"]
    assert texts[0] == "Evidence digest: tokens"
    assert headings == [
        "Introduction",
        "How it works",
        "Passages",
        "Limitations",
        "Sources",
        "How this was made",
    ]
    assert "“Tokens are stored as hashes.” [1] p. 3 ✓" in texts
    assert "Cookies guard it. [3] ≈ All 7 do. [3] ! That seems enough. ○ " in texts
    assert any(text.startswith("[1] Security {in} depth, papers/a_b.pdf, Prado") for text in texts)


def test_the_docx_leads_from_a_number_to_its_source_and_from_there_to_the_web() -> None:
    import docx

    document = docx.Document(io.BytesIO(export(plain_report(), "docx")))
    body = document.element.body
    marks = set(body.xpath("//w:bookmarkStart/@w:name"))
    links = [link for paragraph in document.paragraphs for link in paragraph.hyperlinks]
    assert marks == {"source-1", "source-2", "source-3"} == {one.fragment for one in links if not one.address}
    assert {(one.text, one.address) for one in links if one.address} == {
        ("https://example.org/a?b=1&c=2", "https://example.org/a?b=1&c=2"),
        ("doi:10.1000/x_y", "https://doi.org/10.1000/x_y"),
    }


def test_the_docx_of_hostile_texts_is_inert(hostile: dict[str, bytes]) -> None:
    import docx

    document = docx.Document(io.BytesIO(hostile["docx"]))
    text = "\n".join(paragraph.text for paragraph in document.paragraphs)
    for item in HOSTILE:
        assert shown(item) in text
    with zipfile.ZipFile(io.BytesIO(hostile["docx"])) as archive:
        body = archive.read("word/document.xml")
    links = [link.address for paragraph in document.paragraphs for link in paragraph.hyperlinks]
    assert {address.partition(":")[0] for address in links if address} <= {"https", "http"}
    external = [one for one in document.part.rels.values() if one.is_external]
    assert {one.reltype.rpartition("/")[2] for one in external} <= {"hyperlink"}
    assert set(re.findall(rb'w:instr="([^"]*)"', body)) <= {b"PAGE"}


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


# All formats


@pytest.mark.parametrize("name", sorted({"markdown", "html", "ipynb", "bibtex", "csl-json"}))
def test_no_text_format_holds_what_nobody_sees(name: str, hostile: dict[str, bytes]) -> None:
    text = hostile[name].decode("utf-8")
    assert not OVERRIDES.search(text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufffe\U000e0000-\U000e007f]", text)


@pytest.mark.parametrize("name", ["markdown", "html", "ipynb", "pdf", "docx"])
@pytest.mark.parametrize(
    "report", [plain_report(), Report(title="t", topic="t", markdown="Mine.")], ids=["claims", "prose"]
)
def test_no_export_is_taken_for_evidence(tmp_path: Path, report: Report, name: str) -> None:
    from jupyter_research.documents import FileRef, Library

    path = tmp_path / f"report{FORMATS[name].suffix}"
    path.write_bytes(export(report, name))
    library = Library(tmp_path / "index.sqlite", [FileRef(path=path, name=path.name)])
    try:
        assert library.refresh().documents == ()
    finally:
        library.close()


def test_the_formats_are_those_of_the_contract() -> None:
    assert list(FORMATS) == ["markdown", "json", "html", "ipynb", "pdf", "docx", "bibtex", "csl-json"]
    assert all(item.suffix.startswith(".") and "/" in item.media_type for item in FORMATS.values())


def test_whatever_stands_in_the_facts_of_a_report_can_be_written() -> None:
    facts = {
        "at": date(2026, 1, 2),
        "set": {"one"},
        "path": Path("a/b"),
        "share": 0.25,
        "ok": True,
        "none": None,
    }
    report = Report(title="t", made=facts, usage={"nested": {"calls": [1, 2]}})
    for name in FORMATS:
        export(report, name)
    lines = markdown(report).split("## How this was made")[1].strip().splitlines()
    assert lines == [
        "- At: 2026-01-02",
        "- Set: one",
        "- Path: a/b",
        "- Share: 0.25",
        "- Ok: yes",
        "- Nested: calls: 1; 2",
    ]


def test_an_unknown_format_is_refused_with_the_list_of_formats() -> None:
    with pytest.raises(UnknownName, match="choose one of markdown, json, html"):
        export(plain_report(), "rtf")


def test_no_format_warns() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in FORMATS:
            export(plain_report(), name)


def test_importing_the_formats_imports_none_of_their_libraries() -> None:
    code = (
        "import sys, jupyter_research.export as export\n"
        "heavy = {'typst', 'docx', 'lxml', 'nbformat', 'markdown_it', 'pypdf'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# Prose of a researcher of one's own


def test_prose_keeps_its_form_in_markdown() -> None:
    text = markdown(prose_report())
    assert text.startswith(f"# My own report\n\n{SIGNATURE}\n\nwhy?\n\n*Nothing in this report was checked")
    assert "Some **bold**, `code` and a [link](https://example.org/x), https://auto.example." in text
    assert '```python\nprint("<script>alert(1)</script>")\n```' in text
    assert "| `a<b>` | 1 |" in text
    assert "## Sources\n\nNone." in text


@pytest.mark.parametrize(
    "text", [PROSE, "\n\n".join(HOSTILE), *HOSTILE, "\\`<b>`</b>", "[a\n](\njavascript:b)"]
)
def test_prose_is_inert_for_a_reader_that_takes_everything(text: str) -> None:
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    reader.validateLink = lambda url: True  # type: ignore[method-assign]
    tokens = reader.parse(markdown(prose_report(text)))
    everything = [*tokens, *(child for token in tokens for child in token.children or ())]
    raw = [
        token.content.strip() for token in everything if token.type in ("html_block", "html_inline", "image")
    ]
    assert raw == [SIGNATURE]
    targets = [str(token.attrs["href"]) for token in everything if token.type == "link_open"]
    assert all(re.match("https?://|#", target) for target in targets), targets


def test_prose_is_inert_in_html() -> None:
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(export(prose_report(), "html").decode())
    assert not tree.css("script, img, div, b, [onclick], [src], [style]")
    assert [link.attributes["href"] for link in tree.css(".prose a")] == [
        "https://example.org/x",
        "https://auto.example",
        "https://evil.example/p.png",
    ]
    assert [cell.text() for cell in tree.css(".prose th, .prose td")] == ["name", "value", "a<b>", "1"]
    assert [item.text() for item in tree.css(".prose pre")] == ['print("<script>alert(1)</script>")\n']


@pytest.mark.parametrize("name", ["pdf", "docx"])
def test_prose_keeps_its_words_on_paper(name: str) -> None:
    content = export(prose_report(), name)
    if name == "pdf":
        text = pdf_text(content)
    else:
        import docx

        text = " ".join(" ".join(item.text for item in docx.Document(io.BytesIO(content)).paragraphs).split())
    assert "Some bold, code and a link" in text
    for part in (
        "Findings",
        "1. first",
        "• nested",
        "2. second",
        "Quoted.",
        'print("<script>alert(1)</script>")',
    ):
        assert part in text
    assert "**" not in text


def test_prose_becomes_a_notebook_of_its_sections() -> None:
    cells = json.loads(export(prose_report(), "ipynb"))["cells"]
    assert [cell["source"][0].strip() for cell in cells] == [
        "# My own report",
        "Some **bold**, `code` and a [link](https://example.org/x), https://auto.example.",
        "## Findings",
        "## Sources",
        "## How this was made",
    ]


def test_prose_with_sources_of_its_own_gets_no_empty_list_of_ours() -> None:
    assert "None." not in markdown(prose_report("Text.\n\n## Sources\n\n- a book"))
