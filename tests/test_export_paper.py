"""Reports as PDF and as Word documents, each opened with a reader of its own."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from typing import Any

from reports import HOSTILE, plain_report
from test_export import hostile, shown

from jupyter_research.export import FORMATS, export

__all__ = ["hostile"]  # Fixtures.

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


def test_two_sources_of_one_number_stand_in_every_format() -> None:
    sources = tuple(replace(source, number=1) for source in plain_report().sources)
    report = replace(plain_report(), sources=sources)
    for name in FORMATS:
        assert export(report, name)
    assert "[1] tokens" in pdf_text(export(report, "pdf"))


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
