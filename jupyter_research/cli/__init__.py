"""Be the command `jupyter research`: sessions from a terminal.

Level 7. What a command needs is imported when it runs, so that `--help` is quick.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from .. import errors

__all__ = ["main"]

#: What the command answers its caller with.
DONE, FAILED, BAD_ARGUMENTS, INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code: 0 done, 1 failed, 2 bad arguments, 130 interrupted."""
    from .arguments import parse

    arguments = parse(sys.argv[1:] if argv is None else argv)
    try:
        code: int = arguments.command(arguments)
        sys.stdout.flush()
        return code
    except (errors.InvalidRequest, errors.SessionNotFound) as error:
        return _complain(error, BAD_ARGUMENTS)
    except (errors.ResearchError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            # The reader has seen enough; without this Python would complain at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return FAILED
        return _complain(error, FAILED)
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return INTERRUPTED


def _complain(error: Exception, code: int) -> int:
    from ..export.plain import one_line

    print(f"jupyter research: {one_line(str(error))}", file=sys.stderr)
    return code
