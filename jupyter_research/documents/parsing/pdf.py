"""Take the lines of a PDF's pages with their places, by pdfium; `layout` and `matter` make prose of them."""

from __future__ import annotations

import ctypes
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from .front import ends, identify
from .layout import Line, Sheet
from .matter import arrange
from .parsed import PRODUCT, Composer, NoEvidence, Parsed, Unreadable, storable

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfTextPage

#: pdfium's marks for a hyphen at the end of a line; the line ends there without a newline.
_HYPHENS: Final = "\x02\ufffe"
_LINE: Final = re.compile(rf"[^\r\n{_HYPHENS}]+[{_HYPHENS}]?")

#: Old fonts of TeX do not say which letters they draw: these are the places that ligatures, quotes, dashes
#: and bullets have in them, where no text has a letter.
_PLACES: Final = str.maketrans(
    {
        "\x1b": "ff", "\x1c": "fi", "\x1d": "fl", "\x1e": "ffi", "\x1f": "ffl", "\x88": "•",
        "\x10": "“", "\x11": "”", "\x12": "„", "\x13": "«", "\x14": "»", "\x15": "–", "\x16": "—",
    }
)  # fmt: skip

#: Into how many parts a line is divided to measure it.
_SAMPLES: Final = 8

#: In how many lines of a first page a byline may stand.
_FRONT: Final = 60

#: What one PDF may say; a PDF beyond this is a dump of data.
_MAX_CHARS: Final = 20_000_000


def parse_pdf(data: bytes) -> Parsed:
    """Parse a PDF file."""
    if b"%PDF-" not in data[:1024]:
        raise Unreadable("not a PDF")
    with opened(data) as document:
        said = document.get_metadata_dict()
        if any(PRODUCT in said.get(key, "") for key in ("Creator", "Producer", "Keywords", "Subject")):
            raise NoEvidence
        sheets = list(sheets_of(document))
    return _parsed(sheets, said)


@contextmanager
def opened(data: bytes) -> Iterator[PdfDocument]:
    """Open the bytes of a PDF."""
    document = _open(data)
    try:
        yield document
    finally:
        document.close()


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
    for block in arrange(sheets):
        composer.add(block.text, page=block.page, heading=block.heading, quotable=block.quotable)
    if _is_cipher(composer.text()):
        raise Unreadable("no text that can be read: its fonts do not say which letters they draw")
    if not re.search(r"\w{2}", composer.text()):
        raise Unreadable("no text: scanned?")
    front = identify(sheets, said)
    return Parsed(
        text=composer.text(),
        marks=tuple(composer.marks),
        title=front.title,
        authors=front.authors,
        year=front.year,
        doi=front.doi,
        pages=len(sheets),
    )


def _is_cipher(text: str) -> bool:
    """Tell a text whose letters came out as pictures, a few words of code aside."""
    signs = sum(unicodedata.category(character) in ("So", "Co", "Cn") for character in text)
    return 2 * signs > sum(not character.isspace() for character in text) > 0


def sheets_of(document: PdfDocument) -> Iterator[Sheet]:
    """Take the pages, one by one; raise `Unreadable` for one that says more than any document does."""
    chars = 0
    for number in range(1, len(document) + 1):
        sheet = _sheet(document, number)
        chars += sum(len(line.text) for line in sheet.lines)
        if chars > _MAX_CHARS:
            raise Unreadable(f"more than {_MAX_CHARS // 1_000_000} million characters of text")
        yield sheet


def _sheet(document: PdfDocument, number: int) -> Sheet:
    """Take one page; a damaged one is empty, and costs no other."""
    from pypdfium2 import PdfiumError

    try:
        page: Any = document[number - 1]
        width, height = page.get_size()
        lines = _lines(page.get_textpage(), width / 2, front=number == 1)
        page.close()
    except PdfiumError:
        return Sheet(number=number, width=0, height=0, lines=())
    return Sheet(number=number, width=width, height=height, lines=tuple(lines))


def _lines(page: PdfTextPage, middle: float, *, front: bool) -> list[Line]:
    text = page.get_text_range()
    exact = len(text) == page.count_chars()
    found = [_Stretch(page, text, *match.span(), exact=exact) for match in _LINE.finditer(text)]
    found = [stretch for stretch in found if stretch.words]
    halves = {number: parts for number, one in enumerate(found) if (parts := one.parted(middle))}
    # Two columns written row by row; a gap in one line or another is a table's, or a heading's.
    if len(halves) < max(5, len(found) // 4):
        halves = {}
    stretches = [part for number, one in enumerate(found) for part in halves.get(number, (one,))]
    # Names that stand side by side have but their distance between them.
    until = next((n for n, one in enumerate(stretches) if ends(one.words)), _FRONT) if front else 0
    return [one.line(apart=number < until) for number, one in enumerate(stretches)]


def _spelt(text: str) -> str:
    return storable(text).translate(_PLACES)


class _Stretch:
    """Look at one line of a text page."""

    def __init__(self, page: PdfTextPage, text: str, start: int, stop: int, *, exact: bool) -> None:
        self._page = page
        self._text = text
        self._exact = exact
        self._hyphen = text[stop - 1] in _HYPHENS
        while start < stop and text[start].isspace():
            start += 1
        while stop > start and (text[stop - 1].isspace() or text[stop - 1] in _HYPHENS):
            stop -= 1
        self._start, self._stop = start, stop
        self.words = text[start:stop]

    def line(self, *, apart: bool) -> Line:
        """Give the line with its place, its size that of most of it."""
        places = [self._start + (len(self.words) - 1) * part // _SAMPLES for part in range(_SAMPLES + 1)]
        boxes = [self._box(place) for place in places]
        first, last = boxes[0], boxes[-1]
        # A word in another font, a bullet or a raised figure must not stand for the line.
        usual = sorted(boxes, key=lambda box: float(box.top - box.bottom))[len(boxes) // 2]
        weights = (self._weight(self._start), self._weight(self._stop - 1))
        return Line(
            text=_spelt(self.words),
            left=first.left,
            right=max(last.right, first.left),
            top=usual.top,
            bottom=usual.bottom,
            size=round(usual.top - usual.bottom, 1),
            bold=min(weights) >= 600,
            hyphen=self._hyphen,
            apart=_spelt(self._apart(usual.top - usual.bottom)) if apart else "",
        )

    def _apart(self, size: float) -> str:
        """Give the words with tabs where a gap is wide, or a letter is raised."""
        parts: list[str] = []
        for at, character in enumerate(self.words, self._start):
            if character == " " and self._box(at + 1).left - self._box(at - 1).right > size:
                character = "\t"
            elif character.islower() and parts and self._size(at) < 0.8 * self._size(self._start):
                parts.append("" if parts[-1].isspace() else "\t")
            parts.append(character)
        return "".join(parts)

    def parted(self, middle: float) -> tuple[_Stretch, _Stretch] | None:
        """Give the halves of a line that a gutter in the middle of the page parts."""
        box = self._box(self._start)
        if box.left > middle or self._box(self._stop - 1).right < middle:
            return None
        low, high = self._start, self._stop - 1
        while low < high:
            at = (low + high) // 2
            low, high = (low, at) if self._box(at).left >= middle else (at + 1, high)
        gap = self._text.rfind(" ", self._start, low)
        if gap <= self._start or self._box(gap + 1).left < middle:
            return None
        wide = self._box(gap + 1).left - self._box(gap - 1).right
        if wide < 1.2 * (box.top - box.bottom):
            return None
        left = _Stretch(self._page, self._text, self._start, gap, exact=self._exact)
        right = _Stretch(self._page, self._text, gap + 1, self._stop, exact=self._exact)
        right._hyphen = self._hyphen
        return left, right

    def _char(self, at: int) -> int:
        from pypdfium2 import raw

        return at if self._exact else max(raw.FPDFText_GetCharIndexFromTextIndex(self._page.raw, at), 0)

    def _box(self, at: int) -> Any:
        from pypdfium2 import raw

        box = raw.FS_RECTF()
        raw.FPDFText_GetLooseCharBox(self._page.raw, self._char(at), ctypes.byref(box))
        return box

    def _size(self, at: int) -> float:
        from pypdfium2 import raw

        return float(raw.FPDFText_GetFontSize(self._page.raw, self._char(at)))

    def _weight(self, at: int) -> int:
        from pypdfium2 import raw

        return int(raw.FPDFText_GetFontWeight(self._page.raw, self._char(at)))
