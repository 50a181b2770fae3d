"""Hold the page's TypeScript against the Python: names, keys, and what `reduce` makes of a log."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from jupyter_research.events import Kind, State, initial, reduce, reduce_all
from jupyter_research.report import Verdict

ROOT = Path(__file__).parent.parent
SOURCES = ROOT / "labextension" / "src"
LOGS = json.loads((Path(__file__).parent / "fixtures" / "logs.json").read_text(encoding="utf-8"))
SESSION = "0123456789abcdef0123456789abcdef"


def names_of(constant: str) -> list[str]:
    """Give the words of `export const X = [...] as const` in types.ts."""
    source = (SOURCES / "types.ts").read_text(encoding="utf-8")
    found = re.search(rf"export const {constant} = \[(.*?)\] as const", source, re.S)
    assert found, constant
    return re.findall(r"'([^']+)'", found[1])


def keys_of(interface: str) -> list[str]:
    """Give the keys of an interface in types.ts."""
    source = (SOURCES / "types.ts").read_text(encoding="utf-8")
    found = re.search(rf"export interface {interface} \{{(.*?)\n\}}", source, re.S)
    assert found, interface
    return re.findall(r"readonly (\w+)\??:", found[1])


def test_states_kinds_and_verdicts_are_the_same_words() -> None:
    assert names_of("STATES") == [state.value for state in State]
    assert names_of("KINDS") == [kind.value for kind in Kind]
    assert names_of("VERDICTS") == [verdict.value for verdict in Verdict]


def test_a_snapshot_has_the_same_keys() -> None:
    assert keys_of("Snapshot") == list(initial(SESSION))


def test_an_event_has_the_same_keys() -> None:
    assert set(keys_of("SessionEvent")) == set(LOGS[0]["events"][0])


def test_each_kind_of_event_stands_in_a_recorded_log() -> None:
    assert {event["kind"] for log in LOGS for event in log["events"]} == {kind.value for kind in Kind}


@pytest.mark.parametrize("log", LOGS, ids=lambda log: str(log["name"]))
def test_the_recorded_snapshots_are_what_reduce_makes(log: dict[str, Any]) -> None:
    kept = {snapshot["last_seq"]: snapshot for snapshot in log["snapshots"]}
    state = initial(SESSION)
    for event in log["events"]:
        state = reduce(state, event)
        assert state == kept.get(state["last_seq"], state)
    assert state["last_seq"] in kept


@pytest.mark.parametrize("log", LOGS, ids=lambda log: str(log["name"]))
def test_any_cut_into_snapshot_and_overlapping_replay_gives_the_same_state(log: dict[str, Any]) -> None:
    events = log["events"]
    for cut in range(len(events) + 1):
        snapshot = reduce_all(initial(SESSION), events[:cut])
        assert reduce_all(snapshot, events[max(0, cut - 3) :]) == log["snapshots"][-1]


def test_the_page_reduces_and_reads_as_its_own_tests_say() -> None:
    if not (ROOT / "labextension" / "node_modules").is_dir() or not shutil.which("node"):
        pytest.skip("`make lab` or `make test` installs the labextension's packages first")
    done = subprocess.run(
        ["node", "test/run.mjs"], cwd=ROOT / "labextension", capture_output=True, text=True, timeout=250
    )
    assert done.returncode == 0, done.stdout + done.stderr
