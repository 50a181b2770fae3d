"""Run `%research` in a real kernel of a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from live import MIME, Kernel, Run, Server, running_server, until

STEPS = "--researcher steps"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="module")
def kernel(server: Server) -> Iterator[Kernel]:
    kernel = server.start_kernel()
    kernel.run("%load_ext jupyter_research")
    yield kernel
    kernel.close()


def topic(run: Run) -> str:
    (card,) = run.cards
    return str(card[MIME]["snapshot"]["topic"])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (
            "how does a Jupyter server keep its users apart?",
            "how does a Jupyter server keep its users apart?",
        ),
        ("what is a kernel??", "what is a kernel??"),
        ("what's the server's root folder?", "what's the server's root folder?"),
        ("what do $HOME and {x} mean?", "what do $HOME and {x} mean?"),
        ('who said "it works"?', 'who said "it works"?'),
        ("is 50 % enough # or not?", "is 50 % enough # or not?"),
        ("why\\how", "why\\how"),
        ("ends in a semicolon?;", "ends in a semicolon?"),
    ],
)
def test_a_topic_is_taken_as_typed(kernel: Kernel, typed: str, meant: str) -> None:
    assert topic(kernel.run(f"%research {STEPS} {typed}")) == meant


@pytest.mark.parametrize(
    "cell",
    [
        "%research {0} is it shown once?",
        "%research {0} is it shown once?;",
        "s = %research {0} is it shown once?",
        "s = %research {0} is it shown once?;",
        "if True:\n    %research {0} is it shown once?",
        "if True:\n    s = %research {0} is it shown once?",
        "for n in range(1):\n    %research {0} is it shown once?",
        "%%research {0}\nis it shown once?",
        "x = 1\n%research {0} is it shown once?",
        "%research {0} is it shown once?\nx = 1",
        "%load_ext jupyter_research\n%research {0} is it shown once?",
        "%reload_ext jupyter_research\ns = %research {0} is it shown once?",
        "from jupyter_research import research; research('is it shown once?', researcher='steps')",
        "from jupyter_research import research; s = research('is it shown once?', researcher='steps')",
    ],
)
def test_the_card_shows_exactly_once(kernel: Kernel, cell: str) -> None:
    run = kernel.run(cell.format(STEPS))
    assert topic(run) == "is it shown once?"
    assert run.result is None


def test_a_loop_shows_one_card_for_each_turn(kernel: Kernel) -> None:
    run = kernel.run(f"for n in range(3):\n    %research {STEPS} again and again?")
    assert len(run.cards) == 3


def test_the_two_lines_of_the_readme_work_in_one_cell(server: Server) -> None:
    kernel = server.start_kernel("first.ipynb")
    run = kernel.run(f"%load_ext jupyter_research\nfound = %research {STEPS} what keeps users apart?")
    assert topic(run) == "what keeps users apart?"
    assert kernel.value("found.id") == run.session_id
    # The help itself is as it was.
    assert kernel.value("get_ipython().magics_manager.magics['line']['pinfo'].__name__") == "pinfo"
    kernel.close()


def test_the_topic_of_a_cell_magic_is_its_body(kernel: Kernel) -> None:
    run = kernel.run(f"%%research {STEPS}\nwhat's one line?\nand $another {{one}}??")
    assert topic(run) == "what's one line?\nand $another {one}??"


def test_a_magic_inside_a_string_stays_text(kernel: Kernel) -> None:
    assert kernel.value('"""\n%research is this run?\n"""') == "\n%research is this run?\n"


def test_the_first_line_of_the_issue_gives_a_report_with_citations(kernel: Kernel) -> None:
    topic = "how does a Jupyter server keep its users apart?"
    run = kernel.run(f"%research --ask --source example {topic}")
    kernel.run("session = _")
    until(lambda: kernel.value("session.state") == "awaiting_approval")
    kernel.run("team = session.snapshot['proposal']; team['analysts'] = team['analysts'][:1]")
    kernel.run("session.approve(team)")
    assert kernel.value("session.wait(120).state") == "completed"
    assert len(kernel.value("[a['id'] for a in session.snapshot['analysts']]")) == 1
    kernel.run(
        "def exact(c): return session.client.source(session.id, c.source)['text'][c.start:c.end] == c.quote"
    )
    verdicts = kernel.value("[exact(c) for claim in session.report.claims() for c in claim.citations]")
    assert len(verdicts) >= 5
    assert all(verdicts)
    kernel.wait_for(lambda: any("text/markdown" in data for data in run.shown), "the end")
    assert "\n## Sources\n\n[1] " in run.shown[-1]["text/markdown"]
    assert kernel.value("len(session.search('owner of a session', k=3))") == 3
    (table,) = kernel.run("session.search('owner of a session', k=3)").of("execute_result")
    assert "<table" in table["data"]["text/html"]
    assert "jupyter_research" in table["metadata"]
    answer = kernel.run("session.ask('what does a guest read?')")
    (shown,) = [output["data"] for output in answer.of("execute_result")]
    assert "<!-- jupyter-research report -->" in shown["text/markdown"]
    assert "## What these sources say" in shown["text/markdown"]


def test_the_body_of_another_cell_magic_stays_as_it_is(kernel: Kernel, server: Server) -> None:
    kernel.run("%%writefile typed.txt\n%research is this run?")
    assert (server.root / "typed.txt").read_text() == "%research is this run?\n"


def test_the_result_is_the_session(kernel: Kernel) -> None:
    run = kernel.run(f"%research {STEPS} what is underscore?")
    assert kernel.run("session = _").cards == []
    assert kernel.value("session.id") == run.session_id
    assert kernel.value("session.wait(90).state") == "completed"
    assert "This took 3 steps." in kernel.value("session.report.text")


def test_a_session_shown_later_has_a_card_there(kernel: Kernel) -> None:
    run = kernel.run(f"s = %research {STEPS} shown later?")
    assert kernel.run("s").session_id == run.session_id


def test_the_kernel_is_free_while_a_session_works(kernel: Kernel, server: Server, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    run = kernel.run(f"s = %research --researcher slow --set until={stop} is the kernel free?")
    assert kernel.run("6 * 7").result == "42"
    assert server.session(run.session_id)["state"] == "researching"
    assert server.ask("GET", "api/status")["kernels"] >= 1
    stop.touch()
    assert kernel.value("s.wait(90).state") == "completed"


def test_the_saved_output_shows_the_end(kernel: Kernel, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    run = kernel.run(f"%research --researcher slow --set until={stop} what does the file keep?")
    kernel.run("'another cell, so that its output could be mistaken for the first one'")
    stop.touch()
    kernel.wait_for(lambda: any(MIME in data and "text/markdown" in data for data in run.shown), "the end")
    last = run.shown[-1]
    assert last[MIME]["snapshot"]["state"] == "completed"
    assert "This was slow." in last["text/markdown"]
    assert "This was slow." in last["text/html"]
    shown = {content["transient"]["display_id"] for content in run.of("display_data") if content["transient"]}
    updated = {content["transient"]["display_id"] for content in run.of("update_display_data")}
    assert updated <= shown


def test_the_server_gives_the_output_that_the_kernel_wrote(kernel: Kernel, server: Server) -> None:
    run = kernel.run(f"%research {STEPS} who writes the end into the file?")
    kernel.wait_for(lambda: any("text/markdown" in data for data in run.shown), "the end")
    written = run.shown[-1]
    given = server.ask("GET", f"research/api/sessions/{run.session_id}/output")
    for bundle in (written, given):
        bundle[MIME].pop("as_of")
        bundle[MIME]["snapshot"].pop("viewers", None)
    assert given == written


def test_the_bundle_carries_neither_address_nor_token(kernel: Kernel, server: Server) -> None:
    (card,) = kernel.run(f"%research {STEPS} what is in the output?").cards
    assert set(card) >= {MIME, "text/html", "text/plain"}
    assert card[MIME]["schema"] == 1
    assert card[MIME]["where"] == "server"
    assert "127.0.0.1" not in str(card)
    assert server.token not in str(card)


def test_a_cell_run_again_rejoins_its_session(kernel: Kernel) -> None:
    line = f"%research {STEPS} is it the same?"
    first = kernel.run(line, cell="one")
    again = kernel.run(line, cell="one")
    assert again.session_id == first.session_id
    assert "--new starts afresh" in again.text
    assert kernel.run(line, cell="two").session_id != first.session_id
    assert kernel.run(f"%research {STEPS} is it another?", cell="one").session_id != first.session_id


def test_new_starts_afresh_and_is_what_the_cell_rejoins_then(kernel: Kernel) -> None:
    line = f"%research {STEPS} is it new?"
    first = kernel.run(line, cell="three")
    new = kernel.run(line.replace("%research", "%research --new"), cell="three")
    assert new.session_id != first.session_id
    assert "afresh" not in new.text
    assert kernel.run(line, cell="three").session_id == new.session_id


def test_a_session_is_found_again_after_a_kernel_restart(kernel: Kernel, server: Server) -> None:
    first = kernel.run(f"%research {STEPS} is it lost?")
    other = server.start_kernel("other.ipynb")
    other.run("%load_ext jupyter_research")
    assert other.run("%research --open").session_id == first.session_id
    assert other.run(f"%research --open {first.session_id[:8]}").session_id == first.session_id
    assert first.session_id in other.value("[s.id for s in __import__('jupyter_research').sessions()]")
    other.close()


def test_a_bare_magic_shows_the_help_and_the_last_sessions(kernel: Kernel) -> None:
    kernel.run(f"%research {STEPS} is it in the list?")
    run = kernel.run("%research")
    assert run.cards == []
    assert "--source NAME" in run.text
    assert "is it in the list?" in run.text
    assert 1 <= run.text.count("\n[") <= 5


def test_a_question_mark_behind_the_magic_shows_its_help(kernel: Kernel, server: Server) -> None:
    before = len(server.sessions())
    assert "--source NAME" in kernel.help("%research?")
    assert "--source NAME" in kernel.help("%research??")
    assert len(server.sessions()) == before


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("--nope what?", "There is no option --nope"),
        ("--analysts many what?", "--analysts takes a whole number"),
        ("--source", "--source needs a value"),
        ("--budget lots what?", "--budget takes an amount of money or KEY=NUMBER"),
        ("--set steps what?", "--set takes NAME=VALUE"),
        ("--ask --yes what?", "Either --ask or --yes"),
        ("--researcher nobody what?", "nobody"),
        ("--researcher steps --set nope=1 what?", "nope"),
        ("--analysts 0 what?", "analysts"),
        ("--analysts 11 what?", "analysts"),
        ("x" * 4001, "4,000"),
        ("--open nothing", "There is no session nothing"),
    ],
)
def test_bad_arguments_give_one_sentence_and_no_traceback(kernel: Kernel, line: str, sentence: str) -> None:
    run = kernel.run(f"%research {line}", ok=False)
    assert run.text.startswith("UsageError: ")
    assert sentence in run.text
    assert len(run.text.strip().splitlines()) == 1
    assert run.cards == []
    assert run.of("error") == []


def test_a_report_is_not_ready_before_the_end(kernel: Kernel, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    kernel.run(f"s = %research --researcher slow --set until={stop} is it ready?")
    for code in ("s.report", "s.sources", "s.claims"):
        error = kernel.run(code, ok=False).error
        assert error is not None
        assert error.startswith("NotReady: ")
        assert "researching" in error
    stop.touch()
    assert kernel.value("s.wait(90).report.topic") == "is it ready?"


def test_waiting_says_when_a_person_is_waited_for(kernel: Kernel) -> None:
    kernel.run("s = %research --researcher asks shall I?")
    until(lambda: kernel.value("s.state") == "awaiting_approval")
    error = kernel.run("s.wait()", ok=False).error
    assert error is not None
    assert error.startswith("WaitsForApproval: ")
    assert "Which sections" in error
    kernel.run("s.approve({'sections': ['Only this']})")
    assert kernel.value("[x.heading for x in s.wait(90).report.sections]") == ["Only this"]


def test_waiting_has_an_end_of_its_own(kernel: Kernel, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    kernel.run(f"s = %research --researcher slow --set until={stop} how long?")
    error = kernel.run("s.wait(0.2)", ok=False).error
    assert error is not None
    assert error.startswith("TimeoutError: ")
    assert kernel.value("s.state") == "researching"
    stop.touch()


def test_interrupting_a_wait_leaves_the_session_working(server: Server, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    kernel = server.start_kernel("interrupted.ipynb")
    kernel.run("%load_ext jupyter_research")
    run = kernel.run(f"s = %research --researcher slow --set until={stop} does it go on?")
    # A kernel that is busy may not have begun the cell, and ignores an interrupt until then.
    waiting = kernel.begin("print('here'); s.wait()")
    kernel.wait_for(lambda: "here" in waiting.text, "the wait")
    server.ask("POST", f"api/kernels/{kernel.id}/interrupt")
    kernel.wait_for(lambda: kernel.idle(waiting), "the end of the wait")
    assert (waiting.error or "").startswith("KeyboardInterrupt")
    assert server.session(run.session_id)["state"] == "researching"
    stop.touch()
    assert kernel.value("s.wait(90).state") == "completed"
    kernel.close()


def test_with_wait_the_cell_ends_with_the_report(kernel: Kernel) -> None:
    run = kernel.run(f"%research --wait --new {STEPS} is it done?")
    assert [data[MIME]["snapshot"]["state"] for data in run.shown][-1] == "completed"
    assert len(run.cards) == 1


def test_a_session_can_be_paused_resumed_and_cancelled(kernel: Kernel, tmp_path: Path) -> None:
    kernel.run(f"s = %research --researcher slow --set until={tmp_path / 'never'} shall I stop?")
    until(lambda: kernel.value("s.state") == "researching")
    kernel.run("s.pause()")
    error = kernel.run("s.wait()", ok=False).error
    assert error is not None
    assert "paused" in error
    kernel.run("s.resume()")
    until(lambda: kernel.value("s.state") == "researching")
    kernel.run("s.cancel()")
    assert kernel.value("s.wait(90).state") == "cancelled"
    assert kernel.value("[e['seq'] for e in s.events()]") == list(
        range(1, kernel.value("s.snapshot['last_seq']") + 1)
    )


def test_the_notebook_is_named_as_the_server_knows_it(server: Server) -> None:
    (server.root / "deep").mkdir(exist_ok=True)
    kernel = server.start_kernel("deep/here.ipynb")
    kernel.run("%load_ext jupyter_research")
    run = kernel.run(f"%research {STEPS} where am I?")
    assert server.session(run.session_id)["notebook"] == "deep/here.ipynb"
    kernel.close()


NOTEBOOK = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {},
    "cells": [
        {
            "id": "one",
            "cell_type": "markdown",
            "metadata": {},
            "source": "# Lakes\n\nThe deepest lake of the survey is Lake Como, with 425 metres.",
        }
    ],
}


def sources(kernel: Kernel) -> list[tuple[str, str]]:
    """Give path and kind of what the report of the session `s` cites."""
    return [tuple(pair) for pair in kernel.value("[[one.path, one.kind] for one in s.report.sources]")]


def test_the_cells_of_the_notebook_are_cited_as_saved_and_as_run_since(server: Server) -> None:
    (server.root / "lakes.ipynb").write_text(json.dumps(NOTEBOOK))
    (server.root / "other.md").write_text("The deepest lake of another survey is Lake Garda.")
    kernel = server.start_kernel("lakes.ipynb")
    kernel.run("%load_ext jupyter_research")
    kernel.run("'The deepest lake that was measured again is Lake Iseo, with 251 metres.'")
    run = kernel.run("s = %research --cells --wait what is the deepest lake?")
    # The cell run again finds its session, though it is itself a cell that has run meanwhile.
    again = kernel.run("s = %research --cells --wait what is the deepest lake?")
    assert again.session_id == run.session_id
    snapshot = server.session(run.session_id)
    assert snapshot["options"]["local_only"] is True
    assert snapshot["options"]["documents"][0]["name"] == "the cells of lakes.ipynb"
    assert "425 metres" not in json.dumps(snapshot)
    cited = kernel.value("[[c.cell, c.quote] for one in s.report.claims() for c in one.citations]")
    assert [0, "The deepest lake of the survey is Lake Como, with 425 metres."] in cited
    assert any(cell == 2 and "251 metres" in quote for cell, quote in cited)
    assert sources(kernel) == [("the cells of lakes.ipynb", "notebook")]
    assert kernel.value("s.search('deepest')[0:1].to_dict('records')[0]['cell']") in (0, 2)
    kernel.close()


def test_a_data_frame_is_described_where_it_is_and_cited(kernel: Kernel, server: Server) -> None:
    kernel.run("import pandas; lakes = pandas.DataFrame({'depth': [425, 346], 'lake': ['Como', 'Garda']})")
    run = kernel.run("s = %research --data lakes --wait what is the mean depth of the lakes?")
    assert server.session(run.session_id)["options"]["local_only"] is True
    quotes = kernel.value("[c.quote for one in s.report.claims() for c in one.citations]")
    assert any(quote.startswith("The mean of depth is 385.5") for quote in quotes)
    assert sources(kernel) == [("lakes", "markdown")]
    by_name = (
        "jupyter_research.research('what is the mean depth?', data={'x': lakes}, in_kernel=True, wait=True)"
    )
    kernel.run(f"import jupyter_research; s = {by_name}")
    assert sources(kernel) == [("x", "markdown")]


def test_a_folder_is_searched_without_a_session_and_read_once_for_all_kernels(server: Server) -> None:
    (server.root / "tides").mkdir()
    (server.root / "tides" / "mill.md").write_text("# Mills\n\nThe sluice gates close by themselves.\n")
    for start in range(2):
        kernel = server.start_kernel(f"search{start}.ipynb")
        kernel.run(
            "from jupyter_research import library; found = library('tides/').search('gate closing', k=5)"
        )
        (passage,) = kernel.value("found.to_dict('records')")
        assert passage["quote"] == "The sluice gates close by themselves."
        assert passage["heading"] == "Mills"
        kernel.close()
    indexes = list((server.folder / "data" / "research").glob("indexes.*/*.sqlite"))
    assert len(indexes) == 1


def test_what_is_no_data_frame_is_told_in_one_sentence(kernel: Kernel) -> None:
    kernel.run("words = ['a']")
    for name, sentence in (("nothing", "no variable nothing"), ("words", "no pandas DataFrame")):
        run = kernel.run(f"%research --data {name} what?", ok=False)
        assert sentence in run.text
        assert run.cards == []
