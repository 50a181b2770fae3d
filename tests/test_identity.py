"""Whose request it is, for each kind of server."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from conftest import Person
from jupyter_server.auth import IdentityProvider, PasswordIdentityProvider, User
from jupyter_server.auth.identity import LegacyIdentityProvider
from tornado import web
from tornado.httpclient import HTTPClientError
from traitlets.config import Config

from jupyter_research.identity import caller_of, still_allowed
from jupyter_research.work import Caller


class HubUser(User):
    """Be a user as JupyterHub's identity provider makes them."""

    def __init__(self, hub_user: dict[str, Any]) -> None:
        super().__init__(username=hub_user["name"])
        self.hub_user = hub_user


class HubAuth:
    """Answer as JupyterHub's own client does, from what is said here."""

    access_scopes = frozenset({"access:servers!user=alice"})

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.cache: dict[str, Any] = {"token:": "what the Hub said minutes ago"}
        self.asked: list[dict[str, Any]] = []

    def get_token(self, handler: Any) -> str:
        return "secret"

    def get_session_id(self, handler: Any) -> str:
        return "browser"

    async def user_for_token(self, token: str, **options: Any) -> Any:
        self.asked.append({"token": token, **options})
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def check_scopes(self, required: Any, user: dict[str, Any]) -> bool:
        return bool(set(required) & set(user["scopes"]))


class Own(IdentityProvider):
    """Be an administrator's own provider."""


class Allowing:
    """Be an authorizer that says what it is told to."""

    def __init__(self, allows: bool = True) -> None:
        self.allows = allows

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return self.allows


def hub_user(
    name: str, kind: str = "user", scopes: tuple[str, ...] = ("access:servers!user=alice",)
) -> dict[str, Any]:
    return {"name": name, "kind": kind, "scopes": list(scopes)}


def request(user: User, provider: Any, **more: Any) -> Any:
    return SimpleNamespace(
        current_user=user, identity_provider=provider, settings={}, authorizer=Allowing(), **more
    )


@pytest.mark.parametrize("provider", [IdentityProvider, PasswordIdentityProvider, LegacyIdentityProvider])
def test_made_up_names_are_one_person(provider: type[IdentityProvider]) -> None:
    for name in ("1f3a", "77bc"):
        assert caller_of(request(User(name), provider()), None) == Caller(owner="local")


def test_names_of_a_provider_of_ones_own_are_believed() -> None:
    assert caller_of(request(User("alice"), Own()), None) == Caller(owner="alice")


def test_owner_of_a_hubs_server_is_no_guest_and_others_are() -> None:
    alice, bob = (request(HubUser(hub_user(name)), SimpleNamespace()) for name in ("alice", "bob"))
    assert caller_of(alice, "alice") == Caller(owner="alice")
    assert caller_of(bob, "alice") == Caller(owner="bob", guest=True)
    assert caller_of(alice, None) == Caller(owner="alice", guest=True)


def test_service_of_a_users_name_is_not_that_user() -> None:
    service = request(HubUser(hub_user("alice", "service")), SimpleNamespace())
    assert caller_of(service, "alice") == Caller(owner="service:alice", guest=True)
    user = request(HubUser(hub_user("service:alice")), SimpleNamespace())
    assert caller_of(user, "alice").owner == "user:service:alice"
    assert caller_of(request(HubUser(hub_user("user:service:alice")), None), "alice").owner != (
        caller_of(user, "alice").owner
    )


def test_person_called_local_is_not_everybody_on_a_plain_server() -> None:
    assert caller_of(request(HubUser(hub_user("local")), SimpleNamespace()), "alice") == Caller(
        owner="user:local", guest=True
    )
    assert caller_of(request(User("local"), SimpleNamespace()), None).owner == "user:local"


def test_older_hub_application_is_not_taken_for_a_plain_server() -> None:
    # It keeps the nameless provider and puts what the Hub said on the handler.
    handler = request(User("bob"), LegacyIdentityProvider(), _cached_hub_user=hub_user("bob"))
    assert caller_of(handler, "alice") == Caller(owner="bob", guest=True)


async def test_hub_is_asked_past_its_cache() -> None:
    hub_auth = HubAuth(hub_user("bob"))
    handler = request(HubUser(hub_user("bob")), SimpleNamespace(hub_auth=hub_auth))
    assert await still_allowed(handler, "alice")
    assert hub_auth.asked == [{"token": "secret", "use_cache": False, "session_id": "browser", "sync": False}]
    assert hub_auth.cache


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(None, id="the token is revoked"),
        pytest.param(hub_user("bob", scopes=()), id="the share is taken back"),
    ],
)
async def test_guest_whose_access_is_taken_back_is_out_at_once(answer: Any) -> None:
    hub_auth = HubAuth(answer)
    handler = request(HubUser(hub_user("bob")), SimpleNamespace(hub_auth=hub_auth))
    assert not await still_allowed(handler, "alice")
    assert not hub_auth.cache


async def test_token_that_became_anothers_is_out() -> None:
    handler = request(HubUser(hub_user("bob")), SimpleNamespace(hub_auth=HubAuth(hub_user("carol"))))
    assert not await still_allowed(handler, "alice")


async def test_hub_that_does_not_answer_is_no_answer() -> None:
    handler = request(HubUser(hub_user("bob")), SimpleNamespace(hub_auth=HubAuth(ConnectionError("down"))))
    with pytest.raises(ConnectionError):
        await still_allowed(handler, "alice")


async def test_authorizer_is_asked_anew() -> None:
    handler = request(User("x"), IdentityProvider())
    assert await still_allowed(handler, None)
    handler.authorizer.allows = False
    assert not await still_allowed(handler, None)


class Hub(IdentityProvider):
    """Know everybody as a guest, as long as what stands in for the Hub does."""

    hub_auth = HubAuth(None)

    def get_user(self, handler: Any) -> User | None:
        handler._token_authenticated = True
        return HubUser(hub_user("bob"))


class TestGuests:
    @pytest.fixture
    def research_config(self) -> dict[str, Any]:
        house = {"model": "openai:house", "base_url": "http://127.0.0.1:9/v1", "key": "openai"}
        return {"models": {"house": house}}

    @pytest.fixture
    def jp_server_config(self, jp_server_config: Config) -> Config:
        jp_server_config.ServerApp.identity_provider_class = Hub
        return jp_server_config

    @pytest.mark.parametrize(
        ("answer", "status", "code"),
        [
            (hub_user("bob"), 200, None),
            (None, 403, "unauthenticated"),
            (hub_user("carol"), 403, "unauthenticated"),
            (web.HTTPError(502, "The Hub is down"), 503, "unavailable"),
        ],
        ids=["known", "gone", "another", "silent"],
    )
    async def test_guest_is_asked_for_at_every_request(
        self, me: Person, answer: Any, status: int, code: str | None
    ) -> None:
        Hub.hub_auth = HubAuth(answer)
        for path in ("health", "sessions"):
            found = await me.get(path, status=status)
            assert found.get("code") == code
        assert len(Hub.hub_auth.asked) == 2
        if status != 200:
            with pytest.raises(HTTPClientError) as refusal:
                await me.connect()
            assert refusal.value.code == status

    async def test_guest_does_not_ask_providers_with_the_hosts_keys(
        self, me: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "the-hosts-own")
        Hub.hub_auth = HubAuth(hub_user("bob"))
        models = {model["name"]: model for model in (await me.get("models?check=1"))["models"]}
        assert "there is no key for openai" in models["house"]["description"]
        assert "answers" not in models["house"]
