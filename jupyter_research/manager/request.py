"""Read the bodies of the commands, and say in one sentence what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from ..analysts.given import Given
from ..errors import InvalidRequest

MAX_TOPIC: Final = 4000
MAX_FEEDBACK: Final = 4000
MAX_KEY: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRequest:
    """Hold what a new session is asked to do."""

    topic: str
    researcher: str = "analysts"
    options: Mapping[str, Any]
    #: "ask", "auto", or None for what suits the options.
    approve: str | None = None
    #: The notebook's path, relative to the root folder.
    notebook: str | None = None
    key: str | None = None
    #: Take the key for a new session, whatever it named before.
    new: bool = False
    #: Texts that the kernel holds, as further sources.
    documents: tuple[Given, ...] = ()

    @classmethod
    def from_json(cls, body: Any) -> StartRequest:
        """Read the body of `POST /sessions`.

        Raises:
            InvalidRequest: for an unknown field, a wrong type or a value out of range.
        """
        allowed = {"topic", "researcher", "options", "approve", "notebook", "key", "new", "documents"}
        fields = checked(body, allowed)
        topic = _text(fields, "topic", required=True)
        assert topic is not None
        if not topic.strip():
            raise InvalidRequest("The topic is empty: say what is to be researched.")
        if len(topic) > MAX_TOPIC:
            raise InvalidRequest(f"The topic has {len(topic):,} characters: {MAX_TOPIC:,} are allowed.")
        options = fields.get("options")
        if options is not None and not isinstance(options, Mapping):
            raise InvalidRequest("options must be an object.")
        if options and "documents" in options:
            raise InvalidRequest("documents stand beside the options, with their texts.")
        approve = _text(fields, "approve")
        if approve not in (None, "ask", "auto"):
            raise InvalidRequest('approve must be "ask", "auto" or null.')
        key = _text(fields, "key")
        if key is not None and not 0 < len(key) <= MAX_KEY:
            raise InvalidRequest(f"key must have 1 to {MAX_KEY} characters.")
        researcher = _text(fields, "researcher")
        new = fields.get("new")
        if new is not None and type(new) is not bool:
            raise InvalidRequest("new must be true or false.")
        return cls(
            topic=topic,
            researcher="analysts" if researcher is None else researcher,
            options=options or {},
            approve=approve,
            notebook=_text(fields, "notebook"),
            key=key,
            new=bool(new),
            documents=Given.from_json(fields.get("documents")),
        )


def checked(body: Any, allowed: set[str]) -> Mapping[str, Any]:
    """Return the body where it is an object without unknown fields."""
    if not isinstance(body, Mapping):
        raise InvalidRequest("The body must be a JSON object.")
    unknown = sorted(str(name) for name in body if name not in allowed)
    if unknown:
        raise InvalidRequest(f"Unknown field {unknown[0]!r}: {', '.join(sorted(allowed))} are allowed.")
    return body


def version_of(body: Mapping[str, Any]) -> int:
    """Return the version that a decision is about."""
    version = body.get("version")
    if type(version) is not int:
        raise InvalidRequest("version is missing: send the version of the proposal that you have decided on.")
    return version


def feedback_of(body: Mapping[str, Any]) -> str:
    """Return what is to be changed."""
    feedback = _text(body, "feedback", required=True)
    assert feedback is not None
    if not feedback.strip():
        raise InvalidRequest("feedback is empty: say what is to be changed.")
    if len(feedback) > MAX_FEEDBACK:
        raise InvalidRequest(f"feedback has {len(feedback):,} characters: {MAX_FEEDBACK:,} are allowed.")
    return feedback


def _text(fields: Mapping[str, Any], name: str, *, required: bool = False) -> str | None:
    value = fields.get(name)
    if value is None and not required:
        return None
    if not isinstance(value, str):
        raise InvalidRequest(f"{name} must be a text.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest(f"{name} holds characters that are no valid text (lone surrogates).") from error
    return value


def as_json(value: Any) -> Any:
    """Return the value as the log will hold it.

    Raises:
        InvalidRequest: for what is no JSON, or more than the log can hold: numbers of more than 64 bits,
            lists in lists hundreds deep.
    """
    try:
        return orjson.loads(orjson.dumps(value))
    except TypeError as error:
        try:  # Keys that are numbers become texts, and then the log can hold it.
            return orjson.loads(orjson.dumps(json.loads(json.dumps(value, allow_nan=False))))
        except (TypeError, ValueError, RecursionError):
            raise InvalidRequest(f"That cannot be kept as JSON: {error}.") from error
