"""Write down reports that a researcher of its own gave as Markdown."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace

import pytest
from reports import HOSTILE, PROSE, plain_report, prose_report
from test_export_paper import pdf_text

from jupyter_research.export import FORMATS, export, markdown
from jupyter_research.export.markdown import SIGNATURE
from jupyter_research.report import Source

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


@pytest.mark.parametrize("name", FORMATS)
def test_controls_that_part_words_part_them_in_every_format(name: str) -> None:
    content = export(prose_report("one\x1ftwo\n\n```\nthree\x1ffour\x0cfive\n```"), name)
    if name in ("markdown", "html"):
        assert "one two" in content.decode() and "three four" in content.decode()


def test_a_link_too_long_for_a_pdf_is_text_there() -> None:
    address = "https://example.org/" + "a" * 9000
    content = export(prose_report(f"[Here]({address}) and [there](https://example.org/b)."), "pdf")
    assert "Here and there." in pdf_text(content)
    source = Source(id="d", number=1, kind="web", title="Long", url=address, doi="10.1234/" + "b" * 9000)
    assert "[1]" in pdf_text(export(replace(plain_report(), sources=(source,)), "pdf"))


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
