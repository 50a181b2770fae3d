from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Person, messages, until
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from jupyter_research.meter import Meter
from jupyter_research.metrics import PREFIX, Metrics, metrics
from jupyter_research.runtime import Runtime, Settings
from jupyter_research.testing.chat import ChatServer
from jupyter_research.work import Caller

NAMES = {
    "sessions", "delivered", "dropped", "backlog", "held", "viewers", "abandoned_threads",
    "tokens",
    *(f"{what}_seconds_{part}" for what in "search online fetch model".split() for part in ("sum", "count")),
}  # fmt: skip


def figures(text: str) -> dict[str, float]:
    """Give our samples by name, without the prefix; sessions as `sessions:state`."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name.startswith(PREFIX):
                name = ":".join(
                    [sample.name.removeprefix(PREFIX).removesuffix("_total"), *sample.labels.values()]
                )
                assert name not in found
                assert set(sample.labels) <= {"state", "step", "direction"}  # No person, no topic.
                found[name] = sample.value
    return found


@pytest.fixture
def own() -> Iterator[Metrics]:
    own = Metrics()
    yield own
    for runtime in [*own._runtimes, Runtime(Settings(data_dir=Path()))]:
        own.forget(runtime)


async def test_scrape_of_a_server_counts_sessions_viewers_and_what_was_delivered(
    me: Person, jp_fetch
) -> None:  # type: ignore[no-untyped-def]
    async def scrape() -> dict[str, float]:
        answer = await jp_fetch("metrics")
        assert "http_request_duration_seconds" in answer.body.decode()  # The server's own stay.
        return figures(answer.body.decode())

    assert not any(await scrape())
    session_id = (await me.start())["session_id"]
    done = await me.until(session_id, "completed")
    waiting = (await me.start(researcher="asks"))["session_id"]
    await me.until(waiting, "awaiting_approval")
    socket = await me.connect()
    await socket.write_message(f'{{"type": "join_session", "session_id": "{session_id}", "after": 0}}')
    await messages(socket, "events")

    async def delivered() -> dict[str, float] | None:
        # The frame may be here before the server's loop has come back to count it.
        seen = await scrape()
        return seen if seen["delivered"] == done["last_seq"] else None

    seen = await until(delivered)
    assert {name.partition(":")[0] for name in seen} == NAMES
    assert (seen["sessions:completed"], seen["sessions:awaiting_approval"]) == (1, 1)
    assert seen["viewers"] == 1
    assert {seen[name] for name in ("backlog", "held", "dropped", "abandoned_threads")} == {0}


async def test_scrape_tells_how_long_steps_searches_and_models_took(
    me: Person, jp_fetch, jp_root_dir: Path
) -> None:  # type: ignore[no-untyped-def]
    (jp_root_dir / "note.md").write_text("# Tides\n\nThe moon causes the tides of the sea.\n")
    options = {"sources": ["note.md"], "analysts": 2, "turns": 1}
    started = await me.start("what causes the tides?", researcher="analysts", options=options)
    ended = await me.until(started["session_id"], "completed")
    seen = figures((await jp_fetch("metrics")).body.decode())
    team = len(ended["analysts"])
    assert seen["step_seconds_count:ask_question"] == seen["step_seconds_count:write_section"] == team
    assert seen["step_seconds_count:finalize_report"] == 1
    assert 0 < seen["step_seconds_sum:search"] < 60
    report = await me.get(f"sessions/{ended['session_id']}/report?format=json")
    assert seen["search_seconds_count"] == report["usage"]["searches"] >= team
    assert seen["model_seconds_count"] == report["usage"]["calls"] > 2
    assert seen["model_seconds_sum"] > 0
    assert seen["tokens:input"] == seen["tokens:output"] == 0  # No language model was asked.


class TestWithChatModel:
    @pytest.fixture
    def research_config(self) -> Iterator[dict[str, Any]]:
        with ChatServer() as server:
            yield {"models": {"writer": {"model": "openai:scripted", "base_url": f"{server.url}/v1"}}}

    async def test_scrape_tells_how_many_tokens_a_model_took_and_gave(
        self, me: Person, jp_fetch: Any, jp_root_dir: Path
    ) -> None:
        (jp_root_dir / "note.md").write_text("# Tides\n\nThe moon causes the tides of the sea.\n")
        options = {"sources": ["note.md"], "analysts": 1, "turns": 1, "model": "writer"}
        started = await me.start(
            "what causes the tides?", researcher="analysts", options=options, approve="auto"
        )
        await me.until(started["session_id"], "completed")
        report = await me.get(f"sessions/{started['session_id']}/report?format=json")
        seen = figures((await jp_fetch("metrics")).body.decode())
        assert seen["tokens:input"] + seen["tokens:output"] == report["usage"]["tokens"] > 0
        assert seen["model_seconds_count"] == report["usage"]["calls"]


def test_tokens_are_counted_by_direction() -> None:
    meter = Meter()
    for _ in range(2):
        meter.used({"input_tokens": 100, "output_tokens": 20, "money": 0.5})
    assert meter.tokens() == {"input": 200, "output": 40}


def test_step_that_fails_or_asks_is_not_counted_as_done() -> None:
    meter = Meter()
    with pytest.raises(ZeroDivisionError):
        meter.timed("divide", lambda: 1 / 0)()
    assert meter.times() == {}


async def test_after_the_stop_of_the_server_nothing_is_left_in_the_registry(me: Person, jp_serverapp) -> None:  # type: ignore[no-untyped-def]
    await me.start()
    assert REGISTRY.get_sample_value(PREFIX + "viewers") == 0
    [extension] = jp_serverapp.extension_manager.extension_apps["jupyter_research"]
    await extension.stop_extension()
    assert REGISTRY.get_sample_value(PREFIX + "viewers") is None


def test_two_runtimes_of_a_process_are_added_up(tmp_path: Path, own: Metrics) -> None:
    runtimes = [Runtime(Settings(data_dir=tmp_path / name)) for name in "ab"]
    for runtime in runtimes:
        own.watch(runtime)
        assert own.collect()
        runtime.open()
        runtime.register_function("note", lambda topic: "noted")
        runtime.start(Caller(owner="local"), {"topic": "x", "researcher": "note"})
    families = {family.name: family for family in own.collect()}
    assert sum(sample.value for sample in families[PREFIX + "sessions"].samples) == 2
    runtimes[0].close()
    families = {family.name: family for family in own.collect()}
    assert sum(sample.value for sample in families[PREFIX + "sessions"].samples) == 1
    runtimes[1].close()


def test_runtime_that_nobody_closed_is_not_held(tmp_path: Path, own: Metrics) -> None:
    own.watch(Runtime(Settings(data_dir=tmp_path)))
    gc.collect()
    assert len(own._runtimes) == 0


def test_damaged_database_leaves_the_servers_own_metrics_alone(tmp_path: Path, own: Metrics) -> None:
    runtime = Runtime(Settings(data_dir=tmp_path))
    runtime.open()
    own.watch(runtime)
    runtime._store._readers._path = tmp_path / "gone" / "research.sqlite"
    runtime._store._readers.close()
    try:
        assert [family.name for family in own.collect()]
    finally:
        runtime._store.path = tmp_path / "research.sqlite"
        runtime.close()


def test_every_figure_is_documented() -> None:
    page = (Path(__file__).parent.parent / "docs/howto/administrators.md").read_text(encoding="utf-8")
    for family in metrics.describe():
        suffix = "_total" if family.type == "counter" else ""
        assert f"`{family.name}{suffix}`" in page
