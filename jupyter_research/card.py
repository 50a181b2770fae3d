"""Write a session down as the output of a cell: for the labextension, and for whoever has none.

Pure: a snapshot goes in, a bundle comes out. The bundle is ordinary output, so a saved notebook shows
it without a kernel, a server or this package.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any

from .events import Snapshot, State, utc_now
from .report import Claim, Report, Section, Verdict

MIME = "application/vnd.jupyter-research.session+json"
SCHEMA = 1

#: What is said wherever a session works in the kernel.
IN_KERNEL = "Runs in this kernel; restarting it interrupts it."

#: Verdicts that a reader should see.
_FLAGS = {Verdict.TERMS_MISSING: "not all terms found in its source", Verdict.UNCITED: "without a source"}


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
    # Once it has ended, a restart takes nothing away.
    note = IN_KERNEL if where == "kernel" and not State(snapshot["state"]).finished else ""
    result = {
        MIME: session,
        "text/html": "".join(_html(snapshot, note, report)),
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


def phase(snapshot: Snapshot) -> str:
    """Say in a few words how far a session is."""
    state = str(snapshot["state"]).replace("_", " ")
    if snapshot["total"] and not State(snapshot["state"]).finished:
        return f"{state}, {snapshot['done'] or 0:g} of {snapshot['total']:g}"
    return state


def line(snapshot: Snapshot) -> str:
    """Give one line for a terminal."""
    message = _what_happens(snapshot)
    topic = " ".join(snapshot["topic"].split())
    return f"[{snapshot['session_id'][:8]}] {phase(snapshot)}: {topic}" + (f" ({message})" if message else "")


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
    return "" if State(snapshot["state"]).finished else str(snapshot["message"] or "")


def _html(snapshot: Snapshot, note: str, report: Report | None) -> Iterator[str]:
    yield (
        f'<div class="jr-session" data-session-id="{escape(snapshot["session_id"])}" '
        f'data-state="{escape(snapshot["state"])}" data-seq="{snapshot["last_seq"]}">'
    )
    yield f"<p><b>{escape(snapshot['topic'])}</b><br>{escape(phase(snapshot))}"
    happens = _what_happens(snapshot)
    yield f": {escape(happens)}</p>" if happens else "</p>"
    if report is None:
        yield from _progress(snapshot)
    if note:
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
    yield f"<h2>{escape(report.title)}</h2>"
    if report.markdown and not report.sections:
        yield f'<div style="white-space: pre-wrap">{escape(report.markdown)}</div>'
    numbers = {source.id: source.number for source in report.sources}
    for section in report.sections:
        yield from _section_html(section, numbers)
    if report.limitations:
        items = "".join(f"<li>{escape(sentence)}</li>" for sentence in report.limitations)
        yield f"<h3>Limitations</h3><ul>{items}</ul>"
    if report.sources:
        yield "<h3>Sources</h3>"
        for source in report.sources:
            place = escape(source.path or source.url or "")
            yield f"<div>[{source.number}] {escape(source.title)}, {place}</div>"


def _section_html(section: Section, numbers: Mapping[str, int]) -> Iterator[str]:
    yield f"<h3>{escape(section.heading)}</h3>"
    yield "<p>" + " ".join(_claim_html(claim, numbers) for claim in section.claims) + "</p>"


def _claim_html(claim: Claim, numbers: Mapping[str, int]) -> str:
    marks = "".join(
        f'<span title="{escape(citation.quote)}">[{numbers.get(citation.source, "?")}]</span>'
        for citation in claim.citations
    )
    flag = f" <small>({_FLAGS[claim.verdict]})</small>" if claim.verdict in _FLAGS else ""
    return f"{escape(claim.text)} {marks}{flag}" if marks else f"{escape(claim.text)}{flag}"


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
