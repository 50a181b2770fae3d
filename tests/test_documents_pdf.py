"""Hold what is read off the pages of a PDF: prose in its order, places, title and authors."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from test_documents_parsing import PROSE, passages_of, pdf_of, span_of

from jupyter_research.documents.parsing import Parsed, Unreadable, parse
from jupyter_research.documents.parsing.layout import Line, Sheet, paragraphs_of

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


@pytest.fixture(scope="module")
def paper() -> Parsed:
    return parse(pdf_of(PAPER), "pdf")


def test_an_encrypted_pdf_is_named() -> None:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf_of(PROSE))))
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
    assert (span_of(paper, "Alkaline").page, span_of(paper, "Alkaline").heading) == (1, "Abstract")
    last = span_of(paper, "SECOND SECTION ENDS")
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
    assert not any(words in passage for passage in passages_of(paper))


def test_running_heads_do_not_stand_in_the_text(paper: Parsed) -> None:
    assert "Byron and Babbage" not in paper.text and "Licensed" not in paper.text


def test_a_sentence_that_goes_on_over_a_column_or_page_is_whole(paper: Parsed) -> None:
    # The filler's sentences begin with a capital: a passage that does not was cut at a column or page.
    assert paper.pages is not None and len({mark.page for mark in paper.marks}) == paper.pages
    passages = passages_of(paper)
    assert [passage for passage in passages if passage[0].islower()] == []
    assert [passage for passage in passages if passage[-1] not in ".!?'"] == []


def test_parsing_is_the_same_each_time(tmp_path: Path) -> None:
    data = pdf_of(PAPER)
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
    assert span_of(parsed, "of page 3 is prose").heading == "4 Orbits of comets"


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
    return parse(pdf_of(HIDDEN), "pdf")


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
    assert not any(words in passage for passage in passages_of(preprint))


@pytest.mark.parametrize("words", ["We found that", "described long ago (Kepler, 1619)", "words of its own"])
def test_prose_beside_it_is_quoted(preprint: Parsed, words: str) -> None:
    assert any(words in passage for passage in passages_of(preprint))


def test_a_pdf_without_metadata_is_identified_by_its_first_page(preprint: Parsed) -> None:
    assert preprint.title == "On the tails of comets"
    assert preprint.authors == ("Ann Lee", "Bo K. Chu", "Cäcilie d’Orme")
    assert preprint.year == 2019


# What a PDF is called, and by whom


def _fronted(front: str, *, said: str = "", page: str = "") -> Parsed:
    """Parse a PDF with this at its head, an abstract and enough text to have a usual size."""
    head = f'#set document({said})\n#set page(paper: "a4", {page})\n#set text(size: 10pt)\n{front}\n'
    body = "\n= Abstract\nSmith (1994) published much in 1987. #lorem(60)\n= Introduction\n#lorem(300)\n"
    return parse(pdf_of(head + body), "pdf")


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
    parsed = parse(pdf_of(f"#set document({said})\n#lorem(200)"), "pdf")
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
    assert "Pulses of it, as a rule, and no rays." in passages_of(parsed)


def test_a_pdf_whose_fonts_do_not_name_their_letters_is_named() -> None:
    signs = "❡❢❣❤❥❦❧ ★☆☎☏☐☑ ☒☓☔☕ and x " * 40
    with pytest.raises(Unreadable, match="its fonts do not say which letters they draw"):
        parse(pdf_of(f'#set text(font: "DejaVu Sans Mono")\n{signs}'), "pdf")
