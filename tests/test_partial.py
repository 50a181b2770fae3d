from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from conftest import Person, until

from jupyter_research.models import Extractive

LIBRARY = """# Tides

The tide rises because the moon pulls on the water. Tides were measured 12 times in 1842, as a study shows.

# Harbours

A harbour silts up where the current is slow, however the tide runs. Dredging costs money every year.
"""

BODY = {
    "topic": "how do the tides work?",
    "options": {"analysts": 2, "turns": 1, "sources": ["tides.md"]},
    "approve": "auto",
}


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Hold the first analyst who answers, and let the others do their work."""
    answer, gate = Extractive.answer, threading.Event()
    first: list[str] = []
    lock = threading.Lock()

    def wait(self: Any, brief: Any, analyst: Any, *rest: Any) -> Any:
        with lock:
            first.append(analyst["id"])
            mine = first[0] == analyst["id"]
        if mine:
            gate.wait(120)
        return answer(self, brief, analyst, *rest)

    monkeypatch.setattr(Extractive, "answer", wait)
    yield first
    gate.set()


async def test_cancelled_session_gives_what_it_had_found_and_says_that_it_is_a_part(
    me: Person, jp_root_dir: Path, held: list[str]
) -> None:
    (jp_root_dir / "tides.md").write_text(LIBRARY)
    session_id = (await me.post("sessions", BODY))["session_id"]

    async def one_is_done() -> bool:
        snapshot = await me.get(f"sessions/{session_id}")
        assert snapshot["state"] != "failed", snapshot["error"]
        return any(analyst["state"] == "done" for analyst in snapshot["analysts"])

    await until(one_is_done)
    path = f"sessions/{session_id}/report?format=json"
    assert "only a cancelled one" in (await me.get(f"{path}&partial=1", status=409))["error"]
    cancelled = await me.post(f"sessions/{session_id}/cancel")
    assert cancelled["state"] == "cancelled" and cancelled["report_available"] is False
    await me.get(path, status=409)
    report = json.loads((await me.ask("GET", f"{path}&partial=1")).body)
    assert report["title"].endswith("(partial)") and report["made"]["partial"] is True
    assert "1 of 2 interviews" in report["limitations"][0]
    analysts = {section["analyst"] for section in report["sections"]}
    assert analysts and held[0] not in analysts
    claims = [claim for section in report["sections"] for claim in section["claims"] if claim["citations"]]
    assert claims and {claim["verdict"] for claim in claims} == {"verbatim"}
    for claim in claims:
        for citation in claim["citations"]:
            source = await me.get(f"sessions/{session_id}/sources/{citation['source']}")
            assert source["text"][citation["start"] : citation["end"]] == citation["quote"]
    page = await me.ask("GET", f"sessions/{session_id}/report?partial=1")
    assert page.code == 200 and b"partial report" in page.body


async def test_session_cancelled_before_anything_was_found_says_so(me: Person, jp_root_dir: Path) -> None:
    (jp_root_dir / "tides.md").write_text(LIBRARY)
    session_id = (await me.post("sessions", {**BODY, "approve": "ask"}))["session_id"]
    await me.until(session_id, "awaiting_approval")
    await me.post(f"sessions/{session_id}/cancel")
    answer = await me.get(f"sessions/{session_id}/report?partial=1", status=409)
    assert answer["code"] == "not_ready" and "nothing to report" in answer["error"]


async def test_function_has_no_partial_report(me: Person, tmp_path: Path) -> None:
    body = {"topic": "x", "researcher": "slow", "options": {"until": str(tmp_path / "never")}}
    session_id = (await me.post("sessions", body))["session_id"]
    await me.post(f"sessions/{session_id}/cancel")
    assert (await me.get(f"sessions/{session_id}/report?partial=1", status=409))["code"] == "wrong_state"
