"""Speak Google's protocol, written by hand after the reference of its REST interface.

Unlike the others it names the model and the way in the path, says the time to wait in the body of an error,
and calls the model `model` where others say `assistant`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from .exchange import Asked, Reply
from .protocols import PROTOCOLS, Protocol, counted, event, pieces, said, text_of

_PATH: Final = re.compile(r"/v1(?:beta)?/models/([^/:]+):(generateContent|streamGenerateContent)")
#: Its words for statuses.
_WORDS: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_RPC: Final = "type.googleapis.com/google.rpc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Google:
    """Speak `POST /v1beta/models/MODEL:generateContent`, or `:streamGenerateContent?alt=sse`."""

    model: str
    streams: bool
    stream_type: str = "text/event-stream"

    def read(self, body: Mapping[str, Any], headers: Mapping[str, str]) -> Asked:
        """Find the schema in `generationConfig`, or in the function that has to be called."""
        wanted = body.get("generationConfig") or {}
        schema, tool = wanted.get("responseJsonSchema") or wanted.get("responseSchema"), None
        calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
        if schema is None and body.get("tools") and calling.get("mode") == "ANY":
            function = body["tools"][0]["functionDeclarations"][0]
            tool = function["name"]
            found = function.get("parametersJsonSchema") or function.get("parameters") or {}
            schema = {"title": tool, **found}
        roles = {"model": "assistant"}
        turns = [(roles.get(one["role"], one["role"]), text_of(one["parts"])) for one in body["contents"]]
        system = body.get("systemInstruction")
        return Asked(
            protocol="google",
            model=self.model,
            messages=(*([("system", text_of(system["parts"]))] if system else []), *turns),
            schema=schema,
            tool=tool,
            stream=self.streams,
            headers=headers,
            body=body,
        )

    def whole(self, asked: Asked, reply: Reply) -> Any:
        """Write a `GenerateContentResponse`; a refusal is a candidate without content."""
        if reply.refusal is not None:
            return self._part(asked, reply, None, "SAFETY")
        if asked.tool and reply.data is not None:
            return self._part(
                asked, reply, {"functionCall": {"name": asked.tool, "args": reply.data}}, "STOP"
            )
        return self._part(asked, reply, {"text": said(reply)}, _finish(reply))

    def stream(self, asked: Asked, reply: Reply) -> Iterator[bytes]:
        """Write the same in pieces: each has the counts so far, and the last says why it ends."""
        if reply.refusal is not None or (asked.tool and reply.data is not None):
            yield event(self.whole(asked, reply))
            return
        for piece in pieces(said(reply)):
            yield event(self._part(asked, reply, {"text": piece}, None))
        yield event(self._part(asked, reply, {"text": ""}, _finish(reply)))

    def error(self, reply: Reply) -> Any:
        """Write `{"error": {"code", "message", "status", "details"}}`."""
        message, word = reply.error
        details = []
        if wait := reply.headers.get("Retry-After"):
            details.append({"@type": f"{_RPC}.RetryInfo", "retryDelay": f"{wait}s"})
        if word == "API_KEY_INVALID":
            details.append({"@type": f"{_RPC}.ErrorInfo", "reason": word, "domain": "googleapis.com"})
        status = _WORDS.get(reply.status, "UNKNOWN")
        return {
            "error": {"code": reply.status, "message": message, "status": status, "details": details},
        }

    def headers(self, reply: Reply) -> Mapping[str, str]:
        """Leave the time to wait to the body."""
        return {name: value for name, value in reply.headers.items() if name != "Retry-After"}

    def _part(
        self, asked: Asked, reply: Reply, part: dict[str, Any] | None, finish: str | None
    ) -> dict[str, Any]:
        taken, given = counted(asked, reply)
        content = {} if part is None else {"content": {"role": "model", "parts": [part]}}
        return {
            "candidates": [{**content, **({"finishReason": finish} if finish else {}), "index": 0}],
            "usageMetadata": {
                "promptTokenCount": taken,
                "candidatesTokenCount": given,
                "totalTokenCount": taken + given,
            },
            "modelVersion": self.model,
            "responseId": "scripted",
        }


def _finish(reply: Reply) -> str:
    return "MAX_TOKENS" if reply.finish == "length" else "STOP"


def spoken(path: str) -> Protocol | None:
    """Give the protocol that is spoken at a path, None where there is none."""
    found = _PATH.fullmatch(path)
    if found is None:
        return PROTOCOLS.get(path)
    return Google(model=found[1], streams=found[2] == "streamGenerateContent")
