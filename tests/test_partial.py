from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cancelled import LIBRARY, TOPIC, first_held, leave, one_is_done
from conftest import Person, until
from live import running_server
from test_cli import Terminal

BODY = {
    "topic": TOPIC,
    "options": {"analysts": 2, "turns": 1, "sources": ["tides.md"]},
    "approve": "auto",
}


@pytest.fixture
def held() -> Iterator[list[str]]:
    """Hold the first analyst who answers, and let the others do their work."""
    with first_held() as came:
        yield came


async def test_cancelled_session_gives_what_it_had_found_and_says_that_it_is_a_part(
    me: Person, jp_root_dir: Path, held: list[str]
) -> None:
    (jp_root_dir / "tides.md").write_text(LIBRARY)
    session_id = (await me.post("sessions", BODY))["session_id"]

    async def is_partly_done() -> bool:
        return one_is_done(await me.get(f"sessions/{session_id}"))

    await until(is_partly_done)
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


async def test_session_whose_time_is_up_ends_with_what_it_had_found(
    me: Person, jp_root_dir: Path, held: list[str], jp_serverapp: Any
) -> None:
    (jp_root_dir / "tides.md").write_text(LIBRARY)
    session_id = (await me.post("sessions", BODY))["session_id"]

    async def one_is_done() -> bool:
        snapshot = await me.get(f"sessions/{session_id}")
        return any(analyst["state"] == "done" for analyst in snapshot["analysts"])

    await until(one_is_done)
    (extension,) = jp_serverapp.extension_manager.extension_apps["jupyter_research"]
    manager = extension.access.opened._manager
    object.__setattr__(manager._transitions.limits, "max_session_seconds", 1)
    manager._jobs[session_id].worked += 1000
    await asyncio.to_thread(manager._allowance.end_overdue)
    ended = await me.until(session_id, "completed")
    assert ended["report_available"] and "max_session_seconds" in ended["limitations"][0]
    report = json.loads((await me.ask("GET", f"sessions/{session_id}/report?format=json")).body)
    assert report["made"]["researcher"] == "analysts"
    assert report["made"]["partial"] is True and report["limitations"] == ended["limitations"]
    assert "1 of 2 interviews" in report["limitations"][1]


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


def test_part_is_had_in_the_terminal_and_in_a_cell(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    session_id = leave(tmp_path / "data" / "research" / "default", terminal.folder / "tides.md")
    refused = terminal.run("export", session_id[:8], code=1).errors
    assert "it is cancelled; --partial gives what it had found" in refused
    part = terminal.run("export", "--partial", session_id[:8]).output
    assert f"{TOPIC} (partial)\n" in part and "1 of 2 interviews were done" in part
    terminal.run("export", "--partial", session_id[:8], "part.json")
    assert json.loads((terminal.folder / "part.json").read_text())["made"]["partial"] is True
    with running_server(tmp_path) as server:
        kernel = server.start_kernel()
        try:
            kernel.run(f"import jupyter_research; session = jupyter_research.session({session_id!r})")
            error = kernel.run("session.report", ok=False).error
            assert error and "`.partial_report()` gives what it had found" in error
            shown = kernel.run("session.partial_report()").of("execute_result")[0]["data"]
            assert "1 of 2 interviews were done" in shown["text/markdown"]
        finally:
            kernel.close()
