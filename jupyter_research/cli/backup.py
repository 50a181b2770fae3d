"""Copy where sessions are kept."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

from ..client import LocalClient


def backup(arguments: Namespace) -> int:
    """Make the copy and say what it holds."""
    folder = None if arguments.data_dir is None else Path(arguments.data_dir).expanduser().resolve()
    target = Path(arguments.target).expanduser().absolute()
    sessions = LocalClient.back_up(target, folder)
    if arguments.json:
        print(json.dumps({"target": str(target), "sessions": sessions}))
    else:
        print(f"{target}: {sessions} {'session' if sessions == 1 else 'sessions'}")
    return 0
