"""Hold what each format gives: text, places, titles; and what is refused with which words."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from jupyter_research.documents import sentences
from jupyter_research.documents.language import foreign_language
from jupyter_research.documents.parsing import NoEvidence, Parsed, Unreadable, parse
from jupyter_research.documents.parsing.archive import MAX_UNPACKED
from jupyter_research.documents.passages import Span, cut

PROSE = "The comet was seen in March. It had two tails, and nobody had predicted the second one."


def passages_of(parsed: Parsed) -> list[str]:
    return [parsed.text[span.start : span.end] for span in cut(parsed.text, parsed.marks)]


def span_of(parsed: Parsed, words: str) -> Span:
    return next(
        span for span in cut(parsed.text, parsed.marks) if words in parsed.text[span.start : span.end]
    )


def pdf_of(source: str) -> bytes:
    import typst

    return bytes(typst.compile(source.encode()))


# Formats whose stored text is the file's own


@pytest.mark.parametrize("kind", ["markdown", "text", "rst", "python"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_the_stored_text_of_text_formats_is_the_files_own(kind: str, newline: str) -> None:
    text = newline.join(["Title", "=====", "", f"é  {PROSE}", "", "\tand\fso on", ""])
    parsed = parse(text.encode(), kind)
    assert parsed.text == text
    assert any(PROSE in passage for passage in passages_of(parsed))


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
    assert span_of(parsed, "Before any").heading is None
    assert span_of(parsed, "Two tails").heading == "Tails"
    assert span_of(parsed, "# no heading").heading == "Tails"
    assert span_of(parsed, "nucleus").heading == "Setext one"
    assert span_of(parsed, "Last words").heading == "Setext one"
    assert not any("title:" in passage or "# Tails" in passage for passage in passages_of(parsed))


def test_comments_badges_and_link_targets_of_markdown_are_never_quoted() -> None:
    text = (
        "# Comets\n\n[![badge](b.svg)](http://ci) ![two](c.svg)\n\n"
        "See [them][sky]. <!-- a hidden\n\ncomment -->\n\nThe tail is ![drawn](t.png) here.\n\n"
        '[sky]: http://sky.example "Sky"\n\n## Tails\n\nThere are two.\n'
    )
    parsed = parse(text.encode(), "markdown")
    quoted = "\n".join(passages_of(parsed))
    assert quoted == "See [them][sky].\nThe tail is ![drawn](t.png) here.\nThere are two."
    assert span_of(parsed, "The tail").heading == "Comets" and span_of(parsed, "two").heading == "Tails"


def test_the_first_heading_is_the_title_without_its_markup() -> None:
    parsed = parse(b"# The `base_url` of *a* [server](http://x)\n\nText.", "markdown")
    assert parsed.title == "The base_url of a server"


def test_rst_headings_give_title_and_places() -> None:
    text = "=====\nTitle\n=====\n\nFirst words.\n\nSection\n-------\n\nSecond words.\n"
    parsed = parse(text.encode(), "rst")
    assert parsed.title == "Title"
    assert span_of(parsed, "First").heading == "Title"
    assert span_of(parsed, "Second").heading == "Section"


def test_python_passages_are_headed_by_their_function() -> None:
    parsed = parse(b'"""Say what it is."""\n\n\ndef orbit(x):\n    """Compute the orbit."""\n', "python")
    assert span_of(parsed, "Say what").heading is None
    assert span_of(parsed, "Compute").heading == "orbit"


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
    assert span_of(parsed, PROSE).heading == "Tails"
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
    assert (span_of(parsed, "We look").cell, span_of(parsed, "mean = 4.2").cell) == (0, 1)
    assert span_of(parsed, "the result").heading == "On comets"
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
        (pdf_of('#set document(keywords: ("jupyter_research",))\ncomets'), "pdf"),
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
    assert span_of(parsed, "one").cell == 1


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
    assert span_of(parsed, PROSE).heading == "On comets"
    assert span_of(parsed, "Dust and ions").heading == "Tails"
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
    assert span_of(parsed, "early words").heading == "First"


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
        (lambda: pdf_of("#rect(width: 2cm, height: 2cm)"), "pdf", r"no text: scanned\?"),
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
