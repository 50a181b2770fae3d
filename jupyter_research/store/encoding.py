"""Write events as JSON, whatever research code put into them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import orjson

from ..events import MAX_UPDATE_BYTES, Kind, StatusFields, add_note, safe_json, safe_text, status_fields

# The text and not the member of the Enum: orjson would ask that for its value at every update.
_UPDATE: Final = Kind.STATUS_UPDATE.value

_OPTIONS: Final = orjson.OPT_UTC_Z | orjson.OPT_SERIALIZE_NUMPY

#: How much of a message survives when an update is too large.
_CUT_MESSAGE: Final = 2000


def encode(kind: str, fields: StatusFields) -> bytes:
    """Give the JSON of an event after its `seq`.

    Raises:
        TypeError: for what JSON or UTF-8 cannot hold.
    """
    return orjson.dumps({"time": datetime.now(UTC), "kind": kind, **fields}, option=_OPTIONS)[1:]


def encode_update(message: Any, status: Any) -> bytes:
    """Give the JSON of a status update after its `seq`; never fails, never exceeds 64 KiB."""
    try:
        fields = status_fields(message, status)
        rest = encode(_UPDATE, fields)
        # orjson writes NaN as null, which must be said. Absent fields are null too.
        nulls = rest.count(b"null")
        if nulls and nulls > [*fields.values()].count(None) and safe_json(fields["detail"])[1]:
            rest = _encode_safely(message, status)
    except Exception:
        rest = _encode_safely(message, status)
    return rest if len(rest) <= MAX_UPDATE_BYTES else _cut(rest)


def _encode_safely(message: Any, status: Any) -> bytes:
    """Write what JSON cannot hold as text, and say so."""
    try:
        status, _ = safe_json(status)
        fields = status_fields(None if message is None else safe_text(message), status)
        fields["detail"] = dict(fields["detail"])
        add_note(fields["detail"], "Some values were no JSON and were written as text.")
        if fields["step"] is not None:
            fields["step"] = safe_text(fields["step"])
        return encode(_UPDATE, fields)
    except Exception as error:  # A status whose own methods raise.
        fields = status_fields(safe_text(message)[:_CUT_MESSAGE])
        add_note(fields["detail"], f"The status could not be read: {type(error).__name__}.")
        return encode(_UPDATE, fields)


def _cut(rest: bytes) -> bytes:
    """Keep the fields, cut the message, drop the detail but for what the bars need."""
    event = orjson.loads(b"{" + rest)
    del event["time"], event["kind"]
    for name in ("message", "step"):
        if event[name] is not None:
            event[name] = event[name][:_CUT_MESSAGE]
    event["detail"] = {
        name: value
        for name, value in event["detail"].items()
        if name in ("analyst", "analyst_done", "analyst_total", "usage")
        and len(orjson.dumps(value)) < _CUT_MESSAGE
    }
    add_note(
        event["detail"], f"The update took {len(rest):,} bytes, more than {MAX_UPDATE_BYTES:,}: it was cut."
    )
    return encode(_UPDATE, event)
