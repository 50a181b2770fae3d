"""Write events as JSON, whatever research code put into them."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Final

import orjson

from ..events import MAX_UPDATE_BYTES, Kind, add_note, safe_json, safe_text, status_fields

_OPTIONS: Final = orjson.OPT_UTC_Z | orjson.OPT_SERIALIZE_NUMPY

#: How much of a message survives when an update is too large.
_CUT_MESSAGE: Final = 2000


def encode(
    kind: Kind,
    message: str | None,
    step: str | None,
    step_number: int | None,
    done: float | None,
    total: float | None,
    detail: dict[str, Any],
) -> bytes:
    """Give the JSON of an event after its `seq`.

    Raises:
        TypeError: for what JSON or UTF-8 cannot hold.
    """
    return orjson.dumps(
        {
            "time": datetime.now(timezone.utc),
            "kind": kind.value,
            "step": step,
            "step_number": step_number,
            "message": message,
            "done": done,
            "total": total,
            "detail": detail,
        },
        option=_OPTIONS,
    )[1:]


def encode_update(message: Any, status: Any) -> bytes:
    """Give the JSON of a status update after its `seq`; never fails, never exceeds 64 KiB."""
    try:
        fields = status_fields(message, status)
        rest = encode(Kind.STATUS_UPDATE, *fields)
        if b"null" in rest and safe_json(fields.detail)[1]:  # orjson writes NaN as null: that must be said.
            rest = _encode_safely(message, status)
    except Exception:
        rest = _encode_safely(message, status)
    return rest if len(rest) <= MAX_UPDATE_BYTES else _cut(rest)


def _encode_safely(message: Any, status: Any) -> bytes:
    """Write what JSON cannot hold as text, and say so."""
    try:
        status, _ = safe_json(status)
        fields = status_fields(None if message is None else safe_text(message), status)
        detail = dict(fields.detail)
        add_note(detail, "Some values were no JSON and were written as text.")
        step = None if fields.step is None else safe_text(fields.step)
        return encode(
            Kind.STATUS_UPDATE, fields.message, step, fields.step_number, fields.done, fields.total, detail
        )
    except Exception as error:  # A status whose own methods raise.
        note = f"The status could not be read: {type(error).__name__}."
        return encode(
            Kind.STATUS_UPDATE, safe_text(message)[:_CUT_MESSAGE], None, None, None, None, {"notes": [note]}
        )


def _cut(rest: bytes) -> bytes:
    """Keep the fields, cut the message, drop the detail but for what the bars need."""
    event = orjson.loads(b"{" + rest)
    message, step = event["message"], event["step"]
    detail = {
        name: value
        for name, value in event["detail"].items()
        if name in ("analyst", "analyst_done", "analyst_total", "usage")
        and len(orjson.dumps(value)) < _CUT_MESSAGE
    }
    detail["notes"] = [f"The update took {len(rest):,} bytes, more than {MAX_UPDATE_BYTES:,}: it was cut."]
    return encode(
        Kind.STATUS_UPDATE,
        None if message is None else message[:_CUT_MESSAGE],
        None if step is None else step[:_CUT_MESSAGE],
        event["step_number"],
        event["done"],
        event["total"],
        detail,
    )
