"""Restart real servers while sessions wait, and let several servers share one home."""

from __future__ import annotations

import os
import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from live import REPOSITORY, Server, running_server, until

pytestmark = pytest.mark.slow

LIBRARY = """# Tides

The tide rises because the moon pulls on the water. Springs follow the new moon and the full moon.

# Harbours

A harbour silts up where the current is slow. Dredging costs money every year.
"""


PYTHONPATH = os.pathsep.join([str(REPOSITORY), str(Path(__file__).parent / "takeover")])


def start(server: Server, researcher: str, **fields: Any) -> str:
    body = {"topic": "how do the tides work?", "researcher": researcher, **fields}
    return str(server.ask("POST", "research/api/sessions", body)["session_id"])


def until_state(server: Server, session_id: str, *states: str) -> dict[str, Any]:
    def look() -> Any:
        snapshot = server.session(session_id)
        assert snapshot["state"] in states or snapshot["state"] != "failed", snapshot["error"]
        return snapshot if snapshot["state"] in states else None

    found: dict[str, Any] = until(look, f"the state {' or '.join(states)}")
    return found


def end(server: Server, number: signal.Signals) -> None:
    server.process.send_signal(number)
    server.process.wait(60)


def test_approval_waits_through_restarts_and_the_edited_proposal_is_the_one_used(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        (server.root / "tides.md").write_text(LIBRARY)
        team = start(server, "analysts", approve="ask", options={"analysts": 2, "turns": 1})
        plan = start(server, "asks")
        proposals = {one: until_state(server, one, "awaiting_approval")["proposal"] for one in (team, plan)}
        end(server, signal.SIGTERM)
    with running_server(tmp_path) as server:
        for session_id, proposal in proposals.items():
            waiting = server.session(session_id)
            assert (waiting["state"], waiting["version"]) == ("awaiting_approval", 1)
            assert waiting["proposal"] == proposal
        end(server, signal.SIGKILL)
    with running_server(tmp_path) as server:
        [first, *_] = proposals[team]["analysts"]
        edited = {"analysts": [{**first, "name": "The harbour master"}]}
        body = {"version": 1, "proposal": edited}
        server.ask("POST", f"research/api/sessions/{team}/approve", body)
        body = {"version": 1, "proposal": {"sections": ["Where"]}}
        server.ask("POST", f"research/api/sessions/{plan}/approve", body)
        done = until_state(server, team, "completed")
        assert [analyst["name"] for analyst in done["analysts"]] == ["The harbour master"]
        report = server.ask("GET", f"research/api/sessions/{team}/report?format=json")
        assert report["made"]["analysts"] == ["The harbour master"]
        until_state(server, plan, "completed")
        report = server.ask("GET", f"research/api/sessions/{plan}/report?format=json")
        assert [section["heading"] for section in report["sections"]] == ["Where"]


def states(data: Path, name: str) -> dict[str, str]:
    connection = sqlite3.connect(data / "research" / name / "research.sqlite")
    try:
        return dict(connection.execute("SELECT session_id, state FROM sessions"))
    finally:
        connection.close()


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_servers_that_share_a_home_leave_each_others_sessions_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    shared = {"JUPYTER_DATA_DIR": str(data), "PYTHONPATH": PYTHONPATH, "TAKE_OVER": "3600"}
    with running_server(tmp_path / "first", **shared) as first:
        one = start(first, "slow")
        until_state(first, one, "researching")
        with running_server(tmp_path / "second", **shared) as second:
            assert [each["session_id"] for each in second.sessions()] == [one]
            two = start(second, "slow")
            until_state(second, two, "researching")
            end(second, signal.SIGKILL)
        assert states(data, "default-2") == {two: "researching"}  # Nobody has looked yet.
        with running_server(tmp_path / "second", **shared) as second:
            seen = {each["session_id"]: each for each in second.sessions()}
            assert (seen[one]["read_only"], seen[one]["state"]) == (True, "researching")
            assert ("read_only" in seen[two], seen[two]["state"]) == (False, "interrupted")
            assert first.session(one)["state"] == "researching"
            end(first, signal.SIGKILL)
            with running_server(tmp_path / "third", **{**shared, "TAKE_OVER": "0.5"}) as third:
                seen = {each["session_id"]: "read_only" in each for each in third.sessions()}
                assert seen == {one: False, two: True}
                assert third.session(one)["state"] == "interrupted"
                assert second.session(two)["attempt"] == 1
                third.ask("POST", f"research/api/sessions/{one}/resume")
                assert third.session(one)["attempt"] == 2
                end(second, signal.SIGTERM)
                # What the second server has left the third one takes over, and only then commands.
                until(lambda: "read_only" not in third.session(two), "the taking over")
                third.ask("POST", f"research/api/sessions/{two}/resume")
                assert third.session(two)["attempt"] == 2
    assert sorted(folder.name for folder in (data / "research").iterdir()) == ["default", "default-2"]
