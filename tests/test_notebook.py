"""Work without a server: in a kernel, in a notebook that runs by itself, in a terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from live import MIME, Kernel, environment, running_server, until
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from jupyter_research.errors import InvalidRequest
from jupyter_research.export import card
from jupyter_research.notebook import library
from jupyter_research.request import Request

TEXT = "A server keeps its users apart by tokens. Each user of a hub has a server of their own. " * 5


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with a document in it."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "users.md").write_text(f"# Users\n\n{TEXT}\n")
    return folder


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """Give a kernel whose server does not have the extension."""
    with running_server(tmp_path_factory.mktemp("server"), extension=False) as server:
        (server.root / "users.md").write_text(f"# Users\n\n{TEXT}\n")
        kernel = server.start_kernel()
        kernel.run("%load_ext jupyter_research\nimport jupyter_research as j")
        yield kernel
        kernel.close()


def test_a_server_without_the_extension_is_no_silent_way_into_the_kernel(kernel: Kernel) -> None:
    run = kernel.run("%research what keeps users apart?", ok=False)
    assert run.cards == []
    assert "add --in-kernel" in run.text


def test_in_the_kernel_the_card_says_so(kernel: Kernel) -> None:
    run = kernel.run("s = %research --in-kernel --ask what keeps users apart?")
    (shown,) = run.cards
    assert shown[MIME]["where"] == "kernel"
    assert card.IN_KERNEL in shown["text/html"]
    assert card.IN_KERNEL in shown["text/plain"]
    until(lambda: kernel.value("s.state") == "awaiting_approval")
    kernel.run("s.approve()")
    assert kernel.value("s.wait(90).state") == "completed"
    kernel.wait_for(lambda: any("text/markdown" in data for data in run.shown), "the end")
    assert card.IN_KERNEL not in run.shown[-1]["text/plain"]
    assert kernel.value("[source['path'] for source in s.report.to_json()['sources']]") == ["users.md"]


def test_sessions_of_the_kernel_are_listed_with_it(kernel: Kernel) -> None:
    run = kernel.run("s = %research --in-kernel what keeps users apart here?")
    assert kernel.value("[item.id for item in j.sessions()][0]") == run.session_id
    assert kernel.run(f"%research --open {run.session_id[:8]}").session_id == run.session_id


def test_a_restart_of_the_kernel_interrupts_what_works_in_it(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with running_server(tmp_path_factory.mktemp("server"), extension=False) as server:
        kernel = server.start_kernel()
        kernel.run("import jupyter_research as j, time")
        kernel.run("def forever(topic):\n    while True:\n        j.checkpoint()\n        time.sleep(0.01)")
        run = kernel.run("s = j.run(forever, 'how long?')")
        server.ask("POST", f"api/kernels/{kernel.id}/restart")
        kernel.close()
        kernel = server.start_kernel()
        kernel.run("%load_ext jupyter_research\nimport jupyter_research as j")
        assert kernel.value("[s.id for s in j.sessions()]") == [run.session_id]
        (shown,) = kernel.run("%research --open").cards
        assert shown[MIME]["snapshot"]["state"] == "interrupted"
        kernel.close()


def test_a_function_of_a_cell_runs_with_card_log_and_context(kernel: Kernel) -> None:
    kernel.run(
        "def count(topic, to=3):\n"
        "    for n in range(1, to + 1):\n"
        "        j.send_status_update(f'At {n}.', {'done': n, 'total': to})\n"
        "    plan = j.request_approval('Shall I write?', {'words': 1})\n"
        "    return f\"# Counted\\n\\n{plan['words']} words for {j.get_session_context()}\""
    )
    run = kernel.run("s = j.run(count, 'how far?', to=4)")
    until(lambda: kernel.value("s.state") == "awaiting_approval")
    assert kernel.value("[s.snapshot['done'], s.snapshot['total']]") == [4, 4]
    kernel.run("s.approve({'words': 7})")
    assert kernel.value("s.wait(90).report.sections[0].claims[0].text") == f"7 words for {run.session_id}"


GRAPHS = """
from langgraph.graph import END, START, StateGraph
from langgraph.config import get_stream_writer

def graph(word):
    async def look(state: dict):
        get_stream_writer()({"message": f"{word}: looking", "done": 1, "total": 1})
        return {"final_report": f"# {word}\\n\\n{word} for {j.get_session_context()}."}
    made = StateGraph(dict)
    made.add_node("look", look)
    made.add_edge(START, "look")
    made.add_edge("look", END)
    return made.compile()

both = [j.run(graph(word), "what?") for word in ("one", "two")]
"""


def test_graphs_of_a_cell_run_as_they_are_and_each_session_runs_its_own(kernel: Kernel) -> None:
    run = kernel.run(GRAPHS)
    assert len(run.cards) == 2
    texts = kernel.value("[s.wait(90).report.sections[0].claims[0].text for s in both]")
    ids = [card[MIME]["session_id"] for card in run.cards]
    assert texts == [f"{word} for {id}." for word, id in zip(("one", "two"), ids, strict=True)]
    assert kernel.value("[s.snapshot['message'] for s in both]") == ["Look", "Look"]
    assert kernel.value("both[0].snapshot['done']") == 1


def test_a_module_with_one_callback_runs_in_the_kernel_unchanged(kernel: Kernel) -> None:
    kernel.run(
        "%%writefile older_research.py\n"
        "import threading\n"
        "callback = None\n"
        "def set_status_callback(function):\n"
        "    global callback\n"
        "    callback = function\n"
        "def research(topic):\n"
        "    thread = threading.Thread(target=lambda: callback(f'About {topic}', {'step': 'LOOK'}))\n"
        "    thread.start()\n"
        "    thread.join()\n"
        "    return {'final_report': 'Found.'}"
    )
    kernel.run("import older_research; s = j.run(older_research.research, 'tides')")
    assert kernel.value("s.wait(90).state") == "completed"
    assert kernel.value("[s.snapshot['step'], s.snapshot['message']]") == ["LOOK", "About tides"]


def test_a_function_gets_the_options_that_it_takes(kernel: Kernel) -> None:
    kernel.run("def nothing(topic): return ''")
    error = kernel.run("j.run(nothing, 'what?', more=1)", ok=False).error
    assert error is not None
    assert error.startswith("InvalidRequest: ")
    assert "more" in error


def test_a_notebook_that_runs_by_itself_waits_and_is_saved_with_the_report(
    folder: Path, tmp_path: Path
) -> None:
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell("%load_ext jupyter_research\n%research what keeps users apart?"),
            nbformat.v4.new_code_cell("print(_.state)"),
        ]
    )
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources)
    client.execute(env=environment(tmp_path))
    (output,) = notebook.cells[0].outputs
    assert output.data[MIME]["snapshot"]["state"] == "completed"
    assert output.data[MIME]["snapshot"]["approve"] == "auto"
    assert "users.md" in output.data["text/markdown"]
    assert "users.md" in output.data["text/html"]
    assert notebook.cells[1].outputs[0].text == "completed\n"
    page, _ = HTMLExporter().from_notebook_node(notebook)
    assert "A server keeps its users apart by tokens." in page
    assert "users.md" in page


def test_plain_ipython_shows_progress_line_by_line(folder: Path, tmp_path: Path) -> None:
    code = "%research what keeps users apart?"
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--no-banner", "--ext=jupyter_research", "-c", code],
        cwd=folder,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )
    lines = [line for line in done.stdout.splitlines() if "what keeps users apart?" in line]
    assert len(lines) >= 2, done.stdout + done.stderr
    assert card.IN_KERNEL in lines[0]
    assert "completed" in lines[-1]


def test_a_console_prints_the_session_as_text(folder: Path, tmp_path: Path) -> None:
    ended = "[thread.join(60) for thread in threading.enumerate() if thread.name.startswith('research-')]"
    typed = (
        "%load_ext jupyter_research\n%research what keeps users apart?\ns = _\n"
        f"import threading; ended = {ended}\nprint('after', 'all')\ns\nprint(s.report.sources[0].path)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "jupyter_console", "--simple-prompt", "--no-confirm-exit"],
        cwd=folder,
        env=environment(tmp_path),
        input=typed,
        capture_output=True,
        text=True,
        timeout=120,
    )
    meanwhile, _, afterwards = done.stdout.partition("after all")
    assert card.IN_KERNEL in meanwhile, done.stdout + done.stderr
    # A console updates nothing: what it shows comes as lines of their own, without being asked for.
    assert "completed: what keeps users apart?" in meanwhile
    assert "completed: what keeps users apart?" in afterwards
    assert "users.md" in afterwards
    assert "<div" not in done.stdout


def test_a_script_gets_its_report_without_ipython(folder: Path, tmp_path: Path) -> None:
    code = (
        "from jupyter_research import research\n"
        "print(research('what keeps users apart?').wait(90).report.topic)\n"
        "import sys; print('IPython' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.splitlines() == ["what keeps users apart?", "False"], done.stderr


def test_asking_and_not_asking_at_once_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="Either --ask or --yes"):
        _ = Request(topic="t", ask=True, yes=True).approve
    assert Request(topic="t", ask=True).approve == "ask"
    assert Request(topic="t", yes=True).approve == "auto"
    assert Request(topic="t").approve is None


def test_a_library_is_named_by_its_full_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert os.fspath(library("users.md")) == str(folder / "users.md")
    assert os.fspath(library("example")) == "example"
    with pytest.raises(InvalidRequest, match="does not exist"):
        library("nowhere")


def test_a_library_is_searched_without_a_session(kernel: Kernel) -> None:
    found = kernel.value("j.library('users.md').search('keeping user apart', k=3).to_dict('records')")
    assert [passage["path"].rpartition("/")[2] for passage in found] == ["users.md"]
    assert "A server keeps its users apart by tokens." in found[0]["quote"]
    assert kernel.value("j.library('users.md').search('zebra').to_dict('records')") == []
    error = kernel.run("j.library('users.md').search(' ')", ok=False).error
    assert error is not None
    assert error.startswith("InvalidRequest: The query is empty")


def test_a_library_is_a_source_of_a_session(kernel: Kernel) -> None:
    run = kernel.run("s = j.research('who is kept apart?', sources=j.library('users.md'), in_kernel=True)")
    (source,) = run.cards[0][MIME]["snapshot"]["options"]["sources"]
    assert source.endswith("/users.md")
    assert kernel.value("s.wait(90).state") == "completed"
