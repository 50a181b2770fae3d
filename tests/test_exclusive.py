"""Keep threads apart that work at the same thing."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from jupyter_research.exclusive import Exclusive


def test_threads_at_one_key_come_one_after_the_other_also_when_each_fails():
    exclusive, counting, inside, most = Exclusive(), threading.Lock(), 0, 0

    def fail(_: int) -> None:
        nonlocal inside, most
        with pytest.raises(ZeroDivisionError), exclusive.at("one"):
            with counting:
                inside += 1
                most = max(most, inside)
            try:
                _ = 1 / 0
            finally:
                with counting:
                    inside -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fail, range(500)))
    assert most == 1
    assert exclusive.wanted("one") == 0


def test_a_key_is_kept_for_one_who_is_still_on_the_way_to_it():
    exclusive, first_is_in, second_is_in = Exclusive(), threading.Event(), threading.Event()
    leave = threading.Event()

    def second() -> None:
        assert first_is_in.wait(60)
        with exclusive.at("one"):
            second_is_in.set()
            assert leave.wait(60)

    thread = threading.Thread(target=second)
    thread.start()
    with exclusive.at("one"):
        first_is_in.set()
        while exclusive.wanted("one") < 2:
            assert thread.is_alive()
    # Nobody has to be quick now: the place is the same whether the second has taken its lock yet or not.
    assert exclusive.wanted("one") == 1
    assert second_is_in.wait(60)
    leave.set()
    thread.join()
    assert exclusive.wanted("one") == 0


def test_other_keys_pass_and_nothing_is_kept_of_them():
    exclusive = Exclusive()
    with exclusive.at("one"), exclusive.at("another"):
        assert (exclusive.wanted("one"), exclusive.wanted("another")) == (1, 1)
    assert (exclusive.wanted("one"), exclusive.wanted("another")) == (0, 0)
