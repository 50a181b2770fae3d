"""Let sessions with a chat model reach their caps."""

from __future__ import annotations

import threading
import time

import pytest
from test_analysts import quotes
from test_chat_models import PRICE, SLOW, make, place

from jupyter_research.analysts.budget import Budget, usage
from jupyter_research.errors import BudgetSpent
from jupyter_research.ledger import Ledger
from jupyter_research.testing.chat import Reply, Scholar
from jupyter_research.work import Decision, Finished

__all__ = ["make", "place"]  # Fixtures.


def dear(asked):
    """Answer as a scholar, and take as many tokens of an answer as are allowed, after a while."""
    most = asked.body["max_completion_tokens"]
    return Reply(data=Scholar()(asked).data, usage=(len(asked.text.encode()) // 4, most), delay=0.05)


@SLOW
@pytest.mark.parametrize(
    "budget, unit", [({"tokens": 40_000}, "tokens"), ({"money": 40.0}, "money"), ({"calls": 14}, "calls")]
)
def test_a_cap_holds_with_parallel_analysts_and_ends_in_a_report(make, budget, unit):
    two = threading.Event()

    def answer(asked):
        # The first of the analysts waits for another: on a slow machine they might only just miss each other.
        if session.server.under_way > 1:
            two.set()
        if asked.title == "Question":
            two.wait(60)
        return dear(asked)

    session = make(answer, analysts=5, turns=2, budget=budget, fields={"price": PRICE, "concurrency": 8})
    report = session.finish()
    assert budget[unit] / 2 < report.usage[unit] <= budget[unit]
    assert session.server.most_at_once > 1
    assert any("budget" in sentence for sentence in report.limitations)
    assert quotes(report)


def test_a_cap_on_calls_counts_what_the_estimate_counts(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite", "a") as ledger:
        budget = Budget({"calls": 2}, ledger)
        for number in range(3):
            ledger.call(f"search-{number}", number, lambda: [], kind="search")
        ledger.call("question", 0, lambda: "")
        assert budget.exhausted() is None
        with budget.reserve(10, 300):
            ledger.call("answer", 0, lambda: "")
        assert usage(ledger, budget)["calls"] == 2
        assert budget.exhausted() == "The budget of 2 calls was used up."
        with pytest.raises(BudgetSpent), budget.reserve(10, 300):
            pass


def test_a_cap_that_is_too_small_for_one_call_makes_none(make):
    session = make(budget={"tokens": 50})
    report = session.finish()
    assert session.server.asked == []
    assert any("budget" in sentence for sentence in report.limitations)


def test_a_cap_on_money_that_holds_nothing_is_said_before_the_start_and_in_the_report(make):
    session = make(budget={"money": 0.5}, analysts=1, turns=1)
    proposed = session.propose()
    said = "The cap of $0.5 holds nothing, since this model has no price: one on tokens would hold"
    assert said in proposed.question
    assert any(said in message for message in session.said())
    report = session.turn(Decision(proposal=proposed.proposal)).report
    assert any(said in sentence for sentence in report.limitations)


@SLOW
def test_an_administrators_cap_is_everybodys(make):
    session = make(dear, caps={"tokens": 20_000}, budget={"tokens": 10**9}, analysts=2, turns=1)
    assert session.finish().usage["tokens"] <= 20_000


@SLOW
def test_a_cap_on_time_ends_a_wait(make):
    limits = [Reply(status=429, headers={"Retry-After": "100"})] * 9
    session = make(budget={"seconds": 3})
    proposal = session.propose().proposal
    session.server._first.extend(limits)
    begun = time.monotonic()
    outcome = session.turn(Decision(proposal=proposal))
    assert isinstance(outcome, Finished)
    assert time.monotonic() - begun < 60
    assert any("seconds" in sentence for sentence in outcome.report.limitations)
