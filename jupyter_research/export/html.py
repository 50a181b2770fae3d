"""Write a report as one HTML file that needs nothing else: no script, no network, no font."""

from __future__ import annotations

from functools import cache
from html import escape as escape_markup
from importlib.resources import files
from typing import Final

from ..report import Citation, Claim, Report, Section, Source, Verdict
from . import blocks, layout, plain, prose, references

#: Whatever should slip through an escape still could not run or fetch anything.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_WEAK: Final = frozenset({Verdict.TERMS_MISSING, Verdict.UNCITED})


@cache
def _style() -> str:
    return (files(__package__) / "report.css").read_text("utf-8")


def escape(text: str) -> str:
    """Give HTML that shows `text` as one line, without unseen characters."""
    return escape_markup(plain.one_line(text), quote=True)


def html(report: Report) -> str:
    """Give the report as a self-contained HTML document."""
    title = escape(prose.title(report))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="generator" content="jupyter_research">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{title}</title>\n<style>\n{_style()}</style>\n</head>\n<body>\n{body(report)}\n</body>\n</html>\n"
    )


def body(report: Report) -> str:
    """Give what stands in the document's body."""
    parts = [_header(report), "<main>"]
    if report.markdown is not None:
        parts.append(_prose(report))
    else:
        parts += [_section(report, section) for section in layout.sections(report)]
    parts += [_limitations(report), _sources(report), _made(report), "</main>"]
    return "\n".join(filter(None, parts))


def _header(report: Report) -> str:
    title, topic = escape(prose.title(report)), escape(prose.subtitle(report))
    shown = f'<p class="topic">{topic}</p>' if topic else ""
    items = "".join(f"<li>{escape(sign)} {escape(meaning)}</li>" for sign, meaning in layout.legend(report))
    legend = f'<ul class="legend">{items}</ul>' if items else ""
    honest = f'<p class="honest">{escape(layout.head_line(report))}</p>'
    return (
        f'<header>\n<p class="kind">Research report</p>\n<h1>{title}</h1>\n{shown}{honest}\n{legend}</header>'
    )


def _section(report: Report, section: Section) -> str:
    parts = [f"<section>\n<h2>{escape(layout.heading(section))}</h2>"]
    for paragraph in layout.paragraphs(section):
        claims = paragraph.claims
        if paragraph.kind == "quotes":
            items = (_claim(report, section, claim, plain.quoted(claim.text)) for claim in claims)
            parts.append(
                '<ul class="quotes">'
                + "\n".join(f'<li class="block">{item}</li>' for item in items)
                + "</ul>"
            )
        elif paragraph.kind == "lines":
            parts.append(_lines(report, section, claims[0]))
        else:
            sentences = " ".join(_claim(report, section, claim, claim.text) for claim in claims)
            parts.append(f'<p class="block">{sentences}</p>')
    return "\n".join([*parts, "</section>"])


def _prose(report: Report) -> str:
    """Give a text that is no claims: its form stays, what could do something is text."""
    reader = blocks.parser()
    tokens = reader.parse(prose.body(report))
    for token in blocks.everything(tokens):
        if token.tag == "h1":
            # There is one title, and it stands at the head.
            token.tag = "h2"
        elif token.type == "link_open" and not str(token.attrs["href"]).startswith("#"):
            token.attrs["rel"] = "noopener noreferrer nofollow"
        # Alignment of a table's cells comes as a style.
        token.attrs.pop("style", None)
    rendered: str = reader.renderer.render(tokens, reader.options, {})
    return f'<section class="prose">\n{rendered}</section>'


def _lines(report: Report, section: Section, claim: Claim) -> str:
    texts = ["<br>".join(escape(line) for line in block) for block in plain.blocks(claim.text)]
    if texts:
        texts[-1] += _tail(report, section, claim)
    return "\n".join(f'<p class="block">{text}</p>' for text in texts)


def _claim(report: Report, section: Section, claim: Claim, text: str) -> str:
    return f"{escape(text)}{_tail(report, section, claim)}"


def _tail(report: Report, section: Section, claim: Claim) -> str:
    cited = references.citations(report, claim)
    cites = [_citation(citation, source, claim) for citation, source in cited]
    sign = layout.mark(report, section, claim)
    meaning = escape(layout.meaning(claim))
    weak = " weak" if claim.verdict in _WEAK else ""
    shown = (
        f'<span class="mark{weak}" role="img" aria-label="{meaning}" title="{meaning}">{escape(sign)}</span>'
    )
    return "".join(f" {item}" for item in cites) + (f"&nbsp;{shown}" if sign else "")


def _citation(citation: Citation, source: Source, claim: Claim) -> str:
    """Give the number with what shows at hover and focus: the passage and its place."""
    # The sign never stands alone at the end of a line.
    place = escape(references.place(citation, source)).replace(" ", "&nbsp;", 1)
    where = ", ".join(filter(None, [escape(references.source_title(source)), place]))
    number = f'<a href="#source-{source.number}">[{source.number}]</a>'
    beside = f' <span class="places">{place}</span>' if place and layout.is_quote(claim) else ""
    return (
        f'<span class="cite">{number}{beside}<span class="pop" role="tooltip">'
        f'<span class="quote">{escape(plain.quoted(citation.quote))}</span>'
        f'<span class="where">{where} · {escape(layout.meaning(claim))}</span></span></span>'
    )


def _limitations(report: Report) -> str:
    items = "\n".join(f"<li>{escape(line)}</li>" for line in layout.limitations(report))
    return (
        f'<section>\n<h2>{layout.LIMITATIONS}</h2>\n<ul class="limitations">\n{items}\n</ul>\n</section>'
        if items
        else ""
    )


def _sources(report: Report) -> str:
    if not prose.lists_sources(report):
        return ""
    items = "\n".join(_source(report, source) for source in references.sources(report))
    listed = f'<ol class="sources">\n{items}\n</ol>' if items else "<p>None.</p>"
    return f'<section>\n<h2 id="sources">{layout.SOURCES}</h2>\n{listed}\n</section>'


def _source(report: Report, source: Source) -> str:
    place, address = escape(references.source_place(source)), references.web_address(source)
    if address:
        place = f'<a href="{escape(address)}" rel="noopener noreferrer nofollow">{place}</a>'
    elif place:
        place = f"<code>{place}</code>"
    notes = "".join(
        f', <span class="notes">{_note(*note)}</span>' for note in references.linked_notes(report, source)
    )
    middle = f", {place}" if place else ""
    return (
        f'<li id="source-{source.number}"><span class="number">[{source.number}]</span> '
        f"{escape(references.source_title(source))}{middle}{notes}</li>"
    )


def _note(note: str, address: str | None) -> str:
    if address is None:
        return escape(note)
    return f'<a href="{escape(address)}" rel="noopener noreferrer nofollow">{escape(note)}</a>'


def _made(report: Report) -> str:
    items = "\n".join(
        f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>" for label, value in layout.made(report)
    )
    return f'<section>\n<h2>{layout.MADE}</h2>\n<dl class="made">\n{items}\n</dl>\n</section>'


def render(report: Report) -> bytes:
    """Give the HTML file."""
    return html(report).encode("utf-8")
