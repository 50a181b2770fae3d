"""Write down each model call and search of a process when it begins and when its answer is recorded.

Python imports this at its start where this folder is on the path; `CALLS` names the file. What a killed
process has written stays: each line is one write.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from jupyter_research.ledger import Ledger, request_hash

if "CALLS" in os.environ:
    _file = os.open(os.environ["CALLS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    _call = Ledger.call

    def call(self: Ledger, step: str, request: Any, perform: Callable[[], Any], **kind: Any) -> Any:
        key = f"{self._session} {step} {request_hash(request)}"

        def counted() -> Any:
            os.write(_file, f"begun {key}\n".encode())
            return perform()

        answer = _call(self, step, request, counted, **kind)
        os.write(_file, f"recorded {key}\n".encode())
        return answer

    Ledger.call = call  # type: ignore[method-assign]  # that is what it is for
