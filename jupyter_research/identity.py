"""Say whose request it is, and ask again while a socket stays open."""

from __future__ import annotations

from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.auth import IdentityProvider, PasswordIdentityProvider, User
from jupyter_server.auth.identity import LegacyIdentityProvider
from jupyter_server.base.handlers import JupyterHandler

from .work import LOCAL, Caller

# These make up a name per request, so that one person would be somebody else in the kernel (token) and in the
# browser (cookie). Exactly these: a subclass may well know names.
_NAMELESS = (IdentityProvider, PasswordIdentityProvider, LegacyIdentityProvider)


def caller_of(handler: JupyterHandler, server_user: str | None) -> Caller:
    """Say on whose behalf an authenticated request comes.

    Args:
        handler: its `current_user` is set.
        server_user: the Hub user whose server this is; every other Hub user is a guest here.
    """
    user = handler.current_user
    hub_user = getattr(user, "hub_user", None) or getattr(handler, "_cached_hub_user", None)
    if hub_user is not None:
        return _hub_caller(hub_user, server_user)
    if type(handler.identity_provider) in _NAMELESS:
        return Caller(owner=LOCAL)
    return Caller(owner=_person(user.username))


def _hub_caller(hub_user: dict[str, Any], server_user: str | None) -> Caller:
    name = hub_user["name"]
    if hub_user.get("kind") == "service":
        return Caller(owner=f"service:{name}", guest=True)
    return Caller(owner=_person(name), guest=name != server_user)


def _person(name: str) -> str:
    """Give the owner's name of a person; one called `service:x` is not the service x.

    Nor is one called `local` whoever works here without a server that knows names: sessions of the command
    line and of kernels lie in the same folder.
    """
    return f"user:{name}" if name == LOCAL or name.startswith(("service:", "user:")) else name


async def still_known(handler: JupyterHandler, server_user: str | None) -> bool:
    """Tell whether the person of a request may still come in, as themselves.

    Asks the identity provider anew; JupyterHub is asked past its cache, which would keep a guest whose
    access was taken back for five minutes.
    """
    before = caller_of(handler, server_user)
    return await _ask_again(handler) is not None and caller_of(handler, server_user) == before


async def still_allowed(handler: JupyterHandler, server_user: str | None) -> bool:
    """Tell whether the person who opened a socket may still have it; asks the authorizer anew too."""
    if not await still_known(handler, server_user):
        return False
    user = handler.current_user
    return bool(await ensure_async(handler.authorizer.is_authorized(handler, user, "execute", "research")))


async def _ask_again(handler: JupyterHandler) -> User | None:
    provider = handler.identity_provider
    hub_auth = getattr(provider, "hub_auth", None) or handler.settings.get("hub_auth")
    if hub_auth is not None:
        return await _ask_hub(handler, hub_auth)
    if type(provider) in _NAMELESS:
        user: User | None = handler.current_user
        return user
    # A handler of its own: an open socket cannot set the cookie that a provider may want to renew.
    probe = JupyterHandler(handler.application, handler.request)
    user = await ensure_async(provider.get_user(probe))
    handler.current_user = user
    return user


async def _ask_hub(handler: JupyterHandler, hub_auth: Any) -> User | None:
    token = hub_auth.get_token(handler)
    session_id = hub_auth.get_session_id(handler)
    hub_user = token and await hub_auth.user_for_token(
        token, use_cache=False, session_id=session_id, sync=False
    )
    if not hub_user or not hub_auth.check_scopes(hub_auth.access_scopes, hub_user):
        # What the cache still holds about this person is wrong from now on, for plain requests too.
        hub_auth.cache.clear()
        return None
    user: User | None = handler.current_user
    # Scopes may have changed, and an authorizer of the administrator's may look at them.
    for place, name in ((user, "hub_user"), (handler, "_cached_hub_user")):
        if hasattr(place, name):
            setattr(place, name, hub_user)
    return user
