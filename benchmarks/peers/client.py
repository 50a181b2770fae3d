"""Be all viewers: one plain WebSocket a session, in a process of its own.

Reads a plan as JSON on standard input; prints `ready` when all sockets have joined, `done` when all
updates have come, then the result as JSON. While frames come they are only kept, and read afterwards,
so that the client costs every server the same.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import statistics
import struct
import sys
import time
from dataclasses import dataclass, field
from typing import Any, ClassVar

import orjson

#: Stands once in each update and nowhere else.
MARK = b'"sent":'


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Say what to join and how much will come."""

    #: "jupyter", "tornado" or "socketio".
    kind: str
    host: str
    port: int
    path: str
    sessions: list[str]
    #: Updates that each session sends; 0 to stay until standard input ends.
    updates: int
    token: str = ""
    #: Join this many seconds at most, then wait as long for the updates.
    timeout: float = 30.0


@dataclass(slots=True, eq=False)
class Viewer(asyncio.Protocol):
    """Speak just enough of RFC 6455 to follow one session."""

    plan: Plan
    session_id: str
    joined: asyncio.Future[float]
    complete: asyncio.Future[float]
    frames: list[tuple[float, bytes]] = field(default_factory=list)
    count: int = 0
    asked: float = 0.0
    _rest: bytes = b""
    _open: bool = False
    _transport: Any = None

    joins: ClassVar[dict[str, bytes]] = {
        "jupyter": b"session_joined",
        "tornado": b"session_joined",
        "socketio": b'42["session_joined"',
    }

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        token = f"Authorization: token {self.plan.token}\r\n" if self.plan.token else ""
        self._transport.write(
            f"GET {self.plan.path} HTTP/1.1\r\nHost: {self.plan.host}:{self.plan.port}\r\n"
            f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\n{token}\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """Take frames out of the stream."""
        data = self._rest + data if self._rest else data
        now = time.time()
        start = 0
        if not self._open:
            head, separator, data = data.partition(b"\r\n\r\n")
            if not separator:
                self._rest = head
                return
            if b" 101 " not in head.split(b"\r\n")[0]:
                self.joined.set_exception(ConnectionError(head.decode(errors="replace")))
                return
            self._open = True
            if self.plan.kind != "socketio":
                self._join()
        while len(data) - start >= 2:
            length, begin = data[start + 1], start + 2
            if length > 125:
                wide = 2 if length == 126 else 8
                if len(data) < begin + wide:
                    break
                length = int.from_bytes(data[begin : begin + wide], "big")
                begin += wide
            if len(data) < begin + length:
                break
            self._take(data[start] & 15, data[begin : begin + length], now)
            start = begin + length
        self._rest = data[start:]

    def _take(self, opcode: int, payload: bytes, now: float) -> None:
        if opcode == 9:
            self._write(payload, 10)
        elif MARK in payload:
            self.frames.append((now, payload))
            self.count += payload.count(MARK)
            if self.count >= self.plan.updates > 0 and not self.complete.done():
                self.complete.set_result(now)
        elif not self.joined.done():
            if payload.startswith(b"0{"):  # engine.io is open: open socket.io.
                self._write(b"40")
            elif payload.startswith(b"40"):
                self._join()
            elif self.joins[self.plan.kind] in payload:
                self.joined.set_result(now)
        elif payload == b"2":  # engine.io's ping.
            self._write(b"3")

    def _join(self) -> None:
        self.asked = time.time()
        wish: dict[str, Any] = {"type": "join_session", "session_id": self.session_id, "after": 0}
        text = json.dumps(wish)
        self._write((f'42["join_session",{text}]' if self.plan.kind == "socketio" else text).encode())

    def _write(self, payload: bytes, opcode: int = 1) -> None:
        size = len(payload)
        length = struct.pack("!B", 128 | size) if size < 126 else struct.pack("!BH", 254, size)
        # A mask of zeros changes nothing and is a mask all the same.
        self._transport.write(bytes([128 | opcode]) + length + bytes(4) + payload)

    def connection_lost(self, error: Exception | None) -> None:
        """Wait no more."""
        for future in (self.joined, self.complete):
            if not future.done():
                future.set_exception(ConnectionError("The server closed the connection."))


def events_of(kind: str, payload: bytes) -> list[dict[str, Any]]:
    """Read the events of one frame."""
    if kind == "socketio":
        return [orjson.loads(payload[2:])[1]]
    message = orjson.loads(payload)
    return list(message["events"]) if "events" in message else [message]


def judge(plan: Plan, viewers: list[Viewer]) -> dict[str, Any]:
    """Look for what was lost, doubled, out of order or another session's, and at how long each took."""
    wrong = {"lost": 0, "duplicated": 0, "out of order": 0, "foreign": 0}
    latencies: list[float] = []
    first, last = float("inf"), 0.0
    for viewer in viewers:
        numbers, last_seq = [], 0
        for received, payload in viewer.frames:
            last = max(last, received)
            for event in events_of(plan.kind, payload):
                wrong["foreign"] += event["session_id"] != viewer.session_id
                wrong["out of order"] += event["seq"] <= last_seq
                last_seq = event["seq"]
                sent = event["detail"].get("sent")
                if sent is not None:
                    numbers.append(event["step_number"])
                    latencies.append(received - sent)
                    first = min(first, sent)
        wrong["duplicated"] += len(numbers) - len(set(numbers))
        wrong["lost"] += len(set(range(1, plan.updates + 1)) - set(numbers))
        wrong["out of order"] += numbers != sorted(numbers)
    latencies.sort()
    replays = [viewer.frames[-1][0] - viewer.asked for viewer in viewers if viewer.frames]
    return {
        "delivered": len(latencies),
        "seconds": max(last - first, 1e-9),
        "median": statistics.median(latencies) if latencies else None,
        "p99": latencies[int(len(latencies) * 0.99)] if latencies else None,
        "wrong": wrong,
        "replay": max(replays, default=0.0),
        "bytes": sum(len(payload) for viewer in viewers for _, payload in viewer.frames),
        "frames": sum(len(viewer.frames) for viewer in viewers),
    }


def say(text: str) -> None:
    """Tell the one who started this."""
    print(text, flush=True)


async def view(plan: Plan) -> None:
    """Join all, wait for all."""
    loop = asyncio.get_running_loop()
    viewers: list[Viewer] = []
    for session_id in plan.sessions:
        viewer = Viewer(plan, session_id, loop.create_future(), loop.create_future())
        await loop.create_connection(lambda viewer=viewer: viewer, plan.host, plan.port)  # type: ignore[misc]
        await asyncio.wait_for(viewer.joined, plan.timeout)
        viewers.append(viewer)
    say("ready")
    if plan.updates:
        await asyncio.wait([viewer.complete for viewer in viewers], timeout=plan.timeout)
        say("done")
        say(json.dumps(judge(plan, viewers)))
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(view(Plan(**json.loads(sys.stdin.readline()))))
