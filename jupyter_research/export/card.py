"""Write a session down as the output of a cell: for the labextension, and for whoever has none.

Pure: a snapshot goes in, a bundle comes out. The bundle is ordinary output, so a saved notebook shows
it without a kernel, a server or this package.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any

from ..events import Snapshot, State, phase, utc_now
from ..report import Claim, Report, Section
from ..work import LOCAL
from . import layout, plain, references

MIME = "application/vnd.jupyter-research.session+json"
SCHEMA = 1

#: What is said wherever a session works in the kernel.
IN_KERNEL = "Runs in this kernel; restarting it interrupts it."


def bundle(
    snapshot: Snapshot, *, where: str, report: Report | None = None, markdown: str = ""
) -> dict[str, Any]:
    """Give the output of a session.

    Args:
        snapshot: the state to show.
        where: "server" or "kernel".
        report: the report, where it is finished.
        markdown: the same as Markdown.
    """
    session = {
        "schema": SCHEMA,
        "session_id": snapshot["session_id"],
        "snapshot": snapshot,
        "as_of": utc_now(),
        "where": where,
    }
    # Once it has ended, a restart takes nothing away, and nothing can have gone on.
    finished = State(snapshot["state"]).finished
    note = IN_KERNEL if where == "kernel" and not finished else ""
    result = {
        MIME: session,
        "text/html": "".join(_html(snapshot, [] if finished else [note, _as_of(session["as_of"])], report)),
        "text/plain": f"{line(snapshot)} {note}".rstrip(),
    }
    return {**result, "text/markdown": markdown} if markdown else result


def start_bundle(body: Mapping[str, Any]) -> dict[str, Any]:
    """Give the output of a session that only the browser can start."""
    sentence = (
        "This server takes only a password, which the kernel does not have: press Start in JupyterLab, or "
        "set JUPYTER_RESEARCH_TOKEN."
    )
    return {
        MIME: {"schema": SCHEMA, "start": dict(body)},
        "text/html": f"<p><b>{escape(str(body['topic']))}</b></p><p>{escape(sentence)}</p>",
        "text/plain": f"{body['topic']}: {sentence}",
    }


def _as_of(time: str) -> str:
    """Say what a page cannot know that nobody updates any more: a saved one, or one on a web site."""
    return f"As of {time[:10]} {time[11:16]} UTC; the session may have gone on."


def hidden(session_id: str) -> str:
    """Give the style that hides the page of a session where a widget shows it."""
    return f'.jr-saved[data-session-id="{session_id}"] {{ display: none; }}'


def line(snapshot: Snapshot) -> str:
    """Give one line for a terminal."""
    message = _what_happens(snapshot)
    text = f"[{snapshot['session_id'][:8]}] {phase(snapshot)}: {snapshot['topic']}"
    # A terminal would obey what is no text.
    return plain.one_line(text + (f" ({message})" if message else ""))


def ago(time: str, now: str | None = None) -> str:
    """Say how long ago a time of the log was: "3 days ago"."""
    from datetime import datetime

    then, present = (datetime.fromisoformat(text.replace("Z", "+00:00")) for text in (time, now or utc_now()))
    seconds = int((present - then).total_seconds())
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count = seconds // length
        if count:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def _what_happens(snapshot: Snapshot) -> str:
    if snapshot["error"]:
        return str(snapshot["error"]["message"])
    if snapshot["state"] == State.AWAITING_APPROVAL.value:
        return str(snapshot.get("question") or "waits for approval")
    if snapshot["state"] == State.COMPLETED.value and not snapshot["report_available"]:
        return " ".join(snapshot["limitations"])
    return "" if State(snapshot["state"]).finished else str(snapshot["message"] or "")


def _html(snapshot: Snapshot, notes: Iterable[str], report: Report | None) -> Iterator[str]:
    yield (
        f'<div class="jr-saved" data-session-id="{escape(snapshot["session_id"])}" '
        f'data-state="{escape(snapshot["state"])}" data-seq="{snapshot["last_seq"]}">'
    )
    # The title of a report says the topic.
    topic = f"<b>{escape(snapshot['topic'])}</b><br>" if report is None else ""
    yield f"<p>{topic}{escape(phase(snapshot))}"
    happens = _what_happens(snapshot)
    yield f": {escape(happens)}</p>" if happens else "</p>"
    if snapshot["owner"] not in (None, LOCAL):
        # A guest of somebody's server who ran the cell sees whose session it is.
        yield f"<p><small>Belongs to {escape(snapshot['owner'])}.</small></p>"
    if report is None:
        yield from _progress(snapshot)
    for note in filter(None, notes):
        yield f"<p><small>{escape(note)}</small></p>"
    if report is not None:
        yield from _report_html(report)
    yield "</div>"


def _progress(snapshot: Snapshot) -> Iterator[str]:
    if snapshot["total"] and not State(snapshot["state"]).finished:
        yield _bar(snapshot["done"], snapshot["total"], "progress of the session")
    for analyst in snapshot["analysts"]:
        name = escape(f"{analyst['name']}, {analyst['role']}" if analyst["role"] else str(analyst["name"]))
        bar = _bar(analyst["done"], analyst["total"], f"progress of {analyst['name']}")
        yield f"<div>{bar if analyst['total'] else ''} {name}: {escape(str(analyst['state']))}</div>"


def _bar(done: float | None, total: float | None, label: str) -> str:
    return (
        f'<progress role="progressbar" aria-label="{escape(label)}" value="{done or 0:g}" '
        f'max="{total or 1:g}"></progress>'
    )


def _report_html(report: Report) -> Iterator[str]:
    yield f"<h2>{escape(layout.title(report))}</h2><p><i>{escape(layout.head_line(report))}</i></p>"
    if report.markdown is not None:
        yield f'<div style="white-space: pre-wrap">{escape(plain.visible(report.markdown))}</div>'
    else:
        for section in report.sections:
            yield f"<h3>{escape(layout.heading(section))}</h3>"
            for paragraph in layout.paragraphs(section):
                yield _paragraph_html(report, section, paragraph)
    limitations = "".join(f"<li>{escape(sentence)}</li>" for sentence in layout.limitations(report))
    yield f"<h3>{layout.LIMITATIONS}</h3><ul>{limitations}</ul>" if limitations else ""
    if report.sources:
        yield f"<h3>{layout.SOURCES}</h3>"
    for source in references.sources(report):
        named = f"[{source.number}] {references.source_title(source)}, {references.source_place(source)}"
        yield f"<div>{escape(named)}</div>"


def _paragraph_html(report: Report, section: Section, paragraph: layout.Paragraph) -> str:
    if paragraph.kind == "quotes":
        items = (_claim_html(report, section, claim, plain.quoted(claim.text)) for claim in paragraph.claims)
        return "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>"
    sentences = (_claim_html(report, section, claim, claim.text) for claim in paragraph.claims)
    return f"<p>{' '.join(sentences)}</p>"


def _claim_html(report: Report, section: Section, claim: Claim, text: str) -> str:
    numbers = (
        f'<span title="{escape(plain.quoted(citation.quote))}">[{source.number}]</span>'
        for citation, source in references.citations(report, claim)
    )
    sign, meaning = layout.mark(report, section, claim), escape(layout.meaning(claim))
    marks = [*numbers, *([f'<span title="{meaning}">{escape(sign)}</span>'] if sign else [])]
    return " ".join([escape(plain.visible(text)), *marks])


def table(snapshots: Iterable[Snapshot]) -> str:
    """Give a table of sessions as HTML."""
    rows = "".join(
        f"<tr><td><code>{escape(item['session_id'][:8])}</code></td><td>{escape(phase(item))}</td>"
        f"<td>{escape(ago(item['created']))}</td><td>{escape(item['topic'])}</td></tr>"
        for item in snapshots
    )
    if not rows:
        return "<p>There are no sessions yet.</p>"
    return f"<table><tr><th>id</th><th>state</th><th>started</th><th>topic</th></tr>{rows}</table>"
