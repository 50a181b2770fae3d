"""Make reports to try formats with: a plain one, one in which every text is hostile, one of prose."""

from __future__ import annotations

from typing import Any

from jupyter_research.report import Citation, Claim, Report, Section, Source, Verdict

HOSTILE = [
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    '"><svg/onload=alert(1)>',
    "[click](javascript:alert(1))",
    "![image](https://evil.example/pixel.png)",
    "<javascript:alert(1)>",
    "[ref]: javascript:alert(1)",
    "[ref][1] and [1]: https://evil.example",
    "&lt;script&gt; &#60;b&#62; &amp;",
    "# heading ## *bold* __strong__ ~~gone~~ `code` ```fence```",
    "| a | b | --- | --- |",
    "---",
    "1. one 2) two - three + four",
    "$x^2$ $$\\input{/etc/passwd}$$ \\(y\\) \\[z\\] \\begin{align} \\def\\a{\\a\\a}\\a",
    "$(touch /tmp/owned) `id` ${HOME} %s {} {{ jinja }}",
    '#read("/etc/passwd") #import "@preview/x:1.0.0" #eval("1") @label <label> //comment',
    "}, note = {owned}, @string{x = {y}} @comment{",
    "line one\nline two\r\n[9] Forged, /etc/passwd\n## Sources",
    "sep\u2028arator\u2029s \x0b\x0c\x1c\x85 here",
    "\u202eevil\u202c \u2066iso\u2069 \u200fmark \u061cmark",
    "nul \x00 bell \x07 escape \x1b[31m delete \x7f c1 \x9b31m",
    "\ud800 lone surrogate \ufffe nonchar \U000e0041 tag",
    "W" * 3000,
    "/".join(["very"] * 400),
    "日本語 العربية עברית हिन्दी 🧪 e\u0301",
    "",
    "   ",
]


def a_claim(number: int, text: str, source: str, **place: Any) -> Claim:
    """Give a claim that is a quote, as the default model makes them."""
    citation = Citation(source=source, start=0, end=len(text), quote=text, **place)
    return Claim(id=f"c{number}", text=text, verdict=Verdict.VERBATIM, citations=(citation,))


def plain_report() -> Report:
    """Give a small report of each kind of claim."""
    passage = "Requests that change state carry a cookie."
    cited = (Citation(source="w3", start=0, end=len(passage), quote=passage),)
    return Report(
        title="Evidence digest: tokens",
        session_id="5" * 32,
        topic="how are tokens kept?",
        sections=(
            Section(heading="Introduction", claims=(Claim(id="i", text="Two files were read."),)),
            Section(
                heading="How it works",
                claims=(
                    a_claim(1, "Tokens are stored as hashes.", "d1", page=3),
                    a_claim(2, "A token is shown once.", "d2", heading="Tokens"),
                    Claim(id="c3", text="Cookies guard it.", verdict=Verdict.TERMS_MATCH, citations=cited),
                    Claim(id="c4", text="All 7 do.", verdict=Verdict.TERMS_MISSING, citations=cited),
                    Claim(id="c5", text="That seems enough."),
                ),
            ),
        ),
        sources=(
            Source(
                id="d1",
                number=1,
                kind="pdf",
                title="Security {in} depth",
                path="papers/a_b.pdf",
                hash="sha256:" + "ab" * 32,
                authors=("Prado, Ana", "Simon and Sons"),
                year=2021,
                doi="10.1000/x_y",
            ),
            Source(id="d2", number=2, kind="python", title="tokens", path="src/__init__.py"),
            Source(id="w3", number=3, kind="web", title="Cookies", url="https://example.org/a?b=1&c=2"),
        ),
        limitations=("scan.pdf: no text: scanned?",),
        usage={"calls": 2},
        made={
            "date": "2026-01-01T00:00:00Z",
            "documents": 2,
            "version": "0.1.0",
            "folders": ["papers", "src"],
        },
    )


def hostile_report() -> Report:
    """Give a report in which every text of others is hostile."""
    quotes = tuple(a_claim(n, text, f"s{n}", heading=text) for n, text in enumerate(HOSTILE))
    prose = tuple(
        Claim(id=f"p{n}", text=text, verdict=Verdict.TERMS_MISSING, citations=quotes[n].citations)
        for n, text in enumerate([*HOSTILE[1:], HOSTILE[0]])
    )
    return Report(
        title=" ".join(HOSTILE[:6]),
        session_id="x",
        topic=HOSTILE[17],
        sections=(
            *(
                Section(heading=text, analyst=text, claims=quotes[n : n + 1])
                for n, text in enumerate(HOSTILE)
            ),
            Section(heading="Sources", claims=prose),
        ),
        sources=tuple(
            Source(
                id=f"s{n}",
                number=n + 1,
                kind=text,
                title=text,
                authors=(text, "A and B"),
                year=2020,
                doi=text,
                **({"url": text} if n % 3 == 0 else {"path": text}),
                hash=text,
            )
            for n, text in enumerate(HOSTILE)
        ),
        limitations=tuple(HOSTILE),
        usage={text: n for n, text in enumerate(HOSTILE)},
        made={f"{n} {text}": text for n, text in enumerate(HOSTILE)},
    )


PROSE = """# My *own* report

Some **bold**, `code` and a [link](https://example.org/x), <https://auto.example>.

## Findings

1. first
   - nested
2. second [bad](javascript:alert(1)), [entity](java&#115;cript:alert(1)), [data](data:text/html,x)

> Quoted.

| name | value |
|:--|--:|
| `a<b>` | 1 |

```python
print("<script>alert(1)</script>")
```

<script>alert(2)</script> and <b onclick=x>html</b> `<i>` ![pixel](https://evil.example/p.png)

<div>
block
</div>

[ref]: javascript:alert(3)
[ref] and <javascript:alert(4)> \u202eback \x1b[31m

\\def\\a{\\a\\a}\\a
"""


def prose_report(markdown: str = PROSE) -> Report:
    """Give a report as a plain function makes one."""
    return Report(title="why?", topic="why?", session_id="5" * 32, markdown=markdown)
