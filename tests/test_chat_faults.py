"""Let providers fail, keep a session waiting and be paused or cancelled meanwhile."""

from __future__ import annotations

import re
import threading
import time

import pytest
from test_chat_models import KEY, SLOW, make, place, thinking

from jupyter_research.analysts import Analysts
from jupyter_research.errors import ModelFailed, SessionCancelled
from jupyter_research.testing.chat import Reply
from jupyter_research.work import Decision, Drained, Finished

__all__ = ["make", "place"]  # Fixtures.


@SLOW
@pytest.mark.parametrize("provider", ["openai", "google_genai"])
def test_a_rate_limit_is_waited_for_as_long_as_the_provider_asks(make, provider):
    # Google says it in the body, the others in a header.
    session = make(first=[Reply(status=429, headers={"Retry-After": "3"})], fields={"provider": provider})
    begun = time.monotonic()
    session.propose()
    assert time.monotonic() - begun >= 3
    [waiting] = [status for _, status in session.recorder.updates if "waiting" in (status or {})]
    assert waiting["waiting"]["reason"] == "rate limit"
    # What is left of it when it is told: a busy machine gets there later.
    assert any(re.match(r"Waiting [1-3] s: rate limit", message) for message in session.said())
    assert len(session.server.asked) == 2


AT_ONCE = {"Retry-After": "0"}
#: A connection that is dropped, a body that ends early, and two answers that mean "later".
FAULTS = [
    Reply(data={"analysts": []}, fault="drop"),
    Reply(data={"analysts": [{"name": "x" * 200}]}, fault="cut"),
    Reply(status=500, headers=AT_ONCE),
    Reply(status=529, headers=AT_ONCE),
]


@SLOW
@pytest.mark.parametrize(
    "provider, streaming",
    [
        *(("openai", streaming) for streaming in (False, True)),
        *(("anthropic", streaming) for streaming in (False, True)),
        *(("google_genai", streaming) for streaming in (False, True)),
        ("ollama", True),
    ],
)
def test_a_fault_on_the_way_is_tried_again(make, provider, streaming):
    # Ollama's client keeps the head to itself, so that each wait is longer than the one before.
    faults = FAULTS[:3] if provider == "ollama" else FAULTS
    session = make(first=faults, fields={"provider": provider, "streaming": streaming})
    session.propose()
    assert len(session.server.asked) == len(faults) + 1
    assert session.propose().question  # From the ledger: a second look asks nobody.
    assert len(session.server.asked) == len(faults) + 1


@SLOW
@pytest.mark.parametrize(
    "status, sentence", [(401, "does not know the key"), (404, "has no such model"), (400, "status 400")]
)
def test_a_fault_that_no_wait_helps_ends_the_session_at_once(make, status, sentence):
    reply = Reply(status=status, error=(f"Incorrect API key provided: {KEY}", "invalid_api_key"))
    session = make(first=[reply] * 9)
    with pytest.raises(ModelFailed, match=sentence) as caught:
        session.propose()
    assert KEY not in str(caught.value)
    assert len(session.server.asked) == 1
    session.server._first.clear()
    session.propose()


def test_a_key_that_a_server_says_back_is_not_shown(make):
    reply = Reply(status=422, error=(f"Token {KEY} has no access", "denied"))
    session = make(first=[reply])
    with pytest.raises(ModelFailed, match="Token … has no access"):
        session.propose()


def test_request_that_cannot_be_sent_is_no_answer_and_costs_nothing(make):
    session = make(fields={"options": {"default_headers": {"X-House": "Mühle"}}})
    with pytest.raises(ModelFailed, match="no header takes"):
        session.propose()
    assert session.server.asked == []
    with session.ledger as ledger:
        assert not any(ledger.usage().values())


def test_google_says_otherwise_that_it_does_not_know_the_key(make):
    reply = Reply(status=400, error=("API key not valid. Please pass a valid API key.", "API_KEY_INVALID"))
    session = make(first=[reply], fields={"provider": "google_genai"})
    with pytest.raises(ModelFailed, match="does not know the key: API key not valid"):
        session.propose()
    assert len(session.server.asked) == 1


def ended_by_cancel(session, begun):
    """Cancel a turn once it has begun, and tell whether it ended as cancelled."""
    caught = []

    def run():
        try:
            session.turn()
        except SessionCancelled as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while not begun():
        assert thread.is_alive()
        time.sleep(0.01)
    session.control.cancel()
    thread.join(90)
    return not thread.is_alive() and bool(caught)


@pytest.mark.parametrize(
    "provider",
    ["openai", *(pytest.param(one, marks=SLOW) for one in ("anthropic", "google_genai", "ollama"))],
)
def test_a_cancel_ends_a_call_that_hangs(make, provider):
    session = make(first=[Reply(fault="hang")], fields={"provider": provider})
    assert ended_by_cancel(session, lambda: session.server.asked)


@SLOW
def test_a_cancel_wakes_one_that_waits_for_a_rate_limit(make):
    session = make(first=[Reply(status=429, headers={"Retry-After": "200"})])
    assert ended_by_cancel(session, lambda: any("Waiting" in str(message) for message in session.said()))


@SLOW
@pytest.mark.parametrize("analysts", [1, 3])
def test_a_pause_wakes_those_that_wait_for_a_rate_limit_and_a_resume_goes_on(make, analysts):
    session = make(analysts=analysts, turns=1)
    proposal = session.propose().proposal
    session.server._first.append(Reply(status=429, headers={"Retry-After": "200"}))
    outcomes = []
    thread = threading.Thread(target=lambda: outcomes.append(session.turn(Decision(proposal=proposal))))
    thread.start()
    while not any("Waiting" in str(message) for message in session.said()):
        assert thread.is_alive()
        time.sleep(0.01)
    session.control.request_drain()
    thread.join(60)
    assert outcomes == [Drained()]
    # A server that has started anew knows of no limit; else those that resume wait for the rest of it.
    session.researcher = Analysts(
        indexes=session.folder.parent / "indexes", thinking=thinking(session.server)
    )
    outcome = session.turn()
    assert isinstance(outcome, Finished)
    assert not any("failed" in (status or {}) for _, status in session.recorder.updates)
    requests = [(one.title, one.messages) for one in session.server.asked]
    # The one that was turned away is asked for again, and nothing else.
    assert len(set(requests)) == len(requests) - 1
