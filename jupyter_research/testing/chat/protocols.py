"""Speak the protocols of chat models: read their requests, write their responses, whole or in pieces."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from typing import Protocol as Shape

from .exchange import Asked, Reply

#: How many characters one piece of a stream has.
_PIECE: Final = 24


class Protocol(Shape):
    """Translate between one provider's JSON and ours."""

    @property
    def stream_type(self) -> str:
        """Name the media type of a stream."""

    def read(self, body: Mapping[str, Any], headers: Mapping[str, str]) -> Asked:
        """Read a request."""

    def whole(self, asked: Asked, reply: Reply) -> Any:
        """Write a response in one piece."""

    def stream(self, asked: Asked, reply: Reply) -> Iterator[bytes]:
        """Write a response piece by piece."""

    def error(self, reply: Reply) -> Any:
        """Write an error."""

    def headers(self, reply: Reply) -> Mapping[str, str]:
        """Give the headers of a response, beside those of its content."""
        return reply.headers


class OpenAI(Protocol):
    """Speak `POST /v1/chat/completions`."""

    stream_type = "text/event-stream"

    def read(self, body: Mapping[str, Any], headers: Mapping[str, str]) -> Asked:
        """Find the schema in `response_format`, or in the tool that has to be called."""
        schema, tool = None, None
        wanted = body.get("response_format") or {}
        if wanted.get("type") == "json_schema":
            schema = {"title": wanted["json_schema"].get("name"), **wanted["json_schema"].get("schema", {})}
        elif body.get("tools") and body.get("tool_choice") not in (None, "auto", "none"):
            function = body["tools"][0]["function"]
            tool = function["name"]
            schema = {"title": tool, **function.get("parameters", {})}
        return Asked(
            protocol="openai",
            model=body["model"],
            messages=tuple((one["role"], text_of(one.get("content"))) for one in body["messages"]),
            schema=schema,
            tool=tool,
            stream=bool(body.get("stream")),
            headers=headers,
            body=body,
        )

    def whole(self, asked: Asked, reply: Reply) -> Any:
        """Write a `chat.completion`."""
        message: dict[str, Any] = {"role": "assistant", "content": said(reply), "refusal": None}
        if reply.refusal is not None:
            message.update(content=None, refusal=reply.refusal)
        elif asked.tool and reply.data is not None:
            message.update(content=None, tool_calls=[_call(asked.tool, said(reply))])
        finish = "tool_calls" if message.get("tool_calls") else reply.finish
        return {
            **self._head(asked, "chat.completion"),
            "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
            "usage": self._usage(asked, reply),
        }

    def stream(self, asked: Asked, reply: Reply) -> Iterator[bytes]:
        """Write `chat.completion.chunk`s, the usage last where it is asked for."""
        head = self._head(asked, "chat.completion.chunk")

        def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
            choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
            return event({**head, "choices": [choice], "usage": None})

        called = bool(asked.tool and reply.data is not None and reply.refusal is None)
        yield chunk({"role": "assistant", "content": None if called else ""})
        if called:
            yield chunk({"tool_calls": [{"index": 0, **_call(asked.tool, "")}]})
        for piece in pieces(reply.refusal or said(reply)):
            if called:
                yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
            else:
                yield chunk({"refusal" if reply.refusal is not None else "content": piece})
        yield chunk({}, "tool_calls" if called else reply.finish)
        if (asked.body.get("stream_options") or {}).get("include_usage"):
            yield event({**head, "choices": [], "usage": self._usage(asked, reply)})
        yield b"data: [DONE]\n\n"

    def error(self, reply: Reply) -> Any:
        """Write `{"error": {"message", "type", "code"}}`."""
        message, word = reply.error
        return {"error": {"message": message, "type": word, "code": word, "param": None}}

    def _head(self, asked: Asked, kind: str) -> dict[str, Any]:
        return {"id": "chatcmpl-scripted", "object": kind, "created": 1700000000, "model": asked.model}

    def _usage(self, asked: Asked, reply: Reply) -> dict[str, Any]:
        taken, given = counted(asked, reply)
        return {"prompt_tokens": taken, "completion_tokens": given, "total_tokens": taken + given}


class Anthropic(Protocol):
    """Speak `POST /v1/messages`."""

    stream_type = "text/event-stream"

    def read(self, body: Mapping[str, Any], headers: Mapping[str, str]) -> Asked:
        """Find the schema in `output_config`, or in the tool that has to be called."""
        schema, tool = None, None
        wanted = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
        if wanted.get("type") == "json_schema":
            schema = wanted["schema"]
        elif body.get("tools") and (body.get("tool_choice") or {}).get("type") in ("tool", "any"):
            tool = body["tools"][0]["name"]
            schema = {"title": tool, **body["tools"][0].get("input_schema", {})}
        turns = [(one["role"], text_of(one["content"])) for one in body["messages"]]
        system = [("system", text_of(body["system"]))] if body.get("system") else []
        return Asked(
            protocol="anthropic",
            model=body["model"],
            messages=(*system, *turns),
            schema=schema,
            tool=tool,
            stream=bool(body.get("stream")),
            headers=headers,
            body=body,
        )

    def whole(self, asked: Asked, reply: Reply) -> Any:
        """Write a `message`."""
        taken, given = counted(asked, reply)
        return {
            **self._head(asked),
            "content": [self._content(asked, reply)],
            "stop_reason": self._stop(asked, reply),
            "usage": {"input_tokens": taken, "output_tokens": given},
        }

    def stream(self, asked: Asked, reply: Reply) -> Iterator[bytes]:
        """Write the events from `message_start` to `message_stop`."""
        taken, given = counted(asked, reply)
        start = {
            **self._head(asked),
            "content": [],
            "stop_reason": None,
            "usage": {"input_tokens": taken, "output_tokens": 0},
        }
        yield _named("message_start", message=start)
        content = self._content(asked, reply)
        called = content["type"] == "tool_use"
        yield _named(
            "content_block_start",
            index=0,
            content_block={**content, **({"input": {}} if called else {"text": ""})},
        )
        for piece in pieces(said(reply) if called else content["text"]):
            delta = (
                {"type": "input_json_delta", "partial_json": piece}
                if called
                else {"type": "text_delta", "text": piece}
            )
            yield _named("content_block_delta", index=0, delta=delta)
        yield _named("content_block_stop", index=0)
        stop = {"stop_reason": self._stop(asked, reply), "stop_sequence": None}
        yield _named("message_delta", delta=stop, usage={"output_tokens": given})
        yield _named("message_stop")

    def error(self, reply: Reply) -> Any:
        """Write `{"type": "error", "error": {"type", "message"}}`."""
        message, word = reply.error
        return {"type": "error", "error": {"type": word, "message": message}}

    def _content(self, asked: Asked, reply: Reply) -> dict[str, Any]:
        if asked.tool and reply.data is not None and reply.refusal is None:
            return {"type": "tool_use", "id": "toolu_scripted", "name": asked.tool, "input": reply.data}
        return {"type": "text", "text": reply.refusal or said(reply)}

    def _stop(self, asked: Asked, reply: Reply) -> str:
        if reply.refusal is not None:
            return "refusal"
        if reply.finish == "length":
            return "max_tokens"
        return "tool_use" if asked.tool and reply.data is not None else "end_turn"

    def _head(self, asked: Asked) -> dict[str, Any]:
        return {
            "id": "msg_scripted",
            "type": "message",
            "role": "assistant",
            "model": asked.model,
            "stop_sequence": None,
        }


class Ollama(Protocol):
    """Speak `POST /api/chat`."""

    stream_type = "application/x-ndjson"

    def read(self, body: Mapping[str, Any], headers: Mapping[str, str]) -> Asked:
        """Find the schema in `format`."""
        wanted = body.get("format")
        return Asked(
            protocol="ollama",
            model=body["model"],
            messages=tuple((one["role"], text_of(one.get("content"))) for one in body["messages"]),
            schema=wanted if isinstance(wanted, Mapping) else None,
            tool=None,
            stream=body.get("stream", True),
            headers=headers,
            body=body,
        )

    def whole(self, asked: Asked, reply: Reply) -> Any:
        """Write the answer with its counts."""
        return self._line(asked, reply, reply.refusal or said(reply), last=True)

    def stream(self, asked: Asked, reply: Reply) -> Iterator[bytes]:
        """Write lines of JSON, the counts in the last."""
        for piece in pieces(reply.refusal or said(reply)):
            yield _line(self._line(asked, reply, piece, last=False))
        yield _line(self._line(asked, reply, "", last=True))

    def error(self, reply: Reply) -> Any:
        """Write `{"error": sentence}`."""
        return {"error": reply.error[0]}

    def _line(self, asked: Asked, reply: Reply, text: str, *, last: bool) -> dict[str, Any]:
        line: dict[str, Any] = {
            "model": asked.model,
            "created_at": "2025-01-01T00:00:00Z",
            "message": {"role": "assistant", "content": text},
            "done": last,
        }
        if last:
            taken, given = counted(asked, reply)
            line.update(done_reason=reply.finish, prompt_eval_count=taken, eval_count=given)
        return line


def text_of(content: Any) -> str:
    """Give the text of a message, which may come in parts."""
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    return "" if content is None else str(content)


def said(reply: Reply) -> str:
    """Give a reply as text, its data as JSON."""
    return reply.text if reply.data is None else json.dumps(reply.data, ensure_ascii=False)


def _call(name: str | None, arguments: str) -> dict[str, Any]:
    return {"id": "call_scripted", "type": "function", "function": {"name": name, "arguments": arguments}}


def counted(asked: Asked, reply: Reply) -> tuple[int, int]:
    """Count as many tokens as there are words, where the reply does not say."""
    return reply.usage or (len(asked.text.split()), max(1, len((reply.refusal or said(reply)).split())))


def pieces(text: str) -> Iterator[str]:
    """Cut a text as a stream brings it."""
    return (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))


def event(data: Any) -> bytes:
    """Give one event of a stream that names none."""
    return b"data: %s\n\n" % json.dumps(data).encode()


def _named(kind: str, **data: Any) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), json.dumps({"type": kind, **data}).encode())


def _line(data: Any) -> bytes:
    return json.dumps(data).encode() + b"\n"


#: By path of the request.
PROTOCOLS: Final[Mapping[str, Protocol]] = {
    "/v1/chat/completions": OpenAI(),
    "/v1/messages": Anthropic(),
    "/api/chat": Ollama(),
}
