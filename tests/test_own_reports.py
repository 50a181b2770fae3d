"""What this product wrote is no evidence: the same topic run twice cites no first report."""

from __future__ import annotations

import json
from pathlib import Path

from conftest import Person

TOPIC = "how does a tide mill turn its wheel?"
TEXT = "The wheel of a tide mill is turned by the water that leaves its pond when the tide falls.\n"


async def cited(me: Person, session_id: str) -> set[str]:
    """Give the paths that a session's report cites, once it has ended."""
    ended = await me.until(session_id, "completed", "failed")
    assert ended["state"] == "completed", ended["error"]
    report = await me.get(f"sessions/{session_id}/report?format=json")
    return {source["path"] for source in report["sources"]}


async def test_the_same_topic_twice_cites_no_first_report(me: Person, jp_root_dir: Path) -> None:
    (jp_root_dir / "mill.txt").write_text(TEXT, encoding="utf-8")
    fields = {"researcher": "analysts", "options": {"sources": ["."], "analysts": 1, "turns": 1}}
    first = (await me.start(TOPIC, **fields))["session_id"]
    assert await cited(me, first) == {"mill.txt"}
    suffixes = {"markdown": "md", "html": "html", "ipynb": "ipynb", "pdf": "pdf", "docx": "docx"}
    for format, suffix in suffixes.items():
        document = await me.ask("GET", f"sessions/{first}/report?format={format}")
        assert b"tide" in document.body or format in ("pdf", "docx")
        (jp_root_dir / f"report.{suffix}").write_bytes(document.body)
    answer = (await me.post(f"sessions/{first}/ask", {"question": TOPIC}, 200))["markdown"]
    outputs = [{"output_type": "execute_result", "metadata": {}, "data": {"text/markdown": answer}}]
    cell = {"cell_type": "code", "metadata": {}, "source": "session.ask(topic)", "outputs": outputs}
    (jp_root_dir / "work.ipynb").write_text(json.dumps({"nbformat": 4, "metadata": {}, "cells": [cell]}))
    second = (await me.start(TOPIC, **fields))["session_id"]
    assert await cited(me, second) == {"mill.txt"}
