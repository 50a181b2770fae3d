"""Refuse addresses that a page or a person must not make this server connect to.

A name is resolved once, every address that it has is checked, and the connection goes to one of those:
a second answer of the name server (rebinding) has nothing to say.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[..., Sequence[tuple[Any, ...]]]

#: Public by their numbers, and yet a machine's own cloud services.
_METADATA: Final = (ipaddress.ip_network("168.63.129.16/32"), ipaddress.ip_network("192.0.0.0/24"))
#: IPv4 within IPv6 where no attribute of the library tells.
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE: Final = ipaddress.ip_network("::/96")
#: All that was ever given out of IPv6 to the public; the library takes old site-local numbers for public.
_UNICAST: Final = ipaddress.ip_network("2000::/3")
#: Endings of names that mean nothing, or something else, to the public internet.
_OWN_NETWORKS: Final = frozenset(
    {
        "arpa", "corp", "domain", "home", "host", "internal", "intranet", "invalid", "lan", "local",
        "localdomain", "localhost", "onion", "private", "test",
    }
)  # fmt: skip


class Refused(Exception):
    """The address may not be connected to."""


class Addresses:
    """Say where a connection to a host may go."""

    def __init__(self, allowed: Collection[str] = (), resolve: Resolve = socket.getaddrinfo) -> None:
        """Take the hosts, `"name"` or `"name:port"`, that an administrator lists."""
        # A number of IPv6 may be listed with its brackets.
        self._allowed = frozenset(entry.lower().replace("[", "").replace("]", "") for entry in allowed)
        self._resolve = resolve

    def check(self, url: str) -> None:
        """Raise `Refused` for what is no plain http or https address."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise Refused(f"{url[:200]!r} is no address.") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
            raise Refused(f"{url[:200]!r} is no address that begins with http:// or https://.")
        if parts.username is not None or parts.password is not None:
            raise Refused(f"The address of {parts.hostname} has a name or a password in it.")

    def of(self, host: str, port: int) -> list[str]:
        """Give the numbers that a connection to a host may use.

        Raises:
            Refused: when one of them is not public, and no administrator has listed the host.
            OSError: when the name is not known.
        """
        found = self._resolve(host, port, type=socket.SOCK_STREAM)
        numbers = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not self.lists(host, port):
            for number in numbers:
                if not is_public(number):
                    raise Refused(
                        f"{host} is {number}, which is not on the public internet: "
                        "an administrator can allow it by ResearchApp.private_hosts."
                    )
        return numbers

    def named(self, host: str, port: int) -> None:
        """Check a host that a proxy will look up; what is not public here is not asked for there.

        A name that only the proxy knows, and what it takes a name for, nobody can check here.

        Raises:
            Refused: for a number that is not public, a name without a dot or of a network of one's own, and a
                name that this machine knows as one of those.
        """
        if self.lists(host, port):
            return
        name = host.lower().strip("[]").rstrip(".")
        if not _is_number(name) and ("." not in name or name.rpartition(".")[2] in _OWN_NETWORKS):
            raise Refused(
                f"{host} is a name of a network of its own: an administrator can allow it by "
                "ResearchApp.private_hosts."
            )
        try:
            self.of(host, port)
        except (OSError, UnicodeError):
            pass  # The proxy may know it.

    def lists(self, host: str, port: int) -> bool:
        """Tell whether an administrator has listed a host."""
        name = host.lower().strip("[]")
        return name in self._allowed or f"{name}:{port}" in self._allowed


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_public(number: str) -> bool:
    """Tell whether an address belongs to the public internet, also one that wraps another."""
    try:
        address: Address = ipaddress.ip_address(number.partition("%")[0])
    except ValueError:
        return False
    return "%" not in number and all(map(_public, _unwrapped(address)))


def _public(address: Address) -> bool:
    if address.version == 6 and address not in _UNICAST:
        return False
    unusual = address.is_multicast or address.is_reserved or address.is_unspecified
    return address.is_global and not unusual and not any(address in network for network in _METADATA)


def _unwrapped(address: Address) -> list[Address]:
    """Give the address, or what stands inside of one that carries an IPv4 address."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address.sixtofour is not None:
        return [address, address.sixtofour]
    if address.teredo is not None:
        return [address, *address.teredo]
    if address in _NAT64 or address in _COMPATIBLE:
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    return [address]


def host_of(url: str) -> str:
    """Give host and port of an address, as rates and rules are kept."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()
