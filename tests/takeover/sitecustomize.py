"""Let a server look as often as `TAKE_OVER` says, in seconds, for what servers beside it have left.

Python imports this at its start where this folder is on the path. Half a minute is long in a test, and on a
slow machine too short: a server would take over what the next one is just being started for.
"""

from __future__ import annotations

import os

from jupyter_research.manager import manager

if "TAKE_OVER" in os.environ:
    manager.HALF_A_MINUTE = float(os.environ["TAKE_OVER"])  # type: ignore[misc]  # that is what it is for
