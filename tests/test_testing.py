"""What is shipped for tests does what it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from conftest import Person, until
from traitlets.config import Config

from jupyter_research import testing
from jupyter_research.report import Report


class TestTokens:
    @pytest.fixture
    def jp_server_config(self, jp_server_config: Config) -> Config:
        jp_server_config.ServerApp.identity_provider_class = testing.TokenIdentityProvider
        jp_server_config.TokenIdentityProvider.tokens = {"a-token": "alice", "b-token": "bob"}
        return jp_server_config

    async def test_people_are_known_by_token_and_then_by_cookie(self, me: Person) -> None:
        me.headers = {"Authorization": "token a-token"}
        assert (await me.start())["owner"] == "alice"
        seen = await me.ask("GET", "health")
        cookies = "; ".join(text.split(";")[0] for text in seen.headers.get_list("Set-Cookie"))
        me.headers = {"Authorization": "", "Cookie": cookies}
        assert [item["owner"] for item in (await me.get("sessions"))["sessions"]] == ["alice"]
        me.headers = {"Authorization": "token b-token"}
        assert (await me.get("sessions"))["sessions"] == []

    async def test_unknown_token_and_none_are_nobody(self, me: Person) -> None:
        for token in ("token c-token", "token ", "token é", ""):
            me.headers = {"Authorization": token}
            assert (await me.ask("GET", "health")).code == 403


class TestHeader:
    @pytest.fixture
    def people(self) -> bool:
        return True

    async def test_header_names_the_person(self, person: Callable[[Any], Person]) -> None:
        assert (await person("alice").start())["owner"] == "alice"
        assert (await person("").ask("GET", "health")).code == 403


def test_researchers_run_without_a_session_too() -> None:
    assert "3 steps" in testing.steps("x")
    assert "slow" in testing.slow("x", seconds=0)
    report = testing.asks("x")
    assert isinstance(report, Report)
    assert [section.heading for section in report.sections] == ["What", "Why"]
    with pytest.raises(RuntimeError):
        testing.fails("x")


async def test_failing_researcher_fails_its_session(me: Person) -> None:
    session_id = (await me.start(researcher="fails"))["session_id"]
    failed = await me.until(session_id, "failed")
    assert "nothing to be found" in failed["error"]["message"]

    async def quiet() -> bool:
        return (await me.get("health"))["sessions"] == {"failed": 1}

    assert await until(quiet)
