"""Each format is opened with a reader of its own, with texts that try to be more than text."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import warnings
from datetime import date
from pathlib import Path

import pytest
from reports import HOSTILE, a_claim, hostile_report, plain_report

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


def test_an_empty_report_can_be_taken_away_in_every_format() -> None:
    for name in set(FORMATS) - {"bibtex"}:
        assert export(Report(title=""), name)
    assert export(Report(title=""), "bibtex") == b""


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
