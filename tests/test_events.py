from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_research.events import initial, reduce, reduce_all, safe_json, status_fields

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.sets(st.integers()),
    max_leaves=10,
)


def event(seq: int, kind: str, detail: dict[str, Any], **fields: Any) -> dict[str, Any]:
    empty = {"step": None, "step_number": None, "message": None, "done": None, "total": None}
    return {
        "session_id": "s",
        "seq": seq,
        "time": f"t{seq}",
        "kind": kind,
        **empty,
        **fields,
        "detail": detail,
    }


@given(ANYTHING, ANYTHING)
@settings(deadline=None)
def test_no_status_makes_the_sorting_of_its_fields_fail(message: Any, status: Any):
    fields = status_fields(message, status)
    assert fields["message"] is None or isinstance(fields["message"], str)
    assert isinstance(fields["detail"], dict)


@given(ANYTHING)
@settings(deadline=None)
def test_a_safe_form_is_its_own_safe_form(value: Any):
    safe, _ = safe_json(value)
    assert safe_json(safe) == (safe, False)


def test_an_event_that_was_already_taken_changes_nothing():
    state = reduce(initial("s"), event(1, "status_update", {}, message="one"))
    assert reduce(state, event(1, "status_update", {}, message="again")) is state


@pytest.mark.parametrize("name", [None, 7, ["a"], {"a": 1}, "a"])
def test_a_proposal_of_any_shape_can_be_reduced(name: Any):
    detail = {
        "state": "awaiting_approval",
        "version": 1,
        "question": "?",
        "proposal": {"analysts": [{"id": name}, 3]},
    }
    log = [event(1, "approval_requested", detail), event(2, "approval_requested", {**detail, "version": 2})]
    state = reduce_all(initial("s"), log)
    assert state["version"] == 2 and [analyst["id"] for analyst in state["analysts"]] == [name]


def test_an_approved_team_keeps_the_progress_of_those_who_stay():
    team = [{"id": "a", "name": "Ada"}, {"id": "b", "name": "Bob"}]
    log = [
        event(
            1,
            "approval_requested",
            {"state": "awaiting_approval", "version": 1, "proposal": {"analysts": team}},
        ),
        event(
            2, "status_update", {"analyst": "a", "analyst_done": 2, "analyst_total": 4}, step="SEARCH_LIBRARY"
        ),
        event(3, "status_update", {"analyst": "b", "failed": "no luck"}),
        event(
            4, "research_approved", {"state": "researching", "version": 1, "proposal": {"analysts": team[:1]}}
        ),
    ]
    (ada,) = reduce_all(initial("s"), log)["analysts"]
    assert (ada["name"], ada["step"], ada["done"], ada["total"]) == ("Ada", "SEARCH_LIBRARY", 2, 4)
    assert reduce_all(initial("s"), log[:3])["analysts"][1]["state"] == "failed"
