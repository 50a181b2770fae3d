"""Find the Jupyter server that started this kernel, and never another.

All servers are never gone through: that deletes other hosts' files on a shared home and would hand a
topic to whichever answers first.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

#: Addresses that mean "every interface", and the one at which this machine reaches itself.
_WILDCARDS = {"": "127.0.0.1", "*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "[::1]"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Say where a Jupyter server answers, and what it lets in."""

    #: With the base URL and a slash at the end.
    url: str
    token: str = field(default="", repr=False)
    #: The root folder, where the server's own file tells it.
    root: Path | None = None
    pid: int | None = None
    #: The path of the UNIX socket that it listens on instead of a port.
    socket: str | None = None
    #: Certificate, key and authority for TLS between the parts of a JupyterHub.
    tls: tuple[str, str, str] | None = None

    @property
    def local(self) -> bool:
        """Tell whether it was found on this machine, so that no proxy lies between."""
        host = urlsplit(self.url).hostname or ""
        return self.socket is not None or host in ("localhost", "::1") or host.startswith("127.")

    @property
    def python(self) -> str:
        """Name the Python that runs the server, for a command to copy."""
        try:
            command = Path(f"/proc/{self.pid}/cmdline").read_bytes().split(b"\0")[0].decode()
        except (OSError, UnicodeDecodeError):
            return "python"
        known = os.path.isabs(command) and Path(command).name.startswith("python")
        return command if known else "python"


def find(env: Mapping[str, str] = os.environ) -> Server | None:
    """Find this kernel's server, or None where there is none."""
    if env.get("JUPYTER_RESEARCH_URL"):
        url = env["JUPYTER_RESEARCH_URL"]
        return Server(url=_address(url), token=env.get("JUPYTER_RESEARCH_TOKEN", ""))
    return parent_server(env) or _hub_server(env)


def parent_server(env: Mapping[str, str] = os.environ) -> Server | None:
    """Find the server whose child this process is, by the file that it keeps while it runs."""
    for pid in _parents(env):
        for folder in runtime_folders(env):
            info = _read_info(folder / f"jpserver-{pid}.json")
            if info is not None and info.get("pid") == pid:
                return _from_info(info, pid, env)
    return None


def runtime_folders(env: Mapping[str, str] = os.environ) -> Iterator[Path]:
    """Go through the folders where the server's file may lie, the surest first."""
    connection = connection_file()
    if connection is not None:
        # The server itself wrote this file, into its own runtime folder.
        yield connection.parent
    if env.get("JUPYTER_RUNTIME_DIR"):
        yield Path(env["JUPYTER_RUNTIME_DIR"])
    try:
        from jupyter_core.paths import jupyter_runtime_dir
    except ImportError:
        yield _default_runtime_folder(env)
    else:
        yield Path(jupyter_runtime_dir())


def connection_file() -> Path | None:
    """Give the connection file of the kernel that this process is, if it is one."""
    application = sys.modules.get("ipykernel.kernelapp")
    if application is None or not application.IPKernelApp.initialized():
        return None
    path = application.IPKernelApp.instance().abs_connection_file
    return Path(path) if path else None


def kernel_id() -> str | None:
    """Give the id by which the server knows this kernel."""
    path = connection_file()
    match = re.fullmatch(r"kernel-(.+)\.json", path.name) if path else None
    return match.group(1) if match else None


def _parents(env: Mapping[str, str]) -> list[int]:
    given = env.get("JPY_PARENT_PID", "")
    # On Windows the variable holds an inherited handle and no process id.
    if os.name == "nt" or not given.isdigit():
        return [os.getppid()] if given else []
    return [int(given)]


def _default_runtime_folder(env: Mapping[str, str]) -> Path:
    if env.get("JUPYTER_DATA_DIR"):
        return Path(env["JUPYTER_DATA_DIR"]) / "runtime"
    home = Path.home()
    if sys.platform == "darwin":
        return home / "Library" / "Jupyter" / "runtime"
    if os.name == "nt":
        return Path(env.get("APPDATA", home)) / "jupyter" / "runtime"
    return Path(env.get("XDG_DATA_HOME") or home / ".local" / "share") / "jupyter" / "runtime"


def _read_info(path: Path) -> dict[str, Any] | None:
    try:
        with path.open(encoding="utf-8") as file:
            info = json.load(file) if _is_ours(os.fstat(file.fileno())) else None
    except (OSError, ValueError):
        return None
    return info if isinstance(info, dict) else None


def _is_ours(found: os.stat_result) -> bool:
    """Tell whether a file is this person's own: in a runtime folder that many share, others may plant one.

    A network file system may show another owner, but a server's file can be read by nobody else.
    """
    if os.name != "posix" or found.st_uid == os.geteuid():
        return True
    return os.geteuid() != 0 and found.st_mode & 0o077 == 0


def _from_info(info: Mapping[str, Any], pid: int, env: Mapping[str, str]) -> Server:
    host = str(info.get("hostname", ""))
    socket = str(info.get("sock") or "") or None
    url = str(info.get("url", ""))
    if socket is None and host in _WILDCARDS:
        # The URL then names the machine, which a container may be unable to resolve.
        scheme = "https" if info.get("secure") else "http"
        url = f"{scheme}://{_WILDCARDS[host]}:{info.get('port')}{info.get('base_url', '/')}"
    if socket is not None:
        url = f"http://localhost{info.get('base_url', '/')}"
    root = info.get("root_dir")
    return Server(
        url=_address(url),
        token=str(info.get("token") or ""),
        root=Path(str(root)) if root else None,
        pid=pid,
        socket=unquote(socket) if socket else None,
        tls=_hub_tls(env),
    )


def _hub_server(env: Mapping[str, str]) -> Server | None:
    url, token = env.get("JUPYTERHUB_SERVICE_URL"), env.get("JUPYTERHUB_API_TOKEN")
    if not url or not token:
        return None
    return Server(url=_address(url), token=token, tls=_hub_tls(env))


def _hub_tls(env: Mapping[str, str]) -> tuple[str, str, str] | None:
    certificate, key, authority = (
        env.get(f"JUPYTERHUB_SSL_{name}", "") for name in ("CERTFILE", "KEYFILE", "CLIENT_CA")
    )
    return (certificate, key, authority) if certificate and key and authority else None


def _address(url: str) -> str:
    """Give `url` with a host that can be reached, and a slash at the end."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    place = parts.netloc
    if host in _WILDCARDS:
        place = _WILDCARDS[host] + (f":{parts.port}" if parts.port else "")
    return urlunsplit((parts.scheme, place, parts.path.rstrip("/") + "/", "", ""))
