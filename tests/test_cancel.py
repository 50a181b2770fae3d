"""Cancel sessions of real servers whose work does not give way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from live import until
from stage import Stage, staged
from test_shutdown import asleep, start

#: How soon a session is seen as cancelled, in seconds: half of one on a machine that has nothing else to do,
#: as `benchmarks/cancel.py` measures. Here it shows that nobody waited for work that takes minutes.
SEEN = 30.0

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("cancel")) as stage:
        yield stage


@pytest.mark.parametrize("work", ["parse", "model_call", "search"])
def test_children_and_sockets_of_a_cancelled_session_go_with_it(stage: Stage, work: str) -> None:
    busy = getattr(stage, work)()
    assert busy.left()
    assert stage.cancel(busy.session_id) < SEEN
    until(lambda: not busy.left(), f"the end of the {work}")
    until(lambda: stage.abandoned() == 0, "the end of the thread")
    events = stage.server.ask("GET", f"research/api/sessions/{busy.session_id}/events")["events"]
    assert [event["kind"] for event in events][-1] == "research_cancelled"


@pytest.mark.parametrize("name", ["asleep", "asleep_in_a_pool", "asleep_in_a_node", "reads_a_socket"])
def test_work_that_does_not_give_way_is_left_behind_and_counted(stage: Stage, name: str) -> None:
    busy = stage.sleep(name)
    assert stage.cancel(busy.session_id) < SEEN
    assert not busy.left()


def test_what_was_left_behind_holds_no_slot(stage: Stage) -> None:
    for _ in range(3):
        sessions = [start(stage.server, "asleep") for _ in range(8)]
        for session_id in sessions:
            until(lambda one=session_id: asleep(stage.server, one), "the sleep")
            stage.cancel(session_id)
    assert stage.server.session(start(stage.server, "slow"))["state"] == "researching"
