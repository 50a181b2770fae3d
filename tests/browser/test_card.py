"""Try the card by itself: what its buttons send, what it shows, and what it never does."""

from __future__ import annotations

import sys
from typing import Any

from playwright.sync_api import expect

from .harness import Card
from .lab import ROOT

sys.path.insert(0, str(ROOT / "tests" / "fixtures"))
from make_logs import SESSION, Log, approved_run, failed_analyst, no_documents, plain_function, team

TEXT = "Before it. A server checks who calls before a handler runs. After it."
QUOTE = "A server checks who calls before a handler runs."


def waiting(version: int = 1) -> Log:
    log = Log()
    log.start()
    log.propose(version=version)
    return log


def working() -> Log:
    log = Log()
    log.start(approve="auto")
    log.approve(team())
    log.interview(["definition", "findings", "mechanism"], 0, 3)
    return log


def report(text: str = QUOTE, verdict: str = "verbatim") -> dict[str, Any]:
    start = TEXT.index(QUOTE)
    citation = {
        "source": "d1", "start": start, "end": start + len(QUOTE), "quote": QUOTE, "page": 4,
    }  # fmt: skip
    claim = {"id": "c1", "text": text, "verdict": verdict, "citations": [citation]}
    source = {
        "id": "d1", "number": 1, "kind": "pdf", "title": "Security", "path": "library/security.pdf",
        "hash": None, "authors": ["A. Author"], "year": 2024, "doi": None, "pages": 9,
    }  # fmt: skip
    return {
        "schema": "jupyter-research-report/1", "session_id": SESSION, "title": "How it is", "topic": "it",
        "sections": [{"heading": "What it is", "analyst": None, "claims": [claim]}], "sources": [source],
        "limitations": ["Nothing else was read."], "usage": {"calls": 3},
        "made": {"model": "extractive", "files": {"read": 9}},
    }  # fmt: skip


def completed(card: Card, **fields: Any) -> Log:
    card.give(report=report(**fields), text=TEXT)
    log = approved_run()
    card.draw(log)
    return log


def test_an_approval_as_proposed_sends_the_version_alone(card: Card) -> None:
    card.draw(waiting(version=3))
    card.button("Approve").click()
    assert card.calls() == [["approve", {"version": 3}]]


def test_an_edited_team_is_sent_as_data(card: Card) -> None:
    card.draw(waiting())
    rows = card.node.get_by_role("list", name="Proposed analysts").get_by_role("listitem")
    rows.nth(0).get_by_label("Name").fill("The lawyer")
    card.button("Drop Findings and numbers").click()
    card.button("Add an analyst").click()
    rows.nth(2).get_by_label("Name", exact=True).fill("The sceptic")
    rows.nth(2).get_by_label("What to look for").fill("Doubts it.")
    card.button("Approve").click()
    [[action, body]] = card.calls()
    analysts = body["proposal"]["analysts"]
    assert (action, body["version"]) == ("approve", 1)
    assert [analyst["name"] for analyst in analysts] == ["The lawyer", "How it works", "The sceptic"]
    assert analysts[0] == {**team()["analysts"][0], "name": "The lawyer"}
    assert analysts[2]["id"] not in {"definition", "findings", "mechanism"}
    assert analysts[2]["description"] == "Doubts it."


def test_an_analyst_without_a_name_is_asked_for_one_before_anything_is_sent(card: Card) -> None:
    card.draw(waiting())
    card.button("Add an analyst").click()
    card.button("Approve").click()
    expect(card.node.get_by_role("alert")).to_have_text("Give each analyst a name.")
    assert card.calls() == []


def test_a_change_is_asked_for_in_a_sentence(card: Card) -> None:
    card.draw(waiting(version=2))
    wish = card.node.get_by_label("What to change, in a sentence")
    card.button("Change").click()
    expect(wish).to_be_focused()
    wish.fill("add somebody on costs")
    wish.press("Enter")
    assert card.calls() == [["modify", {"version": 2, "feedback": "add somebody on costs"}]]


def test_events_take_neither_focus_nor_words_from_the_form(card: Card) -> None:
    log = waiting()
    card.draw(log)
    name = card.node.get_by_label("Name").nth(1)
    name.fill("Half a wo")
    for number in range(5):
        log.update(f"still here {number}")
        card.draw(log)
    expect(name).to_be_focused()
    expect(name).to_have_value("Half a wo")


def test_a_newer_proposal_takes_the_place_of_an_edited_one_and_says_so(card: Card) -> None:
    log = waiting()
    card.draw(log)
    card.node.get_by_label("Name").nth(0).fill("Mine")
    log.propose(version=2, count=2)
    card.draw(log)
    expect(card.node.get_by_label("Name")).to_have_count(2)
    expect(card.node.get_by_label("Name").nth(0)).to_have_value("What it is")
    expect(card.node.get_by_text("The proposal has changed since: this is the newest.")).to_be_visible()


def test_edits_that_somebody_elses_change_overtook_are_not_lost_in_silence(card: Card) -> None:
    log = waiting()
    card.draw(log)
    card.node.get_by_label("Name").nth(0).fill("Mine")
    log.add("modification_started", state="planning", version=1, feedback="another")
    card.draw(log)
    log.propose(version=2, count=2)
    card.draw(log)
    stale = card.node.get_by_text("The proposal has changed since: this is the newest.")
    expect(stale).to_be_visible()
    # Who asked for the change knows of it.
    card.node.get_by_label("Name").nth(0).fill("Mine again")
    card.node.get_by_label("What to change, in a sentence").fill("another")
    card.button("Change").click()
    log.add("modification_started", state="planning", version=2, feedback="another")
    card.draw(log)
    log.propose(version=3, count=2)
    card.draw(log)
    expect(card.node.get_by_label("Name").nth(0)).to_have_value("What it is")
    expect(stale).to_be_hidden()


def test_another_researchers_proposal_is_edited_as_json(card: Card) -> None:
    card.draw(plain_function().events[:6])
    field = card.node.get_by_label("Proposal, as JSON")
    field.fill('{"questions": ["a"')
    card.button("Approve").click()
    expect(card.node.get_by_role("alert")).to_contain_text("This is no JSON")
    field.fill('{"questions": ["a"]}')
    card.button("Approve").click()
    assert card.calls() == [["approve", {"version": 1, "proposal": {"questions": ["a"]}}]]


def test_a_refused_action_shows_the_servers_sentence(card: Card) -> None:
    card.draw(working())
    card.refuse("The session is completed: there is nothing to pause.")
    card.button("Pause").click()
    expect(card.node.get_by_role("alert")).to_have_text(
        "The session is completed: there is nothing to pause."
    )


def stop_the_clock(card: Card) -> None:
    """Let time go by when the test says so, however long its own steps take."""
    card.page.clock.install(time=0)
    # Far ahead: up to here it runs, and there is no way back.
    card.page.clock.pause_at(3_600_000)


def test_cancel_asks_and_no_answer_is_no(card: Card) -> None:
    stop_the_clock(card)
    card.draw(working())
    card.button("Cancel").click()
    expect(card.button("Yes, cancel")).to_be_focused()
    card.page.clock.run_for(10_000)
    expect(card.button("Cancel")).to_be_focused()
    expect(card.button("Yes, cancel")).to_be_hidden()
    assert card.calls() == []


def test_cancel_is_sent_once_confirmed_and_not_by_a_double_click(card: Card) -> None:
    stop_the_clock(card)
    card.draw(working())
    card.button("Cancel").click()
    card.button("Yes, cancel").click()
    assert card.calls() == []
    card.page.clock.run_for(500)
    card.button("Yes, cancel").click()
    assert card.calls() == [["cancel", None]]


def test_buttons_follow_the_state_and_the_focus_stays(card: Card) -> None:
    log = working()
    card.draw(log)
    card.button("Pause").focus()
    log.add("research_paused", state="paused", reason="asked for", attempt=1)
    card.draw(log)
    expect(card.button("Pause")).to_be_hidden()
    expect(card.button("Resume")).to_be_focused()


def test_a_completed_session_offers_resume_only_where_an_analyst_failed(card: Card) -> None:
    card.draw(approved_run())
    expect(card.button("Resume")).to_be_hidden()
    card.draw(failed_analyst().events[:18])
    log = working()
    log.update("failed", analyst="findings", failed={"cause": "The model timed out."})
    log.add("research_completed", state="completed", report_available=False, limitations=[])
    card.draw(log)
    expect(card.button("Resume")).to_be_visible()
    expect(card.button("Cancel")).to_be_hidden()


def test_a_card_out_of_sight_is_drawn_seldom_but_its_states_at_once(card: Card) -> None:
    card.page.clock.install(time=0)
    log = working()
    card.draw(log)
    card.page.evaluate("document.body.style.paddingTop = '5000px'")
    expect(card.node).to_have_attribute("data-unseen", "")
    card.page.clock.pause_at(3_600_000)
    first = len(log.events)

    def draw() -> None:
        card.page.evaluate("events => harness.draw(events, {})", log.events)

    def shown(after: int) -> int:
        card.page.clock.run_for(after)
        return int(str(card.node.get_attribute("data-seq")))

    log.update("one more")
    draw()
    assert shown(after=500) == first
    assert shown(after=600) == first + 1
    log.add("research_paused", state="paused", reason="asked for", attempt=1)
    draw()
    assert shown(after=50) == first + 2
    log.update("another")
    draw()
    card.page.evaluate("document.body.style.paddingTop = ''")
    expect(card.node).not_to_have_attribute("data-unseen", "")
    assert shown(after=50) == first + 3


def test_bars_say_their_values(card: Card) -> None:
    card.draw(working())
    bars = card.node.get_by_role("progressbar")
    expect(bars.first).to_have_attribute("aria-label", "Progress")
    expect(bars.first).to_have_attribute("aria-valuenow", "56")
    lane = card.node.get_by_role("progressbar", name="What it is")
    expect(lane).to_have_attribute("aria-valuenow", "60")


def test_only_states_are_read_aloud(card: Card) -> None:
    log = working()
    card.draw(log)
    live = card.node.locator("[aria-live]")
    expect(live).to_have_text("")
    log.update("one more step")
    card.draw(log)
    expect(live).to_have_text("")
    log.add("research_paused", state="paused", reason="asked for", attempt=1)
    card.draw(log)
    expect(live).to_have_text("Paused")


def test_text_is_text_wherever_it_comes_from(card: Card) -> None:
    evil = '<img src=x onerror="window.owned = 1"><script>window.owned = 1</script>'
    log = Log()
    log.start()
    log.events[0]["detail"]["topic"] = evil
    log.add(
        "approval_requested", state="awaiting_approval", version=1, question=evil,
        proposal={"analysts": [{"id": evil, "name": evil, "role": evil, "description": evil}]},
    )  # fmt: skip
    card.draw(log)
    log.approve({"analysts": [{"id": evil, "name": evil}]})
    log.update(evil, analyst=evil, step=evil, analyst_done=1, analyst_total=2)
    log.add("research_failed", state="failed", code="x", cause=evil)
    card.draw(log, notice=evil)
    card.node.locator(".jr-trail summary").click()
    expect(card.node.locator(".jr-step").last).to_contain_text("Failed")
    assert card.node.locator("img, script").count() == 0
    completed(card, text=evil)
    expect(card.node.locator(".jr-report")).to_contain_text("onerror")
    assert card.node.locator("img, script").count() == 0
    assert card.page.evaluate("window.owned") is None


def test_a_failed_session_says_why_and_can_be_resumed(card: Card) -> None:
    card.draw(no_documents())
    expect(card.node.locator(".jr-error")).to_contain_text("No readable document was found here")
    card.button("Resume").click()
    assert card.calls() == [["resume", None]]


def test_a_citation_shows_its_quote_on_focus_and_the_text_around_it_on_click(card: Card) -> None:
    completed(card)
    mark = card.button("Citation 1: Security · page 4")
    expect(mark).to_be_visible()
    card.node.locator(".jr-trail summary").focus()
    for _ in range(20):
        card.page.keyboard.press("Shift+Tab")
        if mark.evaluate("node => node === document.activeElement"):
            break
    peek = card.page.get_by_role("tooltip")
    expect(peek).to_contain_text(QUOTE)
    expect(peek).to_contain_text("These words stand in the source.")
    card.page.keyboard.press("Escape")
    expect(peek).to_be_hidden()
    card.page.keyboard.press("Enter")
    expect(mark).to_have_attribute("aria-expanded", "true")
    passage = card.node.locator(".jr-passage")
    expect(passage.locator("mark")).to_have_text(QUOTE)
    expect(passage).to_contain_text("Before it.")
    expect(passage).to_contain_text("After it.")
    mark.click()
    expect(passage).to_have_count(0)


def test_a_citation_shows_its_quote_under_the_pointer_until_it_leaves(card: Card) -> None:
    completed(card)
    peek = card.page.get_by_role("tooltip")
    card.button("Citation 1: Security · page 4").hover()
    expect(peek).to_contain_text(QUOTE)
    card.node.locator(".jr-topic").hover()
    expect(peek).to_be_hidden()


def test_verdicts_that_need_care_are_marked(card: Card) -> None:
    completed(card, verdict="terms missing")
    expect(card.node.locator(".jr-claim .jr-flag")).to_have_text("terms missing")
    expect(card.node.locator(".jr-legend")).to_have_text("1 terms missing")


def test_a_form_that_cannot_be_drawn_is_not_called_one_that_could_not_be_loaded(card: Card) -> None:
    card.page.evaluate(
        """events => {
          window.addEventListener('unhandledrejection', event => {
            event.preventDefault();
            window.thrown = String(event.reason);
          });
          // Of all values the one that is no JSON: what draws it throws.
          events.at(-1).detail.proposal = 1n;
          harness.draw(events);
        }""",
        waiting().events,
    )
    card.page.wait_for_function("window.thrown?.includes('BigInt')")
    expect(card.node.get_by_role("alert")).to_have_count(0)


def test_a_report_is_downloaded_through_the_host(card: Card) -> None:
    completed(card)
    card.button("PDF").click()
    assert card.calls() == [["download", "pdf"]]


def test_what_a_cancelled_session_had_found_is_fetched_on_the_click_only(card: Card) -> None:
    end = {"state": "cancelled", "report_available": False, "limitations": ["The session was cancelled."]}
    card.give(report=report(), text=TEXT)
    early, log = working(), working()
    early.add("research_cancelled", **end)
    card.draw(early)
    show = card.button("Show what was found")
    expect(show).to_be_hidden()  # No analyst had come to an end.
    log.interview(["definition"], 3)
    log.add("research_cancelled", **end)
    card.draw(log)
    assert card.calls() == []
    show.click()
    expect(card.node.locator(".jr-report")).to_be_visible()
    expect(show).to_be_hidden()
    card.button("PDF").click()
    assert card.calls() == [["report", "partial"], ["download", "pdf", "partial"]]


def long_run(card: Card, count: int) -> Log:
    """Draw a session with so many events, and open its steps."""
    log = working()
    while len(log.events) < count:
        log.update(f"step {len(log.events) + 1}")
    card.draw(log)
    card.node.locator(".jr-trail summary").click()
    expect(card.node.locator(".jr-step").last).to_contain_text(f"step {count}")
    return log


def numbers_of(card: Card) -> list[int]:
    """Give the numbers of the steps on screen."""
    numbers: list[int] = card.node.locator(".jr-step").evaluate_all("rows => rows.map(row => row.value)")
    return numbers


def test_steps_are_drawn_when_somebody_asks_and_go_on(card: Card) -> None:
    log = working()
    card.draw(log)
    expect(card.node.locator(".jr-step")).to_have_count(0)
    card.node.locator(".jr-trail summary").click()
    expect(card.node.locator(".jr-step")).to_have_count(len(log.events))
    log.update("one more step")
    card.draw(log)
    expect(card.node.locator(".jr-step").last).to_contain_text("one more step")


def test_all_steps_can_be_had_a_page_at_a_time(card: Card) -> None:
    log = long_run(card, 2500)
    steps, earlier = card.node.locator(".jr-step"), card.button("Earlier steps")
    expect(steps).to_have_count(1000)
    expect(steps.first).to_contain_text("step 1501")
    log.update("one more step")
    card.draw(log)
    expect(steps.last).to_contain_text("one more step")
    expect(steps).to_have_count(1000)
    earlier.click()
    expect(steps).to_have_count(2000)
    earlier.click()
    expect(steps).to_have_count(len(log.events))
    expect(earlier).to_be_hidden()
    assert numbers_of(card) == list(range(1, len(log.events) + 1))


def test_earlier_steps_are_asked_for_once_while_they_are_on_their_way(card: Card) -> None:
    log = long_run(card, 2500)
    card.give(hold=True)
    card.button("Earlier steps").evaluate("button => { button.click(); button.click() }")
    log.update("meanwhile")
    card.draw(log)
    card.page.evaluate("harness.release()")
    expect(card.node.locator(".jr-step").last).to_contain_text("meanwhile")
    assert numbers_of(card) == list(range(502, 2502))


def test_earlier_steps_that_could_not_be_had_are_said_and_can_be_asked_for_again(card: Card) -> None:
    log = long_run(card, 1200)
    card.refuse("The server does not answer.")
    card.button("Earlier steps").click()
    problem = card.node.get_by_role("alert")
    expect(problem).to_have_text("The server does not answer.")
    card.refuse("")
    card.button("Earlier steps").click()
    expect(problem).to_have_count(0)
    assert numbers_of(card) == list(range(1, len(log.events) + 1))


def test_steps_that_could_not_be_had_leave_no_hole_among_the_others(card: Card) -> None:
    log = long_run(card, 60)
    while len(log.events) < 100:
        log.update(f"step {len(log.events) + 1}")
    card.refuse("The server does not answer.")
    card.draw(log, events=log.events[80:])
    expect(card.node.locator(".jr-step").last).to_contain_text("step 100")
    assert numbers_of(card) == list(range(81, 101))
    card.refuse("")
    card.button("Earlier steps").click()
    expect(card.node.locator(".jr-step").first).to_have_js_property("value", 1)
    assert numbers_of(card) == list(range(1, 101))


def test_a_start_button_sends_its_request_on_the_click_only(card: Card) -> None:
    body = {"topic": "tides", "options": {}}
    card.page.evaluate("body => harness.draw([], {start: body})", body)
    assert card.calls() == []
    card.button("Start").click()
    assert card.calls() == [["start", body]]


def test_where_the_server_is_gone_nothing_can_be_pressed_but_try_again(card: Card) -> None:
    card.draw(working(), link="stopped", asOf="2026-11-22T14:02:00Z")
    expect(card.node.get_by_text("The server answers no longer")).to_be_visible()
    expect(card.node.get_by_text("may have gone on")).to_be_visible()
    expect(card.button("Pause")).to_be_hidden()
    card.button("Try again").click()
    assert card.calls() == [["retry", None]]
    expect(card.node.locator(".jr-fresh")).to_contain_text("as of")


def test_a_report_that_could_not_be_had_comes_once_the_server_is_back(card: Card) -> None:
    card.give(report=None, text=TEXT)
    log = approved_run()
    card.draw(log, link="lost", asOf="2026-11-22T14:02:00Z")
    expect(card.node.get_by_role("alert")).to_contain_text("The session has no report yet.")
    card.give(report=report())
    card.draw(log)
    expect(card.node.locator(".jr-report")).to_be_visible()
    expect(card.node.get_by_role("alert")).to_have_count(0)


def test_a_little_of_a_budget_is_not_called_nothing(card: Card) -> None:
    log = Log()
    log.start(approve="auto")
    log.events[0]["detail"]["options"] = {"budget": {"tokens": 100_000}}
    for used, words in ((0, "0 % of the budget"), (420, "<1 % of the budget"), (2_700, "2 % of the budget")):
        log.update("a step", usage={"tokens": used})
        card.draw(log)
        expect(card.node.locator(".jr-usage")).to_contain_text(words)


def test_a_card_never_overflows_a_narrow_page(card: Card) -> None:
    card.page.set_viewport_size({"width": 400, "height": 700})
    for log in (waiting(), working(), no_documents()):
        card.draw(log)
        assert card.page.evaluate("document.documentElement.scrollWidth <= 400")
    completed(card)
    expect(card.node.locator(".jr-report")).to_be_visible()
    assert card.page.evaluate("document.documentElement.scrollWidth <= 400")
