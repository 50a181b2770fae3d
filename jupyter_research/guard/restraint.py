"""Refuse a local-only session every connection but those to addresses that are listed as local."""

from __future__ import annotations

import errno
import ipaddress
import socket
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

#: How many refusals are remembered by what they were.
_REMEMBERED: Final = 20
#: Beginnings of processes; what they do nobody here can see.
PROCESSES: Final = frozenset(
    {
        "subprocess.Popen", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "os.exec", "os.system",
        "os.startfile", "pty.spawn", "webbrowser.open", "multiprocessing.spawn",
    }
)  # fmt: skip
#: What names an address in its second argument.
ADDRESSED: Final = frozenset({"socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"})
#: What asks a name server for its first.
NAMES: Final = frozenset(
    {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"}
)
#: What asks it for the name of a number.
_REVERSE: Final = frozenset({"socket.gethostbyaddr", "socket.getnameinfo"})

_own: ContextVar[bool] = ContextVar("jupyter_research_own_process", default=False)


class LocalOnly(PermissionError):
    """The session is local only.

    An `OSError`, so that code which can do without a network does without it.
    """

    def __init__(self, what: str) -> None:
        super().__init__(errno.EACCES, f"This session is local only: {what} was refused")


@contextmanager
def own_process() -> Iterator[None]:
    """Let the code of the block start a process of ours: a parser's, which connects to nothing."""
    token = _own.set(True)
    try:
        yield
    finally:
        _own.reset(token)


class Restraint:
    """Hold what one session may connect to, and count what it was refused. Thread-safe."""

    def __init__(self, allowed: Collection[str] = ()) -> None:
        """Take addresses: `"host"`, `"host:port"`, or the path of a socket file."""
        self._lock = threading.Lock()
        self._allowed = frozenset(map(_bare, allowed))
        #: How many connections, look-ups and listeners were refused, and how many processes.
        self.connections = 0
        self.processes = 0
        #: What was refused, the first of it.
        self.what: list[str] = []

    def allow(self, addresses: Collection[str]) -> None:
        """Let the session connect to more."""
        self._allowed |= frozenset(map(_bare, addresses))

    def settle(self) -> None:
        """Find out the numbers of what is listed by name: it is connected to as those."""
        self._allowed |= frozenset(_numbers(self._allowed))

    def check(self, event: str, args: tuple[Any, ...]) -> None:
        """Raise `LocalOnly` where an audit event is of what the session may not do."""
        if event in PROCESSES:
            if not _own.get():
                with self._lock:
                    self.processes += 1
                self._refuse(f"starting a process ({_shown(args)})", connections=0)
        elif event in ADDRESSED:
            if args[1] is not None:
                self._address(event.removeprefix("socket."), args[1])
            else:
                self.peer(args[0])
        elif event in NAMES and not self._names(args[0], reverse=event in _REVERSE):
            self._refuse(f"looking up {str(args[0])[:100]!r}")

    def peer(self, connected: socket.socket) -> None:
        """Check where a socket leads that somebody else may have connected."""
        try:
            address = connected.getpeername()
        except OSError:
            return  # Not connected: sending fails by itself.
        # The two ends of a `socketpair` have no name, and no way out.
        if address:
            self._address("send", address)

    def add(self, connections: int, processes: int, what: Collection[str]) -> None:
        """Count what another process of the session was refused."""
        with self._lock:
            self.connections += connections
            self.processes += processes
            self.what = [*self.what, *what][:_REMEMBERED]

    @property
    def counts(self) -> tuple[int, int]:
        """Give the numbers of connections and of processes that were refused."""
        return self.connections, self.processes

    def _address(self, what: str, address: Any) -> None:
        if isinstance(address, tuple) and len(address) >= 2:
            host, port = str(address[0]), address[1]
            if self._lists(host, f"{host}:{port}"):
                return
            self._refuse(f"{what} to {host[:100]} port {port}")
        else:
            path = address.decode("utf-8", "replace") if isinstance(address, bytes) else str(address)
            if not self._lists(path):
                self._refuse(f"{what} to {path[:100]}")

    def _names(self, host: Any, *, reverse: bool) -> bool:
        """Tell whether looking a host up asks nobody, or one that is listed; `reverse`: for a name."""
        if isinstance(host, tuple):
            host = host[0]
        name = host.decode("utf-8", "replace") if isinstance(host, bytes) else host
        if not name or name == "localhost" or (_is_number(name) and not (reverse and _is_far(name))):
            return True
        return any(entry == name or entry.startswith(f"{name}:") for entry in self._allowed)

    def _lists(self, *names: str) -> bool:
        return any(name in self._allowed for name in names)

    def _refuse(self, what: str, connections: int = 1) -> None:
        with self._lock:
            self.connections += connections
            if len(self.what) < _REMEMBERED:
                self.what.append(what)
        raise LocalOnly(what)


def sentence(connections: int, processes: int) -> str:
    """Say what a guard has seen."""
    said = f"Python-level guard: {connections} connection{'' if connections == 1 else 's'} refused"
    return f"{said}, {processes} process{'' if processes == 1 else 'es'} not started" if processes else said


def _numbers(allowed: Collection[str]) -> Iterator[str]:
    """Give the numbers of those that are listed by name."""
    for entry in allowed:
        host, colon, port = entry.rpartition(":")
        name = host if colon and port.isdecimal() else entry
        if entry.startswith("/") or _is_number(entry) or _is_number(name):
            continue
        try:
            found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except OSError:
            continue
        for number in {str(one[4][0]) for one in found}:
            yield f"{number}:{port}" if name == host else number


def _bare(entry: str) -> str:
    """Give an entry as connections name their address: a number of IPv6 without brackets."""
    return entry if entry.startswith("/") else entry.replace("[", "").replace("]", "")


def _is_number(host: str) -> bool:
    # With its zone: what stands behind a % after anything but IPv6 is part of a name.
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_far(number: str) -> bool:
    """Tell whether the name of a number has to be asked for: the machine knows its own."""
    return not ipaddress.ip_address(number).is_loopback


def _shown(args: tuple[Any, ...]) -> str:
    return str(args[0])[:100] if args else "fork"
