"""Know through which proxy a host is asked, where an administrator has said that one may be used."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

#: Lets the server's own variables say which proxy it is, and for which hosts there is none.
ENVIRONMENT: Final = "environment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxies:
    """Hold the addresses of proxies; none by default."""

    #: By the scheme of what is asked for.
    by_scheme: Mapping[str, str]
    #: Hosts that are asked without one, as `NO_PROXY` lists them.
    without: str = ""
    #: Whether the server's variables name a proxy that nobody has allowed.
    unused: bool = False

    def __repr__(self) -> str:
        """Leave names and passwords out."""
        return f"Proxies({', '.join(sorted(self.by_scheme)) or 'none'})"

    @classmethod
    def said(cls, setting: str, environment: Mapping[str, str]) -> Proxies:
        """Read the setting `online_proxy`: nothing, `"environment"`, or the address of a proxy."""
        variables = {scheme: _named(scheme, environment) for scheme in ("http", "https")}
        named = {scheme: address for scheme, address in variables.items() if address}
        without = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
        if setting == ENVIRONMENT:
            return cls(by_scheme=named, without=without)
        if setting:
            return cls(by_scheme=dict.fromkeys(("http", "https"), setting), without=without)
        return cls(by_scheme={}, unused=bool(named))

    def of(self, scheme: str, host: str, port: int) -> str | None:
        """Give the address of the proxy for a host, None where it is asked directly."""
        address = self.by_scheme.get(scheme)
        if address is None or any(_means(entry, host, port) for entry in self.without.lower().split(",")):
            return None
        return address if "://" in address else f"http://{address}"


#: Ask everybody directly.
NONE: Final = Proxies(by_scheme={})


def is_proxy(address: str) -> bool:
    """Tell whether an address is one of a proxy that can be used."""
    try:
        parts = urlsplit(address)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _means(entry: str, host: str, port: int) -> bool:
    """Tell whether an entry of `NO_PROXY` is of a host: `*`, a domain, `host:port`, a number or a network."""
    entry, host = entry.strip(), host.lower().strip("[]")
    if "/" in entry:
        try:
            return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    name = entry.removesuffix(f":{port}").strip("[]").removeprefix("*").removeprefix(".")
    return entry == "*" or (bool(name) and (host == name or host.endswith(f".{name}")))


def _named(scheme: str, environment: Mapping[str, str]) -> str:
    names = (f"{scheme}_proxy", "all_proxy")
    return next((found for name in names if (found := _of(name, environment))), "")


def _of(name: str, environment: Mapping[str, str]) -> str:
    return environment.get(name, "").strip() or environment.get(name.upper(), "").strip()
