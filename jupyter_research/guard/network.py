"""Leave the network behind, for the rest of a process's life."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from typing import Final

_NEW_USER: Final = 0x10000000
_NEW_NETWORK: Final = 0x40000000


def leave_network() -> str | None:
    """Give this process, and all that it starts, a network that leads nowhere; the reason where it cannot be.

    Linux only, and only before the first thread is started: a user namespace of one's own is needed, which
    some systems refuse.
    """
    if not sys.platform.startswith("linux"):
        return f"{sys.platform} has no network namespaces"
    user, group = os.getuid(), os.getgid()
    if ctypes.CDLL(None, use_errno=True).unshare(_NEW_USER | _NEW_NETWORK) != 0:
        return f"the system refuses: {os.strerror(ctypes.get_errno())}"
    try:
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    except OSError:
        pass  # Files are read and written as before; only the names of users are unknown.
    return None
