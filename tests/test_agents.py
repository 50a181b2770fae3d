"""Run the agents of docs/howto/agents.md as researchers, over a scripted model and a scripted web."""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_research.runtime import Runtime, Settings
from jupyter_research.testing import Asked, FakeWeb, Reply
from jupyter_research.work import Caller

PAGE = (Path(__file__).parent.parent / "docs/howto/agents.md").read_text("utf-8")
ME = Caller(owner="local")


@pytest.fixture
def fake() -> Iterator[FakeWeb]:
    with FakeWeb() as web:
        yield web


@pytest.fixture
def environment(fake: FakeWeb, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Say where the agents find their model, and gpt-researcher its search."""
    for name, value in {
        "OPENAI_API_KEY": "sk-scripted",
        "OPENAI_BASE_URL": f"http://{fake.host}/pages",
        "RETRIEVER": "searx",
        "SEARX_URL": f"{fake.addresses['searxng']}/",
        "EMBEDDING_KWARGS": json.dumps({"check_embedding_ctx_length": False}),
        "SIMILARITY_THRESHOLD": "0.1",
        "LANGSMITH_TRACING": "false",
    }.items():
        monkeypatch.setenv(name, value)
    # It writes its log beside the program.
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def finished(tmp_path: Path, environment: None) -> Iterator[Callable[..., tuple[Any, list[Any]]]]:
    """Put the page's code into a module, and give what runs one of its researchers to the end."""
    name = f"institute_{time.monotonic_ns()}"
    code = "\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
    (tmp_path / f"{name}.py").write_text(code, "utf-8")
    sys.path.insert(0, str(tmp_path))
    researchers = {one: f"{name}:{one}" for one in ("agent", "gptr")}
    runtime = Runtime(Settings(data_dir=tmp_path / "data", researchers=researchers))
    runtime.open()

    def run(researcher: str, topic: str, **options: Any) -> tuple[Any, list[Any]]:
        body = {"topic": topic, "researcher": researcher, "options": options}
        session_id = runtime.start(ME, body)[0]["session_id"]
        end = time.monotonic() + 120
        while (state := runtime.get(ME, session_id))["state"] not in ("completed", "failed"):
            assert time.monotonic() < end, state
            time.sleep(0.02)
        assert state["state"] == "completed", state["error"]
        events = [json.loads(one) for one in runtime.events(ME, session_id, limit=1000)[0]]
        return runtime.report(ME, session_id), events

    yield run
    runtime.close()
    sys.path.remove(str(tmp_path))
    sys.modules.pop(name, None)


def completion(message: dict[str, Any]) -> Reply:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": None, **message},
        "finish_reason": "stop",
    }
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    body = {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": usage,
    }
    return Reply(body=json.dumps(body).encode(), headers={"Content-Type": "application/json"})


def streamed(text: str) -> Reply:
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    parts = [{"role": "assistant", "content": text}, {}]
    lines = [
        json.dumps(
            {**chunk, "choices": [{"index": 0, "delta": part, "finish_reason": None if part else "stop"}]}
        )
        for part in parts
    ]
    body = "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"])
    return Reply(body=body.encode(), headers={"Content-Type": "text/event-stream"})


def count_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count tokens without the lists that tiktoken fetches: every byte is one."""
    import tiktoken

    bytewise = tiktoken.Encoding(
        "bytes", pat_str=r"(?s:.)", mergeable_ranks={bytes([n]): n for n in range(256)}, special_tokens={}
    )
    monkeypatch.setattr(tiktoken, "get_encoding", lambda name: bytewise)
    monkeypatch.setattr(tiktoken, "encoding_for_model", lambda name: bytewise)


def test_an_agent_of_langchain_is_a_researcher_as_it_is(fake: FakeWeb, finished: Any) -> None:
    def model(asked: Asked) -> Reply:
        messages = json.loads(asked.body)["messages"]
        if messages[-1]["role"] == "tool":
            return completion({"content": f"# Tides\n\nThe glossary says: {messages[-1]['content']}"})
        arguments = json.dumps({"term": "neap tide"})
        call = {"id": "c1", "type": "function", "function": {"name": "look_up", "arguments": arguments}}
        return completion({"tool_calls": [call]})

    fake.pages["chat/completions"] = model
    report, events = finished("agent", "What is a neap tide?")
    assert "The tide of least range, after half moon." in report.markdown
    first = json.loads(fake.requests("pages")[0].body)["messages"]
    assert first[-1] == {"role": "user", "content": "What is a neap tide?"}
    steps = [event["step"] for event in events if event["kind"] == "status_update"]
    assert len(steps) >= 3 and any("tool" in str(step).lower() for step in steps)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(importlib.util.find_spec("gpt_researcher") is None, reason="needs gpt-researcher")
def test_gpt_researcher_is_a_researcher_as_it_is(
    fake: FakeWeb, finished: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    count_bytes(monkeypatch)

    def model(asked: Asked) -> Reply:
        body = json.loads(asked.body)
        prompt = " ".join(str(message["content"]) for message in body["messages"])
        if "search queries" in prompt:
            text = json.dumps(["tide mill wheel"])
        elif "4.5 hours" in prompt:
            text = "# Tide mills\n\nThe mill at the harbour turned for 4.5 hours on each tide."
        else:
            text = json.dumps({"server": "Tide Agent", "agent_role_prompt": "You know about tides."})
        return streamed(text) if body.get("stream") else completion({"content": text})

    def embedding(asked: Asked) -> Reply:
        given = json.loads(asked.body)["input"]
        data = [{"object": "embedding", "index": n, "embedding": [1.0, 0.5]} for n in range(len(given))]
        body = {
            "object": "list",
            "data": data,
            "model": "m",
            "usage": {"prompt_tokens": 1, "total_tokens": 1},
        }
        return Reply(body=json.dumps(body).encode(), headers={"Content-Type": "application/json"})

    fake.pages |= {"chat/completions": model, "embeddings": embedding}
    report, events = finished("gptr", "How long did tide mills turn?")
    assert "turned for 4.5 hours" in report.markdown
    assert fake.requests("searxng") and any(one.path == "/pages/mills.html" for one in fake.asked)
    assert len([event for event in events if event["kind"] == "status_update"]) >= 3
