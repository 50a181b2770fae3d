"""Know the online sources by name: ours, and those that other packages bring."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from functools import cached_property
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Final

from ...errors import InvalidRequest, UnknownName
from ...guard import Addresses
from ...work import Place, Work
from .base import OnlineSource
from .settings import OnlineSettings

if TYPE_CHECKING:
    from .web import Web

#: Whose packages may bring sources of their own.
ENTRY_POINTS: Final = "jupyter_research.sources"
#: Stands before a name that a folder has as well.
PREFIX: Final = "online:"
#: What a web page that was named is searched as.
PAGES: Final = "web"

_OURS: Final = {
    "wikipedia": "wikipedia:Wikipedia",
    "arxiv": "arxiv:Arxiv",
    "crossref": "crossref:Crossref",
    "openalex": "openalex:OpenAlex",
    "europepmc": "europepmc:EuropePmc",
    "searxng": "searxng:Searxng",
    "tavily": "tavily:Tavily",
}
_NAME: Final = re.compile(r"[a-z][a-z0-9]{0,39}")


def is_address(name: str) -> bool:
    """Tell whether a source is the address of a page."""
    return name.lower().startswith(("http://", "https://"))


class Catalogue:
    """List what there is, say which of a session's sources are online, and make them."""

    def __init__(self, settings: OnlineSettings) -> None:
        self.settings = settings

    @cached_property
    def _targets(self) -> dict[str, Any]:
        foreign = {
            point.name: point
            for point in entry_points(group=ENTRY_POINTS)
            if _NAME.fullmatch(point.name) and point.name != PAGES
        }
        return {**foreign, **_OURS}

    def names(self) -> list[str]:
        """List the names that may be used here."""
        allowed = self.settings.allowed
        return [name for name in sorted(self._targets) if allowed is None or name in allowed]

    def describe(self, owner: str, *, guest: bool) -> list[dict[str, str]]:
        """List name and description of each; one that cannot be used says why."""
        return [{"name": name, "description": self._described(name, owner, guest)} for name in self.names()]

    def split(self, sources: Sequence[str], place: Place) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Part the online sources of a session from its files.

        Raises:
            UnknownName: for a name that could be either.
        """
        online = [name for name in sources if self._is_online(name, place)]
        files = tuple(name for name in sources if name not in online)
        return tuple(dict.fromkeys(name.removeprefix(PREFIX) for name in online)), files

    def check(self, names: Sequence[str], place: Place) -> None:
        """Check that each can be asked.

        Raises:
            UnknownName: for a source that does not exist.
            InvalidRequest: for one that is not allowed or lacks what it needs, with what to do.
        """
        for name in names:
            self._check(name, place)

    def client(self, work: Work, waits: Callable[[float, str], None]) -> Web:
        """Make the client of a session: its own connections, the cache of its owner."""
        from .web import Web

        settings = self.settings
        owner = hashlib.sha256(work.owner.encode()).hexdigest()[:32]
        return Web(
            work.control,
            addresses=Addresses(settings.private_hosts),
            pace=settings.pace,
            proxies=settings.proxies,
            contact=settings.contact,
            cache=None if settings.cache is None else settings.cache / f"{owner}.sqlite",
            waits=waits,
        )

    def make(self, name: str, web: Web, place: Place) -> OnlineSource:
        """Make a source for a session."""
        source = self._load(name)
        made: OnlineSource = source(
            web, self._address(name, source), self._key(name, place.owner, place.guest)
        )
        return made

    def title(self, name: str) -> str:
        """Give the name as people call it."""
        if is_address(name):
            return name
        try:
            return str(self._load(name).title)
        except Exception:  # A foreign package that cannot be imported still has its name.
            return name

    def _is_online(self, name: str, place: Place) -> bool:
        if is_address(name) or name.startswith(PREFIX):
            return True
        if name not in self._targets or name in place.libraries:
            return False
        if os.path.lexists(place.folder / name):
            raise UnknownName(
                f"{name!r} is an online source and also stands in this folder: "
                f"write {f'./{name}'!r} for the file or folder, {f'{PREFIX}{name}'!r} for the source."
            )
        return True

    def _check(self, name: str, place: Place) -> None:
        allowed = self.settings.allowed
        if is_address(name):
            if allowed is not None and PAGES not in allowed:
                raise InvalidRequest("Web pages are no allowed source on this server.")
        elif name not in self._targets:
            raise UnknownName(f"There is no online source {name!r}: {self._offer()}.")
        elif name not in self.names():
            raise InvalidRequest(f"The online source {name} is not allowed on this server: {self._offer()}.")
        elif missing := self._missing(name, self._key(name, place.owner, place.guest)):
            raise InvalidRequest(missing)

    def _key(self, name: str, owner: str, guest: bool) -> str | None:
        """Give the key for a session; a guest of somebody else's server gets none of its host's."""
        return None if guest else self.settings.key(name, owner)

    def _offer(self) -> str:
        names = self.names()
        return f"choose among {', '.join(names)}" if names else "there is none"

    def _described(self, name: str, owner: str, guest: bool) -> str:
        return self._missing(name, self._key(name, owner, guest)) or str(self._load(name).description)

    def _missing(self, name: str, key: str | None) -> str | None:
        """Say what a source lacks to be used, None when it lacks nothing."""
        try:
            source = self._load(name)
        except Exception as error:
            return f"The online source {name} cannot be imported in the server's environment: {error}."
        if not self._address(name, source):
            return (
                f"{source.title} needs its address: an administrator sets "
                f"`c.ResearchApp.source_addresses = {{{name!r}: 'https://…'}}`."
            )
        if source.needs_key and not key:
            return (
                f"{source.title} needs a key: run `jupyter research keys set {name}`, or set "
                f"{name.upper()}_API_KEY where the server is started."
            )
        return None

    def _address(self, name: str, source: Any) -> str:
        return str(self.settings.addresses.get(name) or source.address).rstrip("/")

    def _load(self, name: str) -> Any:
        target = self._targets[name]
        if not isinstance(target, str):
            return target.load()
        module, _, attribute = target.partition(":")
        return getattr(import_module(f".{module}", __package__), attribute)
