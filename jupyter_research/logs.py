"""Write log records as lines of JSON, for those who gather logs: `jupyter_research.logs.JsonLines`."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any, Final

#: What our records carry beside their sentence. None of it is a person's word.
FIELDS: Final = ("session_id", "state", "kind", "attempt", "code")


class JsonLines(logging.Formatter):
    """Format each record as one JSON object: time, level, logger, message, and what it is about."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
