"""Which chat models a session may use on a server that several people share, and with whose key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_research import errors
from jupyter_research.runtime import Runtime, Settings
from jupyter_research.work import Caller

HOST, GUEST = Caller(owner="alice"), Caller(owner="bob", guest=True)
#: On this machine, and with a key: nothing is sent before the team is approved.
HOUSE = {"house": {"model": "openai:house", "base_url": "http://127.0.0.1:9/v1", "key": "openai"}}


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Runtime]]:
    opened: list[Runtime] = []

    def make(**settings: Any) -> Runtime:
        given = {"models": HOUSE, "environment": {"OPENAI_API_KEY": "the-hosts-key"}, **settings}
        runtime = Runtime(Settings(data_dir=tmp_path / str(len(opened)), **given))
        runtime.open()
        opened.append(runtime)
        return runtime

    yield make
    for runtime in opened:
        runtime.close()


def start(runtime: Runtime, who: Caller, model: str) -> str:
    options = {"model": model, "sources": ["example"], "analysts": 1}
    snapshot, _ = runtime.start(who, {"topic": "tokens", "options": options, "approve": "ask"})
    runtime.delete(who, snapshot["session_id"])
    return str(snapshot["options"]["model"])


def test_model_that_is_not_allowed_is_refused_with_those_that_are(serve: Callable[..., Runtime]) -> None:
    runtime = serve(allowed_models=frozenset({"house"}))
    assert start(runtime, HOST, "house") == "house"
    with pytest.raises(errors.UnknownName, match="choose among extractive, house"):
        start(runtime, HOST, "openai:gpt-4o")


def test_where_none_is_allowed_the_extractive_model_is_left(serve: Callable[..., Runtime]) -> None:
    runtime = serve(allowed_models=frozenset())
    assert start(runtime, HOST, "extractive") == "extractive"
    with pytest.raises(errors.UnknownName, match="choose among extractive"):
        start(runtime, HOST, "house")


def test_guest_does_not_spend_the_hosts_key(serve: Callable[..., Runtime]) -> None:
    runtime = serve()
    assert start(runtime, HOST, "house") == "house"
    with pytest.raises(errors.NoKey, match="You are a guest"):
        start(runtime, GUEST, "house")
    assert start(runtime, GUEST, "extractive") == "extractive"


def test_guest_uses_the_key_that_the_administrators_function_gives(serve: Callable[..., Runtime]) -> None:
    asked: list[tuple[str, str]] = []

    def keys(provider: str, owner: str) -> str | None:
        asked.append((provider, owner))
        return "the-key-of-bob" if owner == "bob" else None

    assert start(serve(model_keys=keys), GUEST, "house") == "house"
    assert set(asked) == {("openai", "bob")}
