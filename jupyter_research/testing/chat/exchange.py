"""Say what a chat server is asked and what it replies, whatever the protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

#: What goes wrong on the way of a reply: the connection ends within the body; the body ends within its JSON;
#: nothing comes until the server closes.
Fault = Literal["drop", "cut", "hang"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Hold one request as a chat server got it."""

    protocol: str
    model: str
    #: Role and text of each message, the system's first.
    messages: tuple[tuple[str, str], ...]
    #: The JSON schema that the answer shall have; None where text is asked for.
    schema: Mapping[str, Any] | None
    #: The name of the tool by which the answer is asked for; None where it is asked for as text.
    tool: str | None
    stream: bool
    #: By lower-case name.
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def text(self) -> str:
        """Give all that was said, one message after the other."""
        return "\n\n".join(text for _, text in self.messages)

    @property
    def title(self) -> str:
        """Name the shape that is asked for, empty where there is none."""
        return str((self.schema or {}).get("title") or self.tool or "")

    @property
    def key(self) -> str:
        """Give the key that came along."""
        bearer = self.headers.get("authorization", "").removeprefix("Bearer ")
        return self.headers.get("x-api-key") or self.headers.get("x-goog-api-key") or bearer


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Say what comes back: data in the shape asked for, text, a refusal, an error, or part of it."""

    text: str = ""
    #: JSON-able, sent as text or as a tool's arguments; wins over `text`.
    data: Any = None
    refusal: str | None = None
    status: int = 200
    #: The sentence, and the provider's word, of an error.
    error: tuple[str, str] = ("The server had an error.", "server_error")
    headers: Mapping[str, str] = field(default_factory=dict)
    fault: Fault | None = None
    #: Tokens in and out; None for a count of words.
    usage: tuple[int, int] | None = None
    #: Why the answer ends; `length` is what a cap on its tokens gives.
    finish: Literal["stop", "length"] = "stop"
    #: Seconds before anything is sent.
    delay: float = 0.0


#: Decides what comes back.
Answer = Callable[[Asked], Reply]
