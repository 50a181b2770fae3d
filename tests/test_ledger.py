from __future__ import annotations

import threading

import pytest

from jupyter_research.ledger import Ledger, request_hash


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.sqlite"


def counting(answer):
    made = []

    def perform():
        made.append(1)
        return answer

    return perform, made


def test_a_recorded_call_is_answered_from_the_ledger(path):
    perform, made = counting({"text": "so be it", "n": [1, 2.5, None]})
    with Ledger(path, "s") as ledger:
        first = ledger.call("a/turn-1/answer", {"q": 1}, perform)
        second = ledger.call("a/turn-1/answer", {"q": 1}, perform)
    with Ledger(path, "s") as reopened:
        third = reopened.call("a/turn-1/answer", {"q": 1}, perform)
    assert first == second == third == {"text": "so be it", "n": [1, 2.5, None]}
    assert len(made) == 1


def test_another_step_request_or_session_is_another_call(path):
    perform, made = counting("x")
    with Ledger(path, "s") as ledger, Ledger(path, "t") as other:
        ledger.call("one", 1, perform)
        ledger.call("two", 1, perform)
        ledger.call("one", 2, perform)
        other.call("one", 1, perform)
    assert len(made) == 4


def test_the_first_answer_has_the_shape_of_every_later_one(path):
    with Ledger(path, "s") as ledger:
        assert ledger.call("a", 0, lambda: {"pair": (1, 2), 3: "three"}) == {"pair": [1, 2], "3": "three"}


def test_a_call_that_fails_is_not_recorded(path):
    def fail():
        raise ValueError("no")

    with Ledger(path, "s") as ledger:
        with pytest.raises(ValueError, match="no"):
            ledger.call("a", 0, fail)
        assert ledger.counts() == {}
        assert ledger.call("a", 0, lambda: "yes") == "yes"


def test_an_answer_that_is_no_json_is_not_recorded(path):
    with Ledger(path, "s") as ledger:
        with pytest.raises(TypeError):
            ledger.call("a", 0, lambda: object())
        assert ledger.call("a", 0, lambda: 1) == 1


def test_the_answer_is_on_disk_before_it_is_used(path):
    with Ledger(path, "s") as ledger:
        ledger.call("a", 0, lambda: "kept")
        with Ledger(path, "s") as elsewhere:
            assert elsewhere.call("a", 0, lambda: pytest.fail("was called again")) == "kept"


def test_two_threads_with_the_same_call_make_it_once(path):
    made = []
    begun, go = threading.Event(), threading.Event()

    def perform():
        made.append(1)
        begun.set()
        go.wait(60)
        return len(made)

    with Ledger(path, "s") as ledger:
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(ledger.call("a", 0, perform)))
                   for _ in range(8)]  # fmt: skip
        for thread in threads:
            thread.start()
        assert begun.wait(60)
        go.set()
        for thread in threads:
            thread.join(60)
    assert answers == [1] * 8


def test_different_calls_run_side_by_side(path):
    both = threading.Barrier(2, timeout=60)
    with Ledger(path, "s") as ledger:
        threads = [threading.Thread(target=ledger.call, args=(name, 0, lambda: both.wait() and None))
                   for name in "ab"]  # fmt: skip
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert ledger.counts() == {"model": 2}


def test_calls_are_counted_and_listed_in_order(path):
    with Ledger(path, "s") as ledger:
        ledger.call("b", 0, lambda: 1, kind="search")
        ledger.call("a", 0, lambda: 1)
        ledger.call("c", 0, lambda: 1, kind="search")
        assert ledger.counts() == {"model": 1, "search": 2}
        assert ledger.steps() == [("b", "search"), ("a", "model"), ("c", "search")]
        assert ledger.seconds() >= 0


def test_a_step_finished_twice_counts_once(path):
    with Ledger(path, "s") as ledger:
        for step in ("one", "two", "one"):
            ledger.finish(step)
        assert ledger.finished() == ["one", "two"]


def test_equal_requests_hash_alike_whatever_their_order():
    assert request_hash({"a": 1, "b": [2]}) == request_hash({"b": [2], "a": 1})
    assert request_hash({"a": 1}) != request_hash({"a": "1"})
