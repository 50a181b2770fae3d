"""The command `jupyter research`, as a process of its own: what it prints, where, and how it ends."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from live import Server, environment, running_server, until

from jupyter_research.documents import Library

COMMAND = [sys.executable, "-m", "jupyter_research.cli"]
TESTING = "jupyter_research.testing"


class Terminal:
    """Run commands in one folder, with sessions of its own."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder / "here"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.environment = environment(folder, **variables)

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command without a terminal."""
        return subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=self.environment,
            text=True,
            encoding="utf-8",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *arguments: str, code: int = 0, said: str = "") -> Result:
        """Run a command to its end, with `said` as its input, and look at how it ended."""
        process = self.begin(*arguments)
        output, errors = process.communicate(said, timeout=120)
        assert process.returncode == code, (process.returncode, output, errors)
        assert "Traceback" not in errors
        return Result(output, errors)

    def sessions(self) -> list[dict[str, Any]]:
        """List the sessions, the newest first."""
        return self.run("list", "--json").objects


class Result:
    """Hold what a command has printed."""

    def __init__(self, output: str, errors: str) -> None:
        self.output = output
        self.errors = errors

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Read the output as one JSON object a line."""
        return [json.loads(line) for line in self.output.splitlines()]


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """Give a terminal where no server runs."""
    return Terminal(tmp_path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """Give a terminal where one session has been run; not to be changed."""
    terminal = Terminal(tmp_path_factory.mktemp("finished"))
    terminal.run("run", "--researcher", f"{TESTING}:steps", "what is there?")
    return terminal


def test_run_prints_the_report_alone_and_tells_the_progress_beside(terminal: Terminal) -> None:
    result = terminal.run("run", "--researcher", f"{TESTING}:steps", "what", "is", "it?")
    assert result.output.startswith("# what is it?\n\n<!-- jupyter-research report -->")
    assert "This took 3 steps." in result.output
    assert "[1/3] Step 1 of 3." in result.errors
    assert "Step" not in result.output
    assert [item["topic"] for item in terminal.sessions()] == ["what is it?"]


def test_run_reads_the_topic_from_the_input(terminal: Terminal) -> None:
    result = terminal.run("run", "--researcher", f"{TESTING}:steps", "-", said="from $HOME & 'beyond'?\n")
    assert result.output.startswith("# from &#36;HOME & 'beyond'?\n")


def test_run_gives_options_to_the_researcher(terminal: Terminal) -> None:
    result = terminal.run("run", "--researcher", f"{TESTING}:steps", "--set", "steps=2", "why?")
    assert "This took 2 steps." in result.output


def test_json_gives_each_event_and_then_the_report(terminal: Terminal) -> None:
    *events, last = terminal.run("run", "--json", "--researcher", f"{TESTING}:steps", "why?").objects
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[0]["kind"] == "session_started"
    assert events[-1]["kind"] == "research_completed"
    assert last["snapshot"]["state"] == "completed"
    assert last["report"]["topic"] == "why?"


@pytest.mark.parametrize(
    ("name", "begin"),
    [
        ("r.md", b"# "),
        ("r.html", b"<!DOCTYPE html>"),
        ("r.pdf", b"%PDF-"),
        ("r.docx", b"PK"),
        ("r.ipynb", b"{"),
    ],
)
def test_the_ending_of_the_output_names_the_format(terminal: Terminal, name: str, begin: bytes) -> None:
    result = terminal.run("run", "--researcher", f"{TESTING}:steps", "--output", name, "why?")
    assert (terminal.folder / name).read_bytes().startswith(begin)
    assert result.output == ""
    assert f"The report is in {name}." in result.errors


def test_a_failed_session_ends_with_1_and_its_cause(terminal: Terminal) -> None:
    result = terminal.run("run", "--researcher", f"{TESTING}:fails", "gold", code=1)
    assert result.output == ""
    assert "There is nothing to be found about gold." in result.errors.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "usage:"),
        (("fly",), "invalid choice"),
        (("run",), "There is no topic"),
        (("run", "  "), "There is no topic"),
        (("run", "x" * 4001), "4,001 characters"),
        (("run", "--analysts", "many", "why?"), "invalid int value"),
        (("run", "--analysts", "11", "why?"), "analysts"),
        (("run", "--ask", "--yes", "why?"), "not allowed with"),
        (("run", "--budget", "seconds", "why?"), "KEY=NUMBER"),
        (("run", "--set", "steps", "why?"), "NAME=VALUE"),
        (("run", "--format", "rtf", "why?"), "invalid choice"),
        (("run", "-o", "report.rtf", "why?"), "names no format"),
        (("run", "--researcher", "nobody", "why?"), "nobody"),
        (("run", "--researcher", "no.such:thing", "why?"), "no.such:thing"),
        (("run", "--source", "/nowhere/at/all", "why?"), "does not exist"),
        (("run", "--model", "no-such-model", "why?"), "no-such-model"),
        (("show", "0123456789"), "There is no session 0123456789"),
        (("list", "--state", "sleeping"), "invalid choice"),
        (("approve", "0123", "--edit", "nowhere.json"), "nowhere.json cannot be read"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else "",
)
def test_bad_arguments_end_with_2_and_one_sentence(
    finished: Terminal, arguments: tuple[str, ...], sentence: str
) -> None:
    result = finished.run(*arguments, code=2)
    assert result.output == ""
    assert sentence in result.errors
    if not result.errors.startswith("usage:"):
        assert len(result.errors.splitlines()) == 1


def test_a_bare_number_of_a_budget_is_money_as_in_a_notebook() -> None:
    from jupyter_research.cli.arguments import parse

    given = parse(["run", "--budget", "0.50", "--budget", "calls=5", "why?"])
    assert dict(given.budget) == {"money": 0.5, "calls": 5}


def test_an_interrupt_ends_with_130_and_resume_goes_on(terminal: Terminal) -> None:
    process = terminal.begin("run", "--researcher", f"{TESTING}:slow", "--set", "until=go", "why?")
    assert process.stderr is not None
    line = until(lambda: "Working." in process.stderr.readline(), "the work")  # type: ignore[union-attr]
    assert line
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    (session,) = terminal.sessions()
    assert session["state"] == "interrupted"
    assert f"jupyter research resume {session['session_id'][:8]}" in errors
    (terminal.folder / "go").touch()
    result = terminal.run("resume", session["session_id"][:8])
    assert "This was slow." in result.output


def test_a_session_that_asks_can_be_approved_with_changes(terminal: Terminal) -> None:
    result = terminal.run("run", "--ask", "--researcher", f"{TESTING}:asks", "why?", code=1)
    (session,) = terminal.sessions()
    name = session["session_id"][:8]
    assert f"jupyter research approve {name}" in result.errors
    assert '"What"' in terminal.run("show", name).errors
    terminal.run("export", name, code=1)
    (terminal.folder / "edit.json").write_text('{"sections": ["How"]}')
    result = terminal.run("approve", name, "--edit", "edit.json")
    assert "How: why?." in result.output
    assert "What" not in result.output


def test_a_session_that_asks_can_be_cancelled(terminal: Terminal) -> None:
    terminal.run("run", "--ask", "--researcher", f"{TESTING}:asks", "why?", code=1)
    name = terminal.sessions()[0]["session_id"]
    assert terminal.run("cancel", name).output == f"{name[:8]}: Cancelled\n"
    assert terminal.run("resume", name, code=1).errors.count("\n") == 1


def test_a_session_that_is_deleted_is_gone_with_its_files(terminal: Terminal) -> None:
    terminal.run("run", "--ask", "--researcher", f"{TESTING}:asks", "why?", code=1)
    name = terminal.sessions()[0]["session_id"]
    assert terminal.run("delete", name[:8]).output == f"{name[:8]}: Deleted\n"
    assert terminal.sessions() == []
    assert name in terminal.run("delete", name, code=2).errors
    assert not list(terminal.folder.parent.rglob(name))


def test_list_and_show_and_export_and_tail_tell_of_a_finished_session(finished: Terminal) -> None:
    from pypdf import PdfReader

    (session,) = finished.sessions()
    name = session["session_id"]
    line = finished.run("list").output.rstrip("\n").split("\t")
    assert (line[0], line[1], line[3]) == (name[:8], "completed", "what is there?")
    shown = finished.run("show", name[:6])
    assert shown.output.startswith("# what is there?")
    assert "Completed" in shown.errors
    assert finished.run("show", name, "--json").objects[0]["report"]["session_id"] == name
    assert json.loads(finished.run("export", name, "--format", "json").output)["session_id"] == name
    finished.run("export", name, "report.pdf")
    assert PdfReader(io.BytesIO((finished.folder / "report.pdf").read_bytes())).pages
    assert "[3/3] Step 3 of 3." in finished.run("tail", name).errors
    assert [event["seq"] for event in finished.run("tail", name, "--json").objects] == list(
        range(1, session["last_seq"] + 1)
    )


def test_an_empty_list_says_how_to_begin(terminal: Terminal) -> None:
    assert "jupyter research demo" in terminal.run("list").errors


def test_a_reader_that_leaves_early_is_no_error(finished: Terminal) -> None:
    with finished.begin("show", "--json", finished.sessions()[0]["session_id"]) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert not re.search("Traceback|BrokenPipe|Exception", process.stderr.read())


def asked(terminal: Terminal) -> Any:
    """Begin a session that asks, on a pseudo-terminal."""
    import pexpect

    return pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], "run", "--ask", "--researcher", f"{TESTING}:asks", "why?"],
        cwd=str(terminal.folder),
        env={**terminal.environment, "TERM": "xterm"},
        encoding="utf-8",
        timeout=120,
    )


@pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals")
def test_on_a_terminal_a_person_is_asked_and_bars_move(terminal: Terminal) -> None:
    child = asked(terminal)
    child.expect("Which sections shall the report have")
    child.expect("Approve")
    child.sendline("yes")
    child.expect("Completed")
    child.expect("What: why")
    child.read()  # To the end.
    child.close()
    assert child.exitstatus == 0


@pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals")
def test_quitting_at_the_question_leaves_the_session_waiting(terminal: Terminal) -> None:
    child = asked(terminal)
    child.expect("Approve")
    child.sendline("q")
    child.expect("waits for approval")
    child.read()  # To the end.
    child.close()
    assert child.exitstatus == 1
    assert [item["state"] for item in terminal.sessions()] == ["awaiting_approval"]


# With real documents


LIBRARY = {
    "tokens.md": "# Tokens\n\nA token is stored as a hash. The plain token is shown once, when it is made.\n",
    "cookies.txt": "A cookie is signed with a secret that only the server has. Cookies expire after a day.\n",
}


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """Give a terminal in a folder with documents."""
    terminal = Terminal(tmp_path_factory.mktemp("reader"))
    for name, text in LIBRARY.items():
        (terminal.folder / name).write_text(text, encoding="utf-8")
    return terminal


def test_a_run_over_the_current_folder_quotes_its_files_word_for_word(reader: Terminal) -> None:
    last = reader.run("run", "--json", "what is a cookie?").objects[-1]
    claims = [claim for section in last["report"]["sections"] for claim in section["claims"]]
    paths = {source["id"]: source["path"] for source in last["report"]["sources"]}
    cited = [citation for claim in claims for citation in claim["citations"]]
    assert "cookies.txt" in paths.values()
    assert cited
    for citation in cited:
        assert LIBRARY[paths[citation["source"]]][citation["start"] : citation["end"]] == citation["quote"]


def test_a_printed_report_lists_each_source_on_one_line(reader: Terminal) -> None:
    output = reader.run("run", "--source", "tokens.md", "what is a token?").output
    listed = output.split("\n## Sources\n")[1].split("\n## How this was made\n")[0].split()
    assert listed[:3] == ["[1]", "Tokens,", "tokens.md,"]
    assert "“A token is stored as a hash.” [1]" in output


def test_search_gives_passages_with_their_places(reader: Terminal) -> None:
    (found,) = reader.run("search", "--json", "signed", "cookie").objects
    assert found["path"] == "cookies.txt"
    assert LIBRARY["cookies.txt"][found["start"] : found["end"]] == found["quote"]
    text = reader.run("search", "--source", "tokens.md", "plain token").output
    assert text.startswith("[1] Tokens, tokens.md\n") or text.startswith("[1] Tokens, tokens.md, § Tokens\n")
    assert "The plain token is shown once" in text


def test_search_without_a_hit_says_so(reader: Terminal) -> None:
    result = reader.run("search", "zebras")
    assert result.output == ""
    assert "Nothing was found" in result.errors


def test_a_folder_without_documents_ends_with_1_and_lines_to_copy(terminal: Terminal) -> None:
    for command in (("run", "why?"), ("search", "why?")):
        result = terminal.run(*command, code=1)
        assert "--source example" in result.errors
        assert result.output == ""


@pytest.mark.parametrize(
    "arguments", [("search", " "), ("search", "-k", "0", "x"), ("search", "--source", "no/such", "x")]
)
def test_a_search_that_makes_no_sense_ends_with_2(reader: Terminal, arguments: tuple[str, ...]) -> None:
    assert reader.run(*arguments, code=2).errors.count("\n") == 1


def test_the_demo_reads_our_own_documentation(terminal: Terminal) -> None:
    result = terminal.run("demo", "--analysts", "2", "--turns", "1", "--output", "report.html")
    text = (terminal.folder / "report.html").read_text(encoding="utf-8")
    assert "found word for word in" in text
    assert result.output == ""


def test_indexes_are_listed_with_their_place_and_size_and_forgotten(terminal: Terminal) -> None:
    (terminal.folder / "papers").mkdir()
    (terminal.folder / "papers" / "tokens.md").write_text(LIBRARY["tokens.md"], encoding="utf-8")
    assert "No index is kept" in terminal.run("library", "list").errors
    terminal.run("search", "--source", "papers", "token")
    (kept,) = terminal.run("library", "list", "--json").objects
    assert (kept["sources"], kept["folder"], kept["documents"]) == (["papers"], str(terminal.folder), 1)
    assert kept["bytes"] == Path(kept["path"]).stat().st_size > 0
    text = terminal.run("library", "list").output
    assert f"papers from {terminal.folder}: 1 documents" in text
    assert kept["path"] in text
    assert "library list" in terminal.run("library", "forget", "other", code=2).errors
    terminal.run("library", "forget", code=2)
    assert "Forgotten: papers" in terminal.run("library", "forget", "papers").errors
    assert not Path(kept["path"]).exists()
    assert terminal.run("library", "list", "--json").objects == []


def test_an_index_in_use_is_not_forgotten(terminal: Terminal) -> None:
    (terminal.folder / "cookies.txt").write_text(LIBRARY["cookies.txt"], encoding="utf-8")
    terminal.run("search", "cookie")
    (kept,) = terminal.run("library", "list", "--json").objects
    with closing(Library(Path(kept["path"]), ())) as library:
        assert library.size() == 1
        assert "in use" in terminal.run("library", "forget", "--all", code=1).errors
    assert Path(kept["path"]).exists()
    assert terminal.run("library", "forget", "--all", "--json").objects[0]["path"] == kept["path"]


def test_an_index_for_everybody_is_built_into_the_folder(terminal: Terminal) -> None:
    for name, text in LIBRARY.items():
        (terminal.folder / name).write_text(text, encoding="utf-8")
    (terminal.folder / "empty.md").touch()
    result = terminal.run("library", "index", ".")
    assert "empty.md could not be read: empty." in result.errors
    assert f"ResearchApp.libraries names {terminal.folder}" in result.output
    (built,) = terminal.run("library", "index", "--json", ".").objects
    assert (built["documents"], Path(built["path"]).stat().st_size) == (2, built["bytes"])
    terminal.run("library", "index", "no/such/folder", code=2)


# With a server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give a running server whose sessions the commands use."""
    with running_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def beside(server: Server) -> Terminal:
    """Give a terminal of the person whose server runs, in the server's root folder."""
    terminal = Terminal(server.folder)
    terminal.folder = server.root
    return terminal


def test_the_sessions_are_those_of_the_running_server(server: Server, beside: Terminal) -> None:
    result = beside.run("run", "--researcher", "steps", "in the server?")
    assert "This took 3 steps." in result.output
    newest = server.sessions()[0]
    assert newest["topic"] == "in the server?"
    assert beside.sessions()[0]["session_id"] == newest["session_id"]
    assert beside.run("show", newest["session_id"][:8]).output == result.output


def test_a_session_of_the_server_can_be_decided_from_the_terminal(server: Server, beside: Terminal) -> None:
    body = {"topic": "decide?", "researcher": "asks", "approve": "ask"}
    session = server.ask("POST", "research/api/sessions", body)["session_id"]
    until(lambda: server.session(session)["state"] == "awaiting_approval", "the question")
    beside.run("approve", session[:8])
    until(lambda: server.session(session)["state"] == "completed", "the end")


def test_an_interrupt_leaves_the_server_working(server: Server, beside: Terminal) -> None:
    process = beside.begin("run", "--researcher", "slow", "--set", "until=never", "slowly?")
    assert process.stderr is not None
    assert until(lambda: "Working." in process.stderr.readline(), "the work")  # type: ignore[union-attr]
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    session = server.sessions()[0]
    assert session["state"] == "researching"
    assert f"jupyter research tail {session['session_id'][:8]}" in errors
    beside.run("cancel", session["session_id"])
    assert server.session(session["session_id"])["state"] == "cancelled"


def test_in_process_uses_no_server(server: Server, beside: Terminal) -> None:
    before = len(server.sessions())
    beside.run("run", "--in-process", "--researcher", f"{TESTING}:steps", "alone?")
    # The server shows what was done beside it, and could not have done it: it knows no such researcher.
    shown = server.sessions()[0]
    assert (shown["topic"], shown["researcher"], shown["state"]) == (
        "alone?",
        f"{TESTING}:steps",
        "completed",
    )
    assert len(server.sessions()) == before + 1


def test_what_the_server_may_not_read_is_done_here(server: Server, tmp_path: Path) -> None:
    elsewhere = Terminal(server.folder)
    elsewhere.folder = tmp_path
    (tmp_path / "cookies.txt").write_text(LIBRARY["cookies.txt"], encoding="utf-8")
    before = len(server.sessions())
    result = elsewhere.run("run", "what is a cookie?")
    assert "This is done here" in result.errors
    assert "cookies.txt" in result.output
    # The server shows what was done beside it.
    assert len(server.sessions()) == before + 1


def test_a_researcher_of_the_server_works_there_wherever_one_stands(server: Server, tmp_path: Path) -> None:
    elsewhere = Terminal(server.folder)
    elsewhere.folder = tmp_path
    assert "This took 3 steps." in elsewhere.run("run", "--researcher", "steps", "from elsewhere?").output
    assert server.sessions()[0]["researcher"] == "steps"


def test_a_relative_source_means_the_same_to_the_server(server: Server, beside: Terminal) -> None:
    (server.root / "deep").mkdir()
    (server.root / "deep" / "cookies.txt").write_text(LIBRARY["cookies.txt"], encoding="utf-8")
    deep = Terminal(server.folder)
    deep.folder = server.root / "deep"
    result = deep.run("run", "--source", "cookies.txt", "what is a cookie?")
    assert "[1] cookies, deep/cookies.txt" in result.output
    assert server.sessions()[0]["topic"] == "what is a cookie?"


def test_a_named_server_that_is_gone_is_one_sentence(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, JUPYTER_RESEARCH_URL="http://127.0.0.1:9/")
    result = terminal.run("list", code=1)
    assert "does not answer" in result.errors
    assert result.errors.count("\n") == 1
