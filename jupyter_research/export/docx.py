"""Write a report as a Word document."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

from ..report import Citation, Claim, Report, Section, Source, Verdict
from . import blocks, layout, plain, prose, references

if TYPE_CHECKING:
    from docx.document import Document
    from docx.text.paragraph import Paragraph
    from docx.text.run import Run

_WEAK: Final = frozenset({Verdict.TERMS_MISSING, Verdict.UNCITED})
_SOFT: Final = (0x66, 0x63, 0x5B)
_GOOD: Final = (0x2C, 0x7A, 0x45)
_WARN: Final = (0xA0, 0x5A, 0x00)
_ACCENT: Final = (0x0B, 0x5F, 0x76)


def document(report: Report) -> Document:
    """Give the report as a python-docx document."""
    import docx

    result: Document = docx.Document()
    _style(result, report)
    result.add_heading(prose.title(report), level=0)
    if topic := prose.subtitle(report):
        _run(result.add_paragraph(), topic, color=_SOFT, italic=True)
    result.add_paragraph(layout.head_line(report))
    if legend := layout.legend(report):
        line = "   ".join(f"{sign} {meaning}" for sign, meaning in legend)
        _run(result.add_paragraph(), line, color=_SOFT, size=8.5)
    if report.markdown is not None:
        _prose(result, report)
    else:
        for section in layout.sections(report):
            _section(result, report, section)
    _passages(result, report)
    _end(result, report)
    return result


def _style(result: Document, report: Report) -> None:
    from docx.oxml.ns import qn
    from docx.shared import Mm, Pt, RGBColor

    properties = result.core_properties
    # Word takes 255 characters there, and refuses a file with more.
    properties.title, properties.author = prose.title(report)[:255], "jupyter_research"
    # By this word our own readers know that the file is no evidence.
    properties.keywords = "jupyter_research"
    properties.comments = f"Session {plain.one_line(report.session_id)}"[:255]
    page = result.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.left_margin = page.right_margin = Mm(27)
    page.top_margin = page.bottom_margin = Mm(25)
    normal: Any = result.styles["Normal"]
    normal.font.name, normal.font.size = "Georgia", Pt(11)
    normal.paragraph_format.line_spacing, normal.paragraph_format.space_after = 1.3, Pt(7)
    for name, size in (("Title", 22), ("Heading 1", 14)):
        style: Any = result.styles[name]
        style.font.name, style.font.size, style.font.bold = "Calibri", Pt(size), True
        style.font.color.rgb = RGBColor(0x21, 0x20, 0x1D)
        # The theme's font would win over the name.
        fonts = style.element.rPr.rFonts
        for key in [key for key in fonts.attrib if "Theme" in key]:
            del fonts.attrib[key]
        fonts.set(qn("w:ascii"), "Calibri")
        fonts.set(qn("w:hAnsi"), "Calibri")
    result.styles["Heading 1"].paragraph_format.space_before = Pt(18)
    result.styles["Heading 1"].paragraph_format.space_after = Pt(6)
    _page_numbers(page.footer.paragraphs[0])


def _page_numbers(paragraph: Paragraph) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    paragraph._p.append(field)


def _run(
    paragraph: Paragraph,
    text: str,
    *,
    color: tuple[int, int, int] | None = None,
    size: float | None = None,
    italic: bool = False,
) -> None:
    run = paragraph.add_run(plain.one_line(text) if text.strip() else text)
    run.italic = italic or None
    _colour(run, color, size)


def _colour(run: Run, color: tuple[int, int, int] | None, size: float | None) -> None:
    from docx.shared import Pt, RGBColor

    if color:
        run.font.color.rgb = RGBColor(*color)
    if size:
        run.font.size = Pt(size)


def _link(paragraph: Paragraph, text: str, *, address: str = "", anchor: str = "", size: float) -> None:
    """Append a link to a place on the web, or to a bookmark of the document."""
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    link = OxmlElement("w:hyperlink")
    if address:
        related = paragraph.part.relate_to(address, RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
        link.set(qn("r:id"), related)
    else:
        link.set(qn("w:anchor"), anchor)
    run = paragraph.add_run(plain.one_line(text))
    _colour(run, _ACCENT, size)
    run.underline = bool(address) or None
    link.append(run._r)
    paragraph._p.append(link)


def _bookmark(paragraph: Paragraph, number: int, name: str) -> None:
    """Make a paragraph a place that links lead to."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    for tag in ("w:bookmarkStart", "w:bookmarkEnd"):
        element = OxmlElement(tag)
        element.set(qn("w:id"), str(number))
        if tag == "w:bookmarkStart":
            element.set(qn("w:name"), name)
        paragraph._p.append(element)


def _number(paragraph: Paragraph, source: Source) -> None:
    """Append a source's number, which leads to where it is listed."""
    _link(paragraph, f"[{source.number}]", anchor=f"source-{source.number}", size=9.5)


def _section(result: Document, report: Report, section: Section) -> None:
    result.add_heading(layout.heading(section), level=1)
    for paragraph in layout.paragraphs(section):
        if paragraph.kind == "quotes":
            for claim in paragraph.claims:
                target = result.add_paragraph(style="List Bullet")
                _sentence(target, report, section, claim, plain.quoted(claim.text))
        elif paragraph.kind == "lines":
            _lines(result, report, section, paragraph.claims[0])
        else:
            target = result.add_paragraph()
            for claim in paragraph.claims:
                _sentence(target, report, section, claim, claim.text)
                _run(target, " ")


def _lines(result: Document, report: Report, section: Section, claim: Claim) -> None:
    texts = plain.blocks(claim.text)
    for number, block in enumerate(texts, 1):
        target = result.add_paragraph()
        for line in block[:-1]:
            target.add_run(line).add_break()
        target.add_run(block[-1])
        if number == len(texts):
            _tail(target, report, section, claim)


def _sentence(target: Paragraph, report: Report, section: Section, claim: Claim, text: str) -> None:
    _run(target, text)
    _tail(target, report, section, claim)


def _tail(target: Paragraph, report: Report, section: Section, claim: Claim) -> None:
    for citation, source in references.citations(report, claim):
        _glue(target)
        _number(target, source)
        if layout.is_quote(claim):
            _place(target, citation, source)
    if sign := layout.mark(report, section, claim):
        _glue(target)
        _run(target, sign, color=_WARN if claim.verdict in _WEAK else _GOOD, size=8)


def _glue(target: Paragraph) -> None:
    """Append a space at which no line breaks: a number or a mark never begins one."""
    target.add_run("\u00a0")


def _place(target: Paragraph, citation: Citation, source: Source) -> None:
    """Append where a passage stands, if that can be said."""
    sign, _, where = references.place(citation, source).partition(" ")
    for part in (sign, where):
        if part:
            _glue(target)
            _run(target, part, color=_SOFT, size=9)


def _prose(result: Document, report: Report) -> None:
    for block in blocks.blocks(prose.body(report)):
        if block.kind == "heading":
            target = result.add_heading(level=1 if block.level <= 2 else 2)
        else:
            target = result.add_paragraph(style="Quote" if block.kind == "quote" else None)
        if block.kind == "item":
            _indent(target, block)
        for number, cell in enumerate(block.cells):
            if number:
                target.add_run("\t")
            for run in cell:
                _prose_run(target, run)


def _indent(target: Paragraph, block: blocks.Block) -> None:
    from docx.shared import Mm

    target.paragraph_format.left_indent = Mm(6 * block.level)
    target.paragraph_format.first_line_indent = Mm(-6)
    target.paragraph_format.tab_stops.add_tab_stop(Mm(6 * block.level))
    target.add_run(f"{block.marker}\t")


def _prose_run(target: Paragraph, run: blocks.Run) -> None:
    written = target.add_run(run.text)
    written.bold, written.italic = run.bold or None, run.italic or None
    if run.code:
        written.font.name = "Consolas"
    if run.address and run.address != run.text:
        # Shown where it leads, so that no words of others can say that it leads elsewhere.
        _run(target, " ")
        _link(target, f"({run.address})", address=run.address, size=9)


def _passages(result: Document, report: Report) -> None:
    passages = layout.passages(report)
    if passages:
        result.add_heading(layout.PASSAGES, level=1)
    for citation, source in passages:
        target = result.add_paragraph()
        _number(target, source)
        _run(target, " ")
        _run(target, plain.quoted(citation.quote), size=9.5)
        _place(target, citation, source)


def _end(result: Document, report: Report) -> None:
    if limitations := layout.limitations(report):
        result.add_heading(layout.LIMITATIONS, level=1)
        for line in limitations:
            result.add_paragraph(line, style="List Bullet")
    if prose.lists_sources(report):
        result.add_heading(layout.SOURCES, level=1)
        for source in references.sources(report):
            _source(result.add_paragraph(), report, source)
    if not report.sources and prose.lists_sources(report):
        result.add_paragraph("None.")
    result.add_heading(layout.MADE, level=1)
    for label, value in layout.made(report):
        target = result.add_paragraph()
        _run(target, f"{label}:", size=9)
        _run(target, " ")
        _run(target, value, color=_SOFT, size=9)


def _source(target: Paragraph, report: Report, source: Source) -> None:
    _bookmark(target, source.number, f"source-{source.number}")
    _run(target, f"[{source.number}] {references.source_title(source)}", size=9.5)
    place, address = references.source_place(source), references.web_address(source)
    for text, leads in [(place, address), *references.linked_notes(report, source)]:
        if text:
            _run(target, ",", size=9.5)
            _run(target, " ")
            _link(target, text, address=leads, size=9.5) if leads else _run(target, text, size=9.5)


def render(report: Report) -> bytes:
    """Give the DOCX file."""
    target = io.BytesIO()
    document(report).save(target)
    return target.getvalue()
