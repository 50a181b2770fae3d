"""Tell other hosts that the holder of a folder lives: not every network file system passes locks on."""

from __future__ import annotations

import json
import os
import platform
import threading
from pathlib import Path
from typing import Any, Final

#: Seconds between two signs of life, and after how many without one a holder on another host is dead.
EVERY: Final = 10.0
DEAD_AFTER: Final = 60.0

_BEAT: Final = "research.beat"
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


class Beat:
    """Renew the time of a file beside the lock until it is stopped.

    The file's time and not one inside it: that of a shared folder is the file server's own, whatever the
    clocks of its hosts say.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _BEAT
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="jupyter_research-beat", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._path.unlink(missing_ok=True)
        with open(os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
            json.dump({**_host(), "pid": os.getpid()}, file)
        self._thread.start()

    def stop(self) -> None:
        """End, and leave no sign of life."""
        self._stopped.set()
        self._thread.join(EVERY)
        self._path.unlink(missing_ok=True)

    def _run(self) -> None:
        while not self._stopped.wait(EVERY):
            try:
                os.utime(self._path)
            except OSError:
                pass  # A disk that is away or full comes back; the lock is what counts on this host.


def held_elsewhere(folder: Path, lock: Path) -> bool:
    """Tell whether a process of another host holds the folder, although its lock was free to take.

    Args:
        folder: the data folder.
        lock: its lock file, which the caller holds; its time is renewed, to have the folder's own now.
    """
    try:
        holder = json.loads((folder / _BEAT).read_bytes())
        last = (folder / _BEAT).stat().st_mtime
        os.utime(lock)
        now = lock.stat().st_mtime
    except (OSError, ValueError):
        return False
    return isinstance(holder, dict) and _is_other(holder) and now - last < DEAD_AFTER


def _is_other(holder: dict[str, Any]) -> bool:
    """Tell whether it is another machine: one that was started again has its name, a container its boot."""
    own = _host()
    return holder.get("boot") != own["boot"] and holder.get("host") != own["host"]


def _host() -> dict[str, str]:
    try:
        boot = _BOOT.read_text().strip()
    except OSError:
        boot = ""  # Then the name alone decides.
    return {"host": platform.node(), "boot": boot or platform.node()}
