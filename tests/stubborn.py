"""Be researchers that do not give way, and documents that take for ever to be read."""

from __future__ import annotations

import operator
import socket
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

from jupyter_research import send_status_update

NAMES = ("asleep", "asleep_in_a_pool", "asleep_in_a_node", "reads_a_socket")

#: For the command line of a server whose PYTHONPATH has this folder.
OPTIONS = [
    *(f"--ResearchApp.researchers={name}=stubborn:{name}" for name in NAMES),
    "--ResearchApp.researchers=slow=jupyter_research.testing:slow",
]


Seen = Annotated[list[str], operator.add]


def asleep(topic: str, *, seconds: float = 600) -> str:
    """Sleep without an update."""
    send_status_update("Asleep.")
    time.sleep(seconds)
    return "slept"


def asleep_in_a_pool(topic: str, *, seconds: float = 600) -> str:
    """Sleep in a worker of a pool, which Python waits for at exit."""
    send_status_update("Asleep.")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(time.sleep, [seconds, seconds]))
    return "slept"


def asleep_in_a_node(topic: str, *, seconds: float = 600) -> str:
    """Sleep in one of two parallel nodes of a graph."""
    from langgraph.graph import END, START, StateGraph
    from typing_extensions import TypedDict

    class State(TypedDict):
        seen: Seen

    def sleeps(values: Any) -> Any:
        send_status_update("Asleep.")
        time.sleep(seconds)
        return {"seen": ["asleep"]}

    graph = StateGraph(State)
    graph.add_node("sleeps", sleeps)
    graph.add_node("awake", lambda values: {"seen": ["awake"]})
    for name in ("sleeps", "awake"):
        graph.add_edge(START, name)
        graph.add_edge(name, END)
    graph.compile().invoke({"seen": []})
    return "slept"


def reads_a_socket(topic: str) -> str:
    """Wait for an answer that does not come."""
    here, there = socket.socketpair()
    with here, there:
        send_status_update("Asleep.")
        return here.recv(1).decode()


def endless_pdf(pages: int = 3000) -> bytes:
    """Give a small PDF whose pages all draw the same enormous nothing: most of a second each."""
    drawing = zlib.compress(b"BT /F 9 Tf (a word) Tj ET " + b"q Q " * 4_000_000, 9)
    kids = " ".join(f"{number} 0 R" for number in range(5, 5 + pages))
    page = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 3 0 R "
        b"/Resources << /Font << /F 4 0 R >> >> >>"
    )
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {pages} /Kids [{kids}] >>".encode(),
        b"<< /Length %d /Filter /FlateDecode >> stream\n%s\nendstream" % (len(drawing), drawing),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        *[page] * pages,
    ]
    return b"%PDF-1.4\n" + b"".join(
        b"%d 0 obj\n%s\nendobj\n" % (number, body) for number, body in enumerate(objects, 1)
    ) + b"trailer << /Size %d /Root 1 0 R >>\n%%%%EOF\n" % (len(objects) + 1)  # fmt: skip
