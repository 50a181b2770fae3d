"""Take the lines of a PDF's pages with their places, by pdfium; `layout` makes prose of them."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from .layout import Line, Sheet, arrange
from .parsed import PRODUCT, Composer, NoEvidence, Parsed, Unreadable, doi_in, storable, year_in

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfTextPage

#: pdfium's marks for a hyphen at the end of a line; the line ends there without a newline.
_HYPHENS: Final = "\x02\ufffe"
_LINE: Final = re.compile(rf"[^\r\n{_HYPHENS}]+[{_HYPHENS}]?")

#: What one PDF may say; a PDF beyond this is a dump of data.
_MAX_CHARS: Final = 20_000_000


def parse_pdf(data: bytes) -> Parsed:
    """Parse a PDF file."""
    if b"%PDF-" not in data[:1024]:
        raise Unreadable("not a PDF")
    document = _open(data)
    try:
        said = document.get_metadata_dict()
        if any(PRODUCT in said.get(key, "") for key in ("Creator", "Producer", "Keywords", "Subject")):
            raise NoEvidence
        sheets = list(_sheets(document))
    finally:
        document.close()
    return _parsed(sheets, said)


def _open(data: bytes) -> PdfDocument:
    try:
        import pypdfium2
        from pypdfium2 import raw
    except ImportError:
        raise Unreadable("the package pypdfium2 is not installed") from None
    try:
        return pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == raw.FPDF_ERR_PASSWORD or "password" in str(error).lower():
            raise Unreadable("encrypted") from None
        raise Unreadable("a damaged PDF") from None


def _parsed(sheets: list[Sheet], said: dict[str, str]) -> Parsed:
    if not sheets:
        raise Unreadable("a PDF without a page")
    composer = Composer()
    arranged = arrange(sheets)
    for block in arranged.blocks:
        composer.add(block.text, page=block.page, heading=block.heading, quotable=block.quotable)
    if not re.search(r"\w{2}", composer.text()):
        raise Unreadable("no text: scanned?")
    front = " ".join(line.text for sheet in sheets[:2] for line in sheet.lines)
    return Parsed(
        text=composer.text(),
        marks=tuple(composer.marks),
        title=_meaningful(said.get("Title", "")) or arranged.title,
        authors=tuple(
            name.strip() for name in re.split(r";|,| and ", said.get("Author", "")) if name.strip()
        ),
        year=year_in(said.get("CreationDate", "")[2:6]),
        doi=doi_in(front),
        pages=len(sheets),
    )


def _meaningful(title: str) -> str | None:
    title = title.strip()
    # Word processors leave their file's name there.
    nameless = re.search(
        r"\.(?:docx?|tex|dvi|pdf|indd|odt)$|^(?:untitled|microsoft word)", title, re.IGNORECASE
    )
    return None if nameless or len(title) < 4 else title


def _sheets(document: PdfDocument) -> Iterator[Sheet]:
    chars = 0
    for number in range(len(document)):
        page: Any = document[number]
        width, height = page.get_size()
        lines = tuple(_lines(page.get_textpage()))
        page.close()
        chars += sum(len(line.text) for line in lines)
        if chars > _MAX_CHARS:
            raise Unreadable(f"more than {_MAX_CHARS // 1_000_000} million characters of text")
        yield Sheet(number=number + 1, width=width, height=height, lines=lines)


def _lines(page: PdfTextPage) -> Iterator[Line]:
    text = page.get_text_range()
    exact = len(text) == page.count_chars()
    for match in _LINE.finditer(text):
        words = match[0].strip(f" \t{_HYPHENS}")
        if words:
            first = match.start() + len(match[0]) - len(match[0].lstrip(" \t"))
            yield _line(page, words, first, exact, hyphen=match[0][-1] in _HYPHENS)


def _line(page: PdfTextPage, words: str, first: int, exact: bool, *, hyphen: bool) -> Line:
    from pypdfium2 import raw

    handle = page.raw
    last = first + len(words) - 1
    if not exact:
        first = max(raw.FPDFText_GetCharIndexFromTextIndex(handle, first), 0)
        last = max(raw.FPDFText_GetCharIndexFromTextIndex(handle, last), first)
    box, end = raw.FS_RECTF(), raw.FS_RECTF()
    raw.FPDFText_GetLooseCharBox(handle, first, ctypes.byref(box))
    raw.FPDFText_GetLooseCharBox(handle, last, ctypes.byref(end))
    return Line(
        text=storable(words),
        left=box.left,
        right=max(end.right, box.left),
        top=box.top,
        bottom=box.bottom,
        size=round(box.top - box.bottom, 1),
        bold=raw.FPDFText_GetFontWeight(handle, first) >= 600,
        hyphen=hyphen,
    )
