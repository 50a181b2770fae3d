from __future__ import annotations

import logging
import threading

import pytest

from jupyter_research.manager.chores import Chores


def test_a_chore_is_done_at_once_and_again_whatever_another_does(caplog: pytest.LogCaptureFixture) -> None:
    done, again = threading.Event(), threading.Event()

    def works() -> None:
        (again if done.is_set() else done).set()

    def fails() -> None:
        raise ValueError("not today")

    chores = Chores({fails: 0.01, works: 0.01})
    with caplog.at_level(logging.ERROR):
        chores.start()
        assert done.wait(30) and again.wait(30)
        chores.stop(30)
    assert "not today" in caplog.text
    assert not chores._thread.is_alive()


def test_without_chores_there_is_no_thread() -> None:
    chores = Chores({})
    chores.start()
    chores.stop(1)
    assert not chores._thread.is_alive()
