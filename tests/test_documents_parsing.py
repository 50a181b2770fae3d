"""Hold what each format gives: text, places, titles; and what is refused with which words."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_research.documents import sentences
from jupyter_research.documents.language import foreign_language
from jupyter_research.documents.parsing import NoEvidence, Parsed, Unreadable, parse
from jupyter_research.documents.parsing.archive import MAX_UNPACKED
from jupyter_research.documents.parsing.layout import Line, Sheet, paragraphs_of
from jupyter_research.documents.passages import Span, cut

PROSE = "The comet was seen in March. It had two tails, and nobody had predicted the second one."

PAPER = r"""
#set document(title: "Slow light in warm vapour", author: ("Ada Byron", "Charles Babbage"))
#set page(paper: "a5", columns: 2, margin: 1.5cm,
  header: [Journal of Vapours, vol. 3 #h(1fr) Byron and Babbage],
  footer: context [Licensed under CC BY 4.0 #h(1fr) #counter(page).display()])
#set par(justify: true)
#set text(size: 9pt, hyphenate: true, lang: "en")
#place(top, scope: "parent", float: true)[
  #text(17pt)[*Slow light in warm vapour*]

  Ada Byron#super[1], Charles Babbage#super[2]

  #super[1]Department of Physics, University of Somewhere, ada\@some.edu

  #super[2]Institute of Engines, London
]
= Abstract
Alkaline vapours slow a pulse of light to a crawl. We measured the extraordinarily
counterintuitive transparency of rubidium, doi 10.1234/vapour.7, in one cell.
= Introduction
FIRST COLUMN BEGINS. #lorem(260) FIRST SECTION ENDS.
= Methods
SECOND SECTION BEGINS. #lorem(900) SECOND SECTION ENDS.
= Acknowledgements
We thank the vapour council for grant 12345.
= References
+ A. Smith. On light. Journal of Light, 3(4), 12--19, 2001.
+ B. Jones and C. Doe. On vapour. Proceedings of Vapour, 1999.
"""


def _passages(parsed: Parsed) -> list[str]:
    return [parsed.text[span.start : span.end] for span in cut(parsed.text, parsed.marks)]


def _where(parsed: Parsed, words: str) -> Span:
    return next(
        span for span in cut(parsed.text, parsed.marks) if words in parsed.text[span.start : span.end]
    )


def _pdf(source: str) -> bytes:
    import typst

    return bytes(typst.compile(source.encode()))


@pytest.fixture(scope="module")
def paper() -> Parsed:
    return parse(_pdf(PAPER), "pdf")


# Formats whose stored text is the file's own


@pytest.mark.parametrize("kind", ["markdown", "text", "rst", "python"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_the_stored_text_of_text_formats_is_the_files_own(kind: str, newline: str) -> None:
    text = newline.join(["Title", "=====", "", f"é  {PROSE}", "", "\tand\fso on", ""])
    parsed = parse(text.encode(), kind)
    assert parsed.text == text
    assert any(PROSE in passage for passage in _passages(parsed))


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252", "latin-1"]
)
def test_text_is_decoded_by_mark_or_by_guess(encoding: str) -> None:
    text = "Où est le café ? “Ici”, dit Zoë – enfin presque." if encoding != "latin-1" else "Où est le café ?"
    data = text.encode(encoding)
    if encoding == "utf-16-le":
        data = b"\xff\xfe" + data
    assert parse(data, "text").text == text


def test_a_few_broken_bytes_do_not_cost_the_rest_of_the_text() -> None:
    data = ("schöne grüße aus köln äöü " * 5).encode() + b"\xff end"
    text = parse(data, "text").text
    assert text.startswith("schöne grüße") and text.endswith("\ufffd end")


def test_an_encoding_declared_in_a_python_file_is_used() -> None:
    data = "# -*- coding: koi8-r -*-\n# Привет, комета\n".encode("koi8-r")
    assert "Привет, комета" in parse(data, "python").text


def test_text_in_an_unknown_encoding_is_named() -> None:
    with pytest.raises(Unreadable, match="unknown encoding"):
        parse("Комета видна ночью. ".encode("koi8-r") * 20, "text")


@pytest.mark.parametrize(
    "data", [b"\x7fELF\x02\x01\x00\x00" * 50, bytes(range(256)) * 20, b"\x89PNG\r\n\x1a\n\x00\x00"]
)
def test_binary_called_text_is_named(data: bytes) -> None:
    with pytest.raises(Unreadable, match="not text: binary"):
        parse(data, "text")


@pytest.mark.parametrize("data", [b"", b" \n\t ", b"\x00\x00"])
def test_an_empty_file_is_named_and_an_empty_module_is_not(data: bytes) -> None:
    with pytest.raises(Unreadable, match="empty"):
        parse(data, "text")
    with pytest.raises(NoEvidence):
        parse(data, "python")


def test_markdown_headings_give_title_and_places() -> None:
    text = (
        "---\ntitle: On comets\nauthor: Ann Lee, Bo Chu\ndate: 2021-04-05\n---\n\nBefore any heading.\n\n"
        "# Tails #\n\nTwo tails were seen.\n\n```\n# no heading\n```\n\n"
        "Setext one\n----------\n\nThe `nucleus` is dark.\n\n"
        "Prose above a rule\nof two lines\n---\n\nLast words.\n"
    )
    parsed = parse(text.encode(), "markdown")
    assert (parsed.title, parsed.authors, parsed.year) == ("On comets", ("Ann Lee", "Bo Chu"), 2021)
    assert _where(parsed, "Before any").heading is None
    assert _where(parsed, "Two tails").heading == "Tails"
    assert _where(parsed, "# no heading").heading == "Tails"
    assert _where(parsed, "nucleus").heading == "Setext one"
    assert _where(parsed, "Last words").heading == "Setext one"
    assert not any("title:" in passage or "# Tails" in passage for passage in _passages(parsed))


def test_comments_badges_and_link_targets_of_markdown_are_never_quoted() -> None:
    text = (
        "# Comets\n\n[![badge](b.svg)](http://ci) ![two](c.svg)\n\n"
        "See [them][sky]. <!-- a hidden\n\ncomment -->\n\nThe tail is ![drawn](t.png) here.\n\n"
        '[sky]: http://sky.example "Sky"\n\n## Tails\n\nThere are two.\n'
    )
    parsed = parse(text.encode(), "markdown")
    quoted = "\n".join(_passages(parsed))
    assert quoted == "See [them][sky].\nThe tail is ![drawn](t.png) here.\nThere are two."
    assert _where(parsed, "The tail").heading == "Comets" and _where(parsed, "two").heading == "Tails"


def test_the_first_heading_is_the_title_without_its_markup() -> None:
    parsed = parse(b"# The `base_url` of *a* [server](http://x)\n\nText.", "markdown")
    assert parsed.title == "The base_url of a server"


def test_rst_headings_give_title_and_places() -> None:
    text = "=====\nTitle\n=====\n\nFirst words.\n\nSection\n-------\n\nSecond words.\n"
    parsed = parse(text.encode(), "rst")
    assert parsed.title == "Title"
    assert _where(parsed, "First").heading == "Title"
    assert _where(parsed, "Second").heading == "Section"


def test_python_passages_are_headed_by_their_function() -> None:
    parsed = parse(b'"""Say what it is."""\n\n\ndef orbit(x):\n    """Compute the orbit."""\n', "python")
    assert _where(parsed, "Say what").heading is None
    assert _where(parsed, "Compute").heading == "orbit"


# Passages


def test_passages_are_of_about_a_thousand_characters_and_leave_no_prose_out() -> None:
    paragraphs = [f"Paragraph {number} says this. " + PROSE * 3 for number in range(60)]
    text = "\n\n".join(paragraphs)
    spans = cut(text, ())
    assert all(500 <= span.end - span.start <= 1500 for span in spans)
    assert all(any(one in text[span.start : span.end] for span in spans) for one in paragraphs)


def test_long_paragraphs_are_cut_between_sentences() -> None:
    text = " ".join(f"Sentence number {number} is here." for number in range(400))
    spans = cut(text, ())
    assert len(spans) > 5
    assert all(text[span.start] == "S" and text[span.end - 1] == "." for span in spans)


def test_a_line_of_a_megabyte_is_cut_all_the_same() -> None:
    spans = cut("x" * 1_000_000, ())
    assert max(span.end - span.start for span in spans) <= 2400


def test_passages_do_not_end_in_white_space() -> None:
    text = "\n\n  one  \n\n\n \t two \r\n\r\n"
    assert [text[span.start : span.end] for span in cut(text, ())] == ["one  \n\n\n \t two"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One is here. Two is there! Is three?", ["One is here.", "Two is there!", "Is three?"]),
        (
            "See Fig. 3 and Dr. Who et al. for i.e. this. Next.",
            ["See Fig. 3 and Dr. Who et al. for i.e. this.", "Next."],
        ),
        (
            "Restart it. `jupyter lab` shows it. See e.g. `one` too.",
            ["Restart it.", "`jupyter lab` shows it.", "See e.g. `one` too."],
        ),
        ("It cost 3.5 dollars. 7 people paid.", ["It cost 3.5 dollars.", "7 people paid."]),
        ("A heading\n\nA sentence. And\nanother one.", ["A heading", "A sentence.", "And\nanother one."]),
        ("- first item\n- second item\n1. third item", ["first item", "second item", "third item"]),
        ('He said "stop." Then he left.', ['He said "stop."', "Then he left."]),
        ("By J. R. R. Tolkien. It is long.", ["By J. R. R. Tolkien.", "It is long."]),
        ("", []),
        ("  \n\n ", []),
    ],
)
def test_sentences_are_found(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in sentences(text)] == expected
    assert [(start + 7, end + 7) for start, end in sentences(text)] == sentences(text, 7)


# HTML, notebooks, DOCX, EPUB


def test_html_gives_blocks_without_menus_and_scripts() -> None:
    page = f"""<html><head><title>On  comets</title><meta name="author" content="Ann Lee">
    <meta name="citation_doi" content="10.1/x"><meta name="citation_date" content="2020/01/02"></head><body>
    <nav>Menu entry</nav><script>var x = "script";</script><div hidden>hidden words</div>
    <h1>Comets <a class="headerlink">¶</a></h1><p>Some <b>bold</b> words,<br>and more.</p>
    <h2>Tails</h2><ul><li>{PROSE}</li><li>Second item</li></ul><pre>keep
   this</pre><footer>imprint</footer></body></html>"""
    parsed = parse(page.encode(), "html")
    assert parsed.title == "On comets"
    assert (parsed.authors, parsed.year) == (("Ann Lee",), 2020)
    assert "Some bold words, and more." in parsed.text
    assert "keep\n   this" in parsed.text
    assert _where(parsed, PROSE).heading == "Tails"
    for left_out in ("Menu", "script", "hidden", "imprint", "¶"):
        assert left_out not in parsed.text


def test_html_in_its_declared_encoding_and_nested_ten_thousand_deep() -> None:
    page = '<meta charset="iso-8859-1"><p>caf\xe9</p>'.encode("latin-1") + b"<div>" * 10_000 + b"deep down"
    assert parse(page, "html").text.split() == ["café", "deep", "down"]


def _notebook(cells: list[dict[str, Any]], **rest: Any) -> bytes:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells, **rest}).encode()


def _cell(source: str, kind: str = "code", **rest: Any) -> dict[str, Any]:
    return {"cell_type": kind, "source": source.splitlines(True), "metadata": {}, **rest}


def test_notebook_cells_and_their_text_outputs_carry_the_cells_index() -> None:
    output = {"output_type": "stream", "name": "stdout", "text": ["mean = 4.2\n"]}
    result = {"output_type": "execute_result", "data": {"text/plain": "'the result'", "image/png": "xxxx"}}
    error = {"output_type": "error", "traceback": ["boom"]}
    cells = [_cell("# On comets\n\nWe look.", "markdown"), _cell("x = 1", outputs=[output, result, error])]
    parsed = parse(_notebook(cells), "notebook")
    assert parsed.title == "On comets"
    assert (_where(parsed, "We look").cell, _where(parsed, "mean = 4.2").cell) == (0, 1)
    assert _where(parsed, "the result").heading == "On comets"
    assert "xxxx" not in parsed.text and "boom" not in parsed.text


def test_what_this_product_wrote_is_no_evidence() -> None:
    mime = "application/vnd.jupyter-research.session+json"
    ours = {"output_type": "display_data", "data": {mime: {}, "text/plain": "the report says comets"}}
    report = ["# Digest\n", "\n", "<!-- jupyter-research report -->\n", "\n", "“comets”"]
    shown = {"output_type": "execute_result", "data": {"text/markdown": report, "text/plain": report}}
    printed = {"output_type": "stream", "name": "stdout", "text": report}
    cells = [
        _cell("session.report", outputs=[shown]),
        _cell("print(session.report)", outputs=[printed]),
        _cell("%research what of comets?"),
        _cell("s = %research what of comets?"),
        _cell("%%research --ask\nwhat of comets?"),
        _cell("y = 2", outputs=[ours]),
        _cell("inserted comets", "markdown") | {"metadata": {"jupyter_research": {}}},
        _cell("my own words", "markdown"),
    ]
    parsed = parse(_notebook(cells), "notebook")
    assert "comets" not in parsed.text and "my own words" in parsed.text
    for data, kind in (
        (_notebook(cells, metadata={"jupyter_research": {"session": "x"}}), "notebook"),
        (b"# Digest\n\n<!-- jupyter-research report -->\n\ncomets", "markdown"),
        (b"# Digest\n\n<!-- jupyter-research report -->\n\ncomets", "text"),
        (b'<meta name="generator" content="jupyter_research"><p>comets', "html"),
        (_docx(keywords="jupyter_research"), "docx"),
        (_pdf('#set document(keywords: ("jupyter_research",))\ncomets'), "pdf"),
    ):
        with pytest.raises(NoEvidence):
            parse(data, kind)


def test_a_notebook_of_format_3_is_read() -> None:
    cells = [
        {"cell_type": "heading", "level": 1, "source": "Old comets"},
        {"cell_type": "code", "input": ["print(1)"], "outputs": [{"output_type": "stream", "text": ["one"]}]},
    ]
    data = json.dumps({"nbformat": 3, "metadata": {"name": ""}, "worksheets": [{"cells": cells}]}).encode()
    parsed = parse(data, "notebook")
    assert parsed.title == "Old comets"
    assert _where(parsed, "one").cell == 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"nbformat": 4, "cells": [', "broken JSON"),
        (b"[" * 100_000, "broken JSON"),
        (b"[]", "not a notebook"),
        (b'{"nbformat": 2, "worksheets": []}', "format 2"),
        (b'{"nbformat": 4, "cells": 7}', "no text"),
        (
            b'{"nbformat": 4, "cells": [null, 3, {"source": {"a": 1}, "outputs": [null, {"data": 3}]}]}',
            "no text",
        ),
    ],
)
def test_notebooks_that_are_none_are_named(data: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        parse(data, "notebook")


def test_a_half_of_a_surrogate_pair_does_not_get_into_a_text() -> None:
    text = parse(_notebook([_cell("left \ud800 right \x00 end", "markdown")]), "notebook").text
    assert text == "left \ufffd right \ufffd end"


def _docx(**core: str) -> bytes:
    import docx

    document = docx.Document()
    document.add_heading("On comets", 0)
    document.add_paragraph(PROSE)
    document.add_heading("Tails", 1)
    document.add_paragraph("Dust and\tions.")
    table = document.add_table(rows=1, cols=2)
    table.cell(0, 0).text, table.cell(0, 1).text = "left", "right"
    for name, value in core.items():
        setattr(document.core_properties, name, value)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def test_docx_gives_paragraphs_headings_and_tables() -> None:
    parsed = parse(_docx(author="Ann Lee; Bo Chu"), "docx")
    assert (parsed.title, parsed.authors) == ("On comets", ("Ann Lee", "Bo Chu"))
    assert _where(parsed, PROSE).heading == "On comets"
    assert _where(parsed, "Dust and ions").heading == "Tails"
    assert "left\tright" in parsed.text


def _zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def _epub(**chapters: bytes) -> bytes:
    items = "".join(f'<item id="{name}" href="text/{name}.xhtml"/>' for name in chapters)
    spine = "".join(f'<itemref idref="{name}"/>' for name in chapters)
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>'
        "<dc:title>A book</dc:title><dc:creator>Ann Lee</dc:creator><dc:date>1999-01-01</dc:date></metadata>"
        f"<manifest>{items}</manifest><spine>{spine}</spine></package>"
    )
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="book/package.opf"/></rootfiles></container>'
    )
    members = {"META-INF/container.xml": container.encode(), "book/package.opf": package.encode()}
    return _zip(members | {f"book/text/{name}.xhtml": data for name, data in chapters.items()})


def test_epub_gives_the_chapters_in_the_order_of_the_spine() -> None:
    data = _epub(b=b"<h1>Second</h1><p>later words</p>", a=b"<h1>First</h1><p>early words</p>")
    parsed = parse(data, "epub")
    assert (parsed.title, parsed.authors, parsed.year) == ("A book", ("Ann Lee",), 1999)
    assert parsed.text.index("later") < parsed.text.index("early")
    assert _where(parsed, "early words").heading == "First"


BOMB = b"<p>" + b" " * (MAX_UNPACKED + 1)
LAUGHS = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'


@pytest.mark.parametrize(
    ("make", "kind", "reason"),
    [
        (lambda: _zip({"word/document.xml": BOMB}), "docx", "unpacks to more than 64 MB"),
        (lambda: _epub(a=BOMB), "epub", "unpacks to more than 64 MB"),
        (lambda: _zip({"word/document.xml": LAUGHS}), "docx", "document type"),
        (lambda: _zip({"word/document.xml": b"<x"}), "docx", "not XML"),
        (lambda: _zip({"else": b""}), "docx", "not a DOCX file"),
        (lambda: _zip({"else": b""}), "epub", "not an EPUB file"),
        (lambda: b"no zip at all", "docx", "not a DOCX file"),
        (lambda: _docx()[:2000], "docx", "not a DOCX file"),
        (lambda: b"\xd0\xcf\x11\xe0 rest", "docx", "encrypted, or an old .doc"),
        (lambda: b"no PDF at all", "pdf", "not a PDF"),
        (lambda: b"%PDF-1.7\ngarbage", "pdf", "a damaged PDF"),
        (lambda: _pdf("#rect(width: 2cm, height: 2cm)"), "pdf", r"no text: scanned\?"),
    ],
)
def test_damaged_and_hostile_files_are_named(make: Callable[[], bytes], kind: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        parse(make(), kind)


def test_a_damaged_part_costs_no_more_than_itself() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(_docx())) as good, zipfile.ZipFile(buffer, "w") as damaged:
        for name in good.namelist():
            damaged.writestr(name, b"<broken" if name == "docProps/core.xml" else good.read(name))
    assert PROSE in parse(buffer.getvalue(), "docx").text


def test_an_encrypted_pdf_is_named() -> None:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(_pdf(PROSE))))
    writer.encrypt("secret", algorithm="RC4-128")
    buffer = io.BytesIO()
    writer.write(buffer)
    with pytest.raises(Unreadable, match="encrypted"):
        parse(buffer.getvalue(), "pdf")


# PDF


def test_a_pdf_gives_title_authors_and_pages(paper: Parsed) -> None:
    assert paper.title == "Slow light in warm vapour"
    assert paper.authors == ("Ada Byron", "Charles Babbage")
    assert paper.doi == "10.1234/vapour.7"
    assert paper.pages is not None and paper.pages >= 3


def test_a_pdfs_columns_are_in_reading_order(paper: Parsed) -> None:
    order = [
        "Alkaline vapours",
        "FIRST COLUMN",
        "FIRST SECTION ENDS",
        "SECOND SECTION BEGINS",
        "SECOND SECTION ENDS",
    ]
    found = [paper.text.index(words) for words in order]
    assert found == sorted(found)


def test_a_pdfs_passages_know_page_and_heading(paper: Parsed) -> None:
    assert (_where(paper, "Alkaline").page, _where(paper, "Alkaline").heading) == (1, "Abstract")
    last = _where(paper, "SECOND SECTION ENDS")
    assert last.page is not None and last.page > 1 and last.heading == "Methods"


def test_words_parted_at_the_end_of_a_line_are_whole_again(paper: Parsed) -> None:
    assert "extraordinarily counterintuitive transparency of rubidium" in paper.text
    assert not any(mark in paper.text for mark in "\x02\ufffe\xad")


@pytest.mark.parametrize(
    "words",
    [
        "Journal of Vapours",
        "Licensed under",
        "Department of Physics",
        "Institute of Engines",
        "vapour council",
        "On light",
        "Proceedings of Vapour",
        "Ada Byron",
    ],
)
def test_heads_feet_addresses_thanks_and_reference_lists_are_never_quoted(paper: Parsed, words: str) -> None:
    assert not any(words in passage for passage in _passages(paper))


def test_running_heads_do_not_stand_in_the_text(paper: Parsed) -> None:
    assert "Byron and Babbage" not in paper.text and "Licensed" not in paper.text


def test_a_sentence_that_goes_on_over_a_column_or_page_is_whole(paper: Parsed) -> None:
    # The filler's sentences begin with a capital: a passage that does not was cut at a column or page.
    assert paper.pages is not None and len({mark.page for mark in paper.marks}) == paper.pages
    passages = _passages(paper)
    assert [passage for passage in passages if passage[0].islower()] == []
    assert [passage for passage in passages if passage[-1] not in ".!?'"] == []


def test_parsing_is_the_same_each_time(tmp_path: Path) -> None:
    data = _pdf(PAPER)
    assert parse(data, "pdf") == parse(data, "pdf")


def _drawn(pages: list[list[tuple[float, float, float, str]]]) -> bytes:
    """Make a PDF by hand: each line at x, y in a size, written in the order given."""
    from pypdf import PdfWriter
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = PdfWriter()
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    for lines in pages:
        page = writer.add_blank_page(612, 792)
        stream = DecodedStreamObject()
        shown = "\n".join(f"/F1 {size} Tf 1 0 0 1 {x} {y} Tm ({text}) Tj" for x, y, size, text in lines)
        stream.set_data(f"BT\n{shown}\nET".encode())
        page[NameObject("/Contents")] = writer._add_object(stream)
        fonts = DictionaryObject({NameObject("/F1"): writer._add_object(font)})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def test_columns_that_were_written_row_by_row_are_read_one_after_the_other() -> None:
    rows = []
    for number in range(20):
        rows.append((50, 650 - 12 * number, 9, f"left {number} has words that fill its column"))
        rows.append((320, 650 - 12 * number, 9, f"right {number} has words that fill it too"))
    text = parse(
        _drawn([[(50, 700, 9, "One line goes over both of the columns of this page and more"), *rows]]), "pdf"
    ).text
    found = [text.index(words) for words in ("One line", "left 0", "left 19", "right 0", "right 19")]
    assert found == sorted(found)
    assert "column left 1 has" in text and "too right 1 has" in text


def test_ligatures_become_letters() -> None:
    line = Line(text="the ﬁrst eﬃcient ﬂow", left=50, right=200, top=700, bottom=690, size=10)
    (paragraph,) = paragraphs_of([Sheet(number=1, width=612, height=792, lines=(line,))])
    assert paragraph.text == "the first efficient flow"


def test_a_gap_in_a_line_or_two_is_no_column() -> None:
    lines = [
        (50, 700 - 12 * row, 9, f"Line {row} of prose goes over the whole width of the page, as it does.")
        for row in range(20)
    ]
    text = parse(_drawn([[*lines, (50, 400, 9, "Apples"), (400, 400, 9, "12 kg")]]), "pdf").text
    assert "Apples 12 kg" in text


def test_heads_with_the_pages_number_are_left_out_though_their_words_change() -> None:
    pages = []
    for number in range(6):
        head = (50, 760, 9, f"Chapter {number // 2}: Of things {number + 11}")
        prose = [
            (50, 600 - 12 * row, 9, f"Page {number} says in line {row} what it has to say.")
            for row in range(9)
        ]
        pages.append([head, *prose])
    text = parse(_drawn(pages), "pdf").text
    assert "Chapter" not in text and text.count("what it has to say") == 54


def test_a_large_heading_at_the_top_of_a_page_is_kept_though_its_number_fits() -> None:
    pages = []
    for number, name in enumerate(("Dust", "Ions", "Gas", "Orbits", "Names", "Ends")):
        lines = [(50, 740, 16, f"{number + 1} {name} of comets"), (300, 40, 9, str(number + 1))]
        pages.append(
            lines + [(50, 600 - 12 * row, 9, f"Line {row} of page {number} is prose.") for row in range(9)]
        )
    parsed = parse(_drawn(pages), "pdf")
    assert _where(parsed, "of page 3 is prose").heading == "4 Orbits of comets"


HIDDEN = r"""
#set page(footer: context [Preprint. Under review. #h(1fr) #counter(page).display()])
#set text(size: 10pt)
#text(18pt)[*On the tails of comets*]

Ann Lee, Bo K. Chu and Cäcilie d'Orme

Faculty of Skies, University of Nowhere. Correspondence to: ann\@nowhere.edu

#text(weight: "bold")[Abstract] #h(1em) Comets have tails. We found that the tails point away from the sun.

Keywords: comets, tails, sun

= 1 Introduction
The tail of a comet was described long ago (Kepler, 1619) and measured in 1951 by Biermann. #lorem(80)

© 2019 The Authors. This is an open access article under the CC BY license.

Acknowledgements. We thank the observers and the Sky Foundation for grant 77.

= References
Biermann, L. (1951). Kometenschweife und solare Korpuskularstrahlung. Zeitschrift, 29, 274--286.

#text(weight: "bold")[Kepler, J.] De cometis libelli tres. Augsburg, 1619.

Lee, A., and Chu, B. K. (2018). More on tails. arXiv preprint arXiv:1801.00001.

= A Appendix
The appendix holds words of its own. #lorem(40)
"""


@pytest.fixture(scope="module")
def preprint() -> Parsed:
    return parse(_pdf(HIDDEN), "pdf")


@pytest.mark.parametrize(
    "words",
    [
        "Faculty",
        "nowhere.edu",
        "Keywords",
        "open access",
        "Sky Foundation",
        "Zeitschrift",
        "De cometis",
        "arXiv",
        "Under review",
        "Cäcilie",
    ],
)
def test_what_surrounds_prose_is_never_quoted(preprint: Parsed, words: str) -> None:
    assert not any(words in passage for passage in _passages(preprint))


@pytest.mark.parametrize("words", ["We found that", "described long ago (Kepler, 1619)", "words of its own"])
def test_prose_beside_it_is_quoted(preprint: Parsed, words: str) -> None:
    assert any(words in passage for passage in _passages(preprint))


def test_a_pdf_without_metadata_is_identified_by_its_first_page(preprint: Parsed) -> None:
    assert preprint.title == "On the tails of comets"
    assert preprint.authors == ("Ann Lee", "Bo K. Chu", "Cäcilie d’Orme")
    assert preprint.year == 2019


# What a PDF is called, and by whom


def _fronted(front: str, *, said: str = "", page: str = "") -> Parsed:
    """Parse a PDF with this at its head, an abstract and enough text to have a usual size."""
    head = f'#set document({said})\n#set page(paper: "a4", {page})\n#set text(size: 10pt)\n{front}\n'
    body = "\n= Abstract\nSmith (1994) published much in 1987. #lorem(60)\n= Introduction\n#lorem(300)\n"
    return parse(_pdf(head + body), "pdf")


TWO_LINES = """#align(center, text(17pt)[*Slow light in a cell \\ of warm vapour*])
#align(center)[Ada Byron and Charles Babbage]
"""


def test_a_title_of_two_lines_is_whole() -> None:
    assert _fronted(TWO_LINES).title == "Slow light in a cell of warm vapour"


@pytest.mark.parametrize("said", ["Template for authors", "paper-final-v3", "Journal of Vapours 12"])
def test_the_first_page_goes_before_what_the_file_says(said: str) -> None:
    parsed = _fronted(TWO_LINES, said=f'title: "{said}", author: "Office Account"')
    assert parsed.title == "Slow light in a cell of warm vapour"
    assert parsed.authors == ("Ada Byron", "Charles Babbage")


def test_what_the_file_says_is_taken_where_the_page_confirms_it() -> None:
    front = """#text(17pt)[Slow light:]

#text(12pt)[A study of vapours]
"""
    said = 'title: "Slow light: A study of vapours"'
    assert _fronted(front, said=said).title == "Slow light: A study of vapours"
    assert _fronted(front, said='title: "Slow light: The sequel"').title == "Slow light:"


def test_what_the_file_says_is_taken_where_the_page_says_nothing() -> None:
    said = 'title: "Slow light", author: ("Ada Byron", "Charles Babbage")'
    parsed = parse(_pdf(f"#set document({said})\n#lorem(200)"), "pdf")
    assert (parsed.title, parsed.authors) == ("Slow light", ("Ada Byron", "Charles Babbage"))


@pytest.mark.parametrize(
    "front",
    [
        "#text(24pt)[Journal of Vapours]\n\n#text(17pt)[Slow light]\n",
        "#text(17pt)[Slow light]\n\n#v(1cm)\n#text(20pt)[∑ ∏ ∫]\n",
        "#text(20pt)[Original Article]\n\n#text(17pt)[Slow light]\n",
        "#align(center)[SLOW LIGHT]\n\n#align(center)[ADA BYRON]\n",
    ],
)
def test_a_banner_or_a_sign_is_no_title(front: str) -> None:
    title = _fronted(front).title
    assert title is not None and title.title() == "Slow Light"


def test_a_title_may_begin_like_a_section() -> None:
    title = "Introduction to slow light"
    assert _fronted(f"#text(17pt)[{title}]\n\nby Ada Byron\n").title == title


@pytest.mark.parametrize(
    "byline",
    [
        "by Ada Byron and Charles Babbage",
        "ADA BYRON, CHARLES BABBAGE",
        "#set super(typographic: false)\nAda Byron#super[a,\\*], Charles Babbage#super[b]\n\nETH Zurich",
        "Ada Byron #h(3cm) Charles Babbage\n\nUniversität Wien #h(3cm) Institut für Dampf",
        "Ada Byron\\ Analytical Society of London\\ ada\\@some.edu\n\nCharles Babbage\\ Royal Institute",
    ],
)
def test_authors_are_read_however_they_stand(byline: str) -> None:
    parsed = _fronted(f"#text(17pt)[Slow light in warm vapour]\n\n{byline}\n")
    assert parsed.authors == ("Ada Byron", "Charles Babbage")


def test_a_year_in_the_text_is_not_the_papers_own() -> None:
    dated = _fronted(
        TWO_LINES + "#align(center)[March 2011]\n", said="date: datetime(year: 2023, month: 1, day: 2)"
    )
    assert dated.year == 2011
    undated = _fronted(TWO_LINES, said="date: datetime(year: 2023, month: 1, day: 2)")
    assert undated.year == 2023


def test_a_footnote_is_quoted_without_its_number() -> None:
    parsed = _fronted(
        TWO_LINES + "\n= Abstract\nLight#footnote[Pulses of it, as a rule, and no rays.] is slow.\n"
    )
    assert "Pulses of it, as a rule, and no rays." in _passages(parsed)


def test_a_pdf_whose_fonts_do_not_name_their_letters_is_named() -> None:
    signs = "❡❢❣❤❥❦❧ ★☆☎☏☐☑ ☒☓☔☕ and x " * 40
    with pytest.raises(Unreadable, match="its fonts do not say which letters they draw"):
        parse(_pdf(f'#set text(font: "DejaVu Sans Mono")\n{signs}'), "pdf")


# Languages


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (None, "The mill pond fills through a sluice when the tide comes in, and it is the water "
               "that turns the wheel "
               "of the mill until the tide is low again in the evening of that day."),
        ("German", "Der Teich der Mühle füllt sich durch ein Tor, wenn die Flut kommt, und es ist "
                   "das Wasser, das "
                   "dann das Rad der Mühle dreht, bis die Flut am Abend des Tages wieder nicht mehr da ist."),
        ("French", "Le bassin du moulin se remplit par une vanne et la roue est tournée par les "
                   "eaux de la mer qui "
                   "sont dans le bassin, et il ne se vide pas avant le soir dans les jours de la lune."),
        ("Chinese", "潮汐磨坊是由潮汐的涨落驱动的水磨。当潮水涨起时，磨坊的池塘通过闸门注满水。"),
        (None, "short"),
    ],
)  # fmt: skip
def test_a_language_other_than_english_is_recognised(language: str | None, text: str) -> None:
    assert foreign_language(text) == language
