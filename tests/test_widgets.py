"""Feed the widget of a front end without the labextension, over a real comm."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from live import DEADLINE, MIME, Kernel, Run, Server, running_server, until
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from jupyter_research import cell, widgets
from jupyter_research.cell import SessionOutput
from jupyter_research.client import Session
from jupyter_research.events import Snapshot, initial
from jupyter_research.export import card

VIEW = "application/vnd.jupyter.widget-view+json"

pytestmark = pytest.mark.skipif(
    not widgets._SCRIPT.exists(), reason="the widget's script is not built: run `make build`"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def kernel(server: Server, request: pytest.FixtureRequest) -> Iterator[Kernel]:
    kernel = server.start_kernel(f"{request.node.name}.ipynb")
    kernel.run("%load_ext jupyter_research")
    yield kernel
    kernel.close()


def views(run: Run) -> list[str]:
    """Give the models of the widgets that a cell shows."""
    bundles = [content["data"] for content in run.of("display_data")]
    return [data[VIEW]["model_id"] for data in bundles if VIEW in data]


def state_of(kernel: Kernel, model: str) -> dict[str, Any]:
    """Give the state of a widget as a front end has it by now."""
    state: dict[str, Any] = {}
    for message in kernel.messages:
        content = message["content"]
        if content.get("comm_id") == model and content["data"].get("state"):
            state.update(content["data"]["state"])
    return state


def press(kernel: Kernel, model: str, action: str, name: str | None = None, **body: Any) -> None:
    """Send what the widget sends when a button is pressed."""
    request = {"id": name or action, "action": action, "body": body}
    content = {"comm_id": model, "data": {"method": "custom", "content": request}}
    kernel.client.shell_channel.send(kernel.client.session.msg("comm_msg", content))


def answer(kernel: Kernel, model: str, name: str) -> dict[str, Any]:
    """Wait for what comes back, with the bytes beside it."""

    def found() -> dict[str, Any] | None:
        for message in kernel.messages:
            content = message["content"]
            said = content.get("data", {}).get("content", {}) if content.get("comm_id") == model else {}
            if said.get("id") == name and "taken" not in said:
                return {**said, "buffers": [bytes(buffer) for buffer in message["buffers"]]}
        return None

    said: dict[str, Any] = kernel.wait_for(found, f"the answer to {name}")
    return said


def shown_widget(kernel: Kernel, run: Run) -> str:
    kernel.wait_for(lambda: views(run), "the widget")
    (model,) = views(run)
    return model


def test_a_session_that_nobody_views_gets_a_widget(kernel: Kernel, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    run = kernel.run(f"%research --researcher slow --set until={stop} who looks?")
    other = kernel.run("6 * 7")
    model = shown_widget(kernel, run)
    assert views(other) == []
    assert VIEW not in run.cards[0]
    state = state_of(kernel, model)
    # One card is enough for the eye; the page stays in the file.
    assert state["_css"] == card.hidden(run.session_id)
    assert run.session_id in state["_anywidget_id"]
    assert state["snapshot"]["session_id"] == run.session_id
    assert [event["kind"] for event in state["events"]][:2] == ["session_started", "work_started"]
    stop.touch()
    kernel.wait_for(lambda: state_of(kernel, model)["snapshot"]["state"] == "completed", "the end")
    events = state_of(kernel, model)["events"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))


@contextmanager
def viewer(server: Server, session_id: str) -> Iterator[None]:
    """View a session as the labextension does, in a thread of its own."""
    joined, leave = threading.Event(), threading.Event()

    async def view() -> None:
        url = server.url.replace("http", "ws", 1) + "research/api/ws"
        request = HTTPRequest(url, headers={"Authorization": f"token {server.token}"})
        socket = await websocket_connect(request)
        await socket.write_message(json.dumps({"type": "join_session", "session_id": session_id}))
        assert "session_joined" in str(await socket.read_message())
        joined.set()
        await asyncio.to_thread(leave.wait)
        socket.close()
        while await socket.read_message() is not None:
            pass  # Until the server has said good-bye: a line that is left open is told to some later test.

    thread = threading.Thread(target=asyncio.run, args=(view(),))
    thread.start()
    try:
        assert joined.wait(DEADLINE)
        yield
    finally:
        leave.set()
        thread.join()


#: The look for viewers comes when a test says so, however long a machine takes until then.
LATER = "from jupyter_research import cell; cell.LOOK_AFTER = 3600"

LOOK = """
import threading
looks = [one.function for one in threading.enumerate() if isinstance(one, threading.Timer)]
[look] = [look for look in looks if look.__name__ == "_offer_widget"]
look()
"""


def test_a_session_that_is_viewed_gets_none(kernel: Kernel, server: Server, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    kernel.run(LATER)
    run = kernel.run(f"%research --researcher slow --set until={stop} who has the labextension?")
    with viewer(server, run.session_id):
        look = kernel.run(LOOK)
        assert views(run) == [] == views(look)
    stop.touch()


#: A viewer may come for as long as a test takes.
LATE = "from jupyter_research import cell; cell.LATE = 3600"


@pytest.mark.parametrize("ended", [False, True])
def test_a_viewer_that_comes_late_takes_the_place_of_the_widget(
    kernel: Kernel, server: Server, tmp_path: Path, ended: bool
) -> None:
    stop = tmp_path / "stop"
    kernel.run(LATE)
    run = kernel.run(f"%research --researcher slow --set until={stop} who is late?")
    model = shown_widget(kernel, run)
    if ended:
        stop.touch()
        kernel.wait_for(lambda: any("text/markdown" in data for data in run.shown), "the end")
    [place] = [content["transient"] for content in run.of("display_data") if VIEW in content["data"]]
    with viewer(server, run.session_id):
        taken_back = {"data": {"text/plain": ""}, "metadata": {}, "transient": place}
        kernel.wait_for(lambda: taken_back in run.of("update_display_data"), "the end of the widget")
    closed = [
        message["content"]["comm_id"] for message in kernel.messages if message["msg_type"] == "comm_close"
    ]
    assert model in closed
    stop.touch()


class Told:
    """Be the client of a session that ends while its widget is being displayed."""

    where = "server"

    def __init__(self) -> None:
        self.log = [_event(seq, "research_completed" if seq == 3 else "status_update") for seq in (1, 2, 3)]
        self.known = 2

    def get(self, session_id: str) -> Snapshot:
        state = "completed" if self.known == 3 else "researching"
        return {**initial(session_id), "state": state, "last_seq": self.known, "viewers": 0}

    def events(self, session_id: str, after: int, limit: int = 200, wait: float = 0) -> tuple[Any, int]:
        return self.log[after : self.known][:limit], self.known


def _event(seq: int, kind: str) -> dict[str, Any]:
    return {"seq": seq, "kind": kind, "detail": {}}


def test_a_widget_does_not_miss_what_happens_while_it_is_displayed(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told()
    session = Session(told, told.get("ab" * 16))  # type: ignore[arg-type]
    made = []
    monkeypatch.setattr(widgets, "session_widget", keep(widgets.session_widget, made))
    monkeypatch.setattr(cell, "LATE", 0)
    shell: Any = SimpleNamespace(display_pub=SimpleNamespace(publish=lambda *_, **__: end()))
    output = SessionOutput(session, shell)

    def end() -> None:
        if (
            told.known == 2
        ):  # The display of the widget: the thread that follows the session hears of its end.
            told.known = 3
            output._update(told.get(session.id), [told.log[2]])
            output.done.set()

    output._offer_widget()
    (widget,) = made
    assert widget.snapshot["state"] == "completed"
    assert [event["seq"] for event in widget.events] == [1, 2, 3]
    widgets.feed(widget, told.get(session.id), told.log[1:])
    assert [event["seq"] for event in widget.events] == [1, 2, 3]


def test_an_answer_that_comes_late_takes_nothing_back() -> None:
    class Late(Told):
        """Answer only when whoever follows the session has heard of its end."""

        def pause(self, session_id: str) -> Snapshot:
            answer = self.get(session_id)
            self.known = 3
            widgets.feed(widget, self.get(session_id), self.log[2:])
            return answer

    late = Late()
    session = Session(late, late.get("ab" * 16))  # type: ignore[arg-type]
    widget = widgets.session_widget(session)
    widgets._answer(widget, session, {"id": "pause", "action": "pause"})
    assert widget.snapshot["state"] == "completed"


def keep(make: Callable[..., Any], made: list[Any]) -> Callable[..., Any]:
    """Give `make` as a function that keeps what it has made."""

    def make_and_keep(*args: Any) -> Any:
        made.append(make(*args))
        return made[-1]

    return make_and_keep


def test_a_session_that_has_ended_gets_none(kernel: Kernel, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    kernel.run(LATER)
    run = kernel.run(f"%research --researcher slow --set until={stop} who looks at the end?")
    stop.touch()
    kernel.wait_for(lambda: any("text/markdown" in data for data in run.shown), "the end")
    look = kernel.run(LOOK)
    assert views(run) == [] == views(look)


def test_buttons_of_the_widget_reach_the_session(kernel: Kernel, server: Server) -> None:
    run = kernel.run("%research --researcher asks which buttons?")
    model = shown_widget(kernel, run)
    until(lambda: server.session(run.session_id)["state"] == "awaiting_approval")
    press(kernel, model, "approve", "too early", version=9)
    assert "Version 9 is not the newest" in answer(kernel, model, "too early")["error"]
    press(kernel, model, "approve", version=1, proposal={"sections": ["From the widget"]})
    assert "error" not in answer(kernel, model, "approve")
    until(lambda: server.session(run.session_id)["state"] == "completed")
    kernel.wait_for(lambda: state_of(kernel, model)["snapshot"]["state"] == "completed", "the end")
    press(kernel, model, "report")
    assert answer(kernel, model, "report")["answer"]["sections"][0]["heading"] == "From the widget"


def test_a_repeated_command_is_answered_too(kernel: Kernel, tmp_path: Path) -> None:
    run = kernel.run(f"%research --researcher slow --set until={tmp_path / 'stop'} twice?")
    model = shown_widget(kernel, run)
    for name in ("first", "second"):
        press(kernel, model, "pause", name)
        assert answer(kernel, model, name)["answer"]["state"] == "paused"
    assert state_of(kernel, model)["snapshot"]["state"] == "paused"
    press(kernel, model, "cancel")
    kernel.wait_for(lambda: state_of(kernel, model)["snapshot"]["state"] == "cancelled", "the end")


def test_what_a_report_offers_comes_through_the_kernel(kernel: Kernel, server: Server) -> None:
    (server.root / "tide.md").write_text("# Tides\n\nThe tide is caused by the gravity of the moon.\n")
    run = kernel.run("%research --ask --analysts 1 --source tide.md what causes the tide?")
    model = shown_widget(kernel, run)
    kernel.wait_for(lambda: state_of(kernel, model)["snapshot"]["state"] == "awaiting_approval", "the team")
    press(kernel, model, "approve", version=1)
    kernel.wait_for(lambda: state_of(kernel, model)["snapshot"]["state"] == "completed", "the end")
    press(kernel, model, "report")
    (source,) = answer(kernel, model, "report")["answer"]["sources"]
    press(kernel, model, "source", source=source["id"])
    assert "gravity of the moon" in answer(kernel, model, "source")["answer"]["text"]
    press(kernel, model, "ask", question="what has gravity?")
    assert answer(kernel, model, "ask")["answer"]["report"]["sources"]
    press(kernel, model, "events", after=1, limit=2)
    assert [event["seq"] for event in answer(kernel, model, "events")["answer"]] == [2, 3]
    press(kernel, model, "download", format="pdf")
    download = answer(kernel, model, "download")
    assert (download["answer"], download["buffers"][0][:4]) == ("report.pdf", b"%PDF")
    press(kernel, model, "download", "unknown", format="nonsense")
    assert "nonsense" in answer(kernel, model, "unknown")["error"]
    press(kernel, model, "modify")
    assert "version" in answer(kernel, model, "modify")["error"]


def test_without_anywidget_the_output_itself_gets_on(kernel: Kernel, tmp_path: Path) -> None:
    kernel.run("import jupyter_research.widgets as w\nw.find_spec = lambda name: None")
    kernel.run(
        "import jupyter_research as j, time\n"
        "def count(topic, until):\n"
        "    import os\n"
        "    n = 0\n"
        "    while not os.path.exists(until):\n"
        "        n += 1; j.send_status_update(f'At {n}.', {'done': n, 'total': 10**6}); time.sleep(0.05)\n"
        "    return 'done'"
    )
    stop = tmp_path / "stop"
    run = kernel.run(f"s = j.run(count, 'how far?', until={str(stop)!r})")
    texts: list[str] = []

    def moved() -> bool:
        texts[:] = [
            data["text/plain"] for data in run.updates if data[MIME]["snapshot"]["state"] == "researching"
        ]
        return len(set(texts)) >= 3

    kernel.wait_for(moved, "progress in the output")
    stop.touch()
    assert kernel.value("s.wait(90).state") == "completed"
    assert views(run) == []
