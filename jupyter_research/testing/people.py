"""Let several people use one server, each known by what their requests carry."""

from __future__ import annotations

import hmac
from typing import Any

from jupyter_server.auth import IdentityProvider, User
from traitlets import Dict, Unicode


class TokenIdentityProvider(IdentityProvider):
    """Know people by their tokens.

    `c.TokenIdentityProvider.tokens = {"<token>": "alice", "<token>": "bob"}`; a browser that came with a
    token once is known by its cookie from then on.
    """

    tokens = Dict(
        key_trait=Unicode(), value_trait=Unicode(), help="The name of the person that each token belongs to."
    ).tag(config=True)

    async def get_user_token(self, handler: Any) -> User | None:
        """Name the person whose token the request carries."""
        given = (self.get_token(handler) or "").encode()
        names = [name for token, name in self.tokens.items() if hmac.compare_digest(token.encode(), given)]
        return User(username=names[0]) if names else None


class HeaderIdentityProvider(IdentityProvider):
    """Believe the header `X-Test-User`; without it nobody is known."""

    header = Unicode("X-Test-User", help="The header that names the person.").tag(config=True)

    def get_user(self, handler: Any) -> User | None:
        """Name the person that the header names."""
        name = handler.request.headers.get(self.header)
        if not name:
            return None
        handler._token_authenticated = True
        return User(username=name)
