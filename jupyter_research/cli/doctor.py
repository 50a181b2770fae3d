"""Look at where sessions are kept, and say what to do."""

from __future__ import annotations

import json
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from ..client import LocalClient


def doctor(arguments: Namespace) -> int:
    """Print what was found, and what to do about it; 1 where there is something to do."""
    folder = None if arguments.data_dir is None else Path(arguments.data_dir).expanduser().resolve()
    ill = False
    for finding in LocalClient.examine(folder):
        ill = ill or finding.advice is not None
        if arguments.json:
            print(json.dumps(asdict(finding)))
            continue
        print(f"{'!' if finding.advice else ' '} {finding.what}: {finding.text}")
        if finding.advice:
            print(f"    {finding.advice}")
    return int(ill)
