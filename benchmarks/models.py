"""Compare a team of analysts with one call, on one corpus and one scripted model: verdicts, calls, tokens.

    python benchmarks/models.py [--base-url URL --model NAME]

Without an address a scripted model on a local port answers, so that the figures say what the two ways cost
and what the checks see, not how well a model writes; one claim in eight that it writes has a number that its
passage lacks, and one in eight names a passage that does not exist. With an address of a server that speaks
OpenAI's protocol they say how well that model does.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

from jupyter_research.runtime import Runtime, Settings
from jupyter_research.testing.chat import Asked, ChatServer, Reply, Scholar
from jupyter_research.work import Caller

TOPICS = (
    "how does a Jupyter server keep its users apart?",
    "what happens to a session when the server is restarted?",
    "how are citations checked?",
)


def careless(asked: Asked) -> Reply:
    """Answer as a scholar who sometimes gets a number wrong and sometimes invents a passage."""
    reply = Scholar()(asked)
    data = reply.data
    lists = [data] if isinstance(data, dict) and "claims" in data else []
    if asked.title == "Report":
        lists = [data["introduction"], *data["sections"], data["conclusion"]]
    for claims in lists:
        for claim in claims["claims"]:
            chance = zlib.crc32(claim["text"].encode()) % 8
            if chance == 0 and "passages" in claim:
                claim["text"] = f"{claim['text'].rstrip('.')} in 1739 cases."
            elif chance == 1 and "passages" in claim:
                claim["passages"] = ["p99"]
    return reply


def measure(runtime: Runtime, researcher: str, topic: str) -> dict[str, Any]:
    """Run one session and count what came of it."""
    caller, begun = Caller(owner="bench"), time.perf_counter()
    options = {"model": "bench", "sources": ["example"]}
    body = {"topic": topic, "researcher": researcher, "options": options, "approve": "auto"}
    session_id = runtime.start(caller, body)[0]["session_id"]
    seq = 0
    while (snapshot := runtime.get(caller, session_id))["state"] not in ("completed", "failed"):
        runtime.wait(caller, session_id, after=seq, timeout=5)
        seq = snapshot["last_seq"]
    assert snapshot["state"] == "completed", snapshot["error"]
    report = runtime.report(caller, session_id)
    verdicts = Counter(claim.verdict.value for claim in report.claims() if not claim.note)
    return {
        "verdicts": verdicts,
        "sources": len(report.sources),
        "calls": report.usage["calls"],
        "tokens": report.usage["tokens"],
        "seconds": time.perf_counter() - begun,
    }


def main() -> None:
    """Run both on every topic and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-url")
    parser.add_argument("--model", default="scripted")
    arguments = parser.parse_args()
    with ChatServer(careless) as server, tempfile.TemporaryDirectory() as folder:
        entry = {
            "model": f"openai:{arguments.model}",
            "base_url": arguments.base_url or f"{server.url}/v1",
            "key": "openai",
        }
        runtime = Runtime(
            Settings(data_dir=Path(folder), models={"bench": entry}, environment={"OPENAI_API_KEY": "none"})
        )
        runtime.open()
        try:
            for researcher in ("analysts", "brief"):
                show(researcher, [measure(runtime, researcher, topic) for topic in TOPICS])
        finally:
            runtime.close()


def show(researcher: str, runs: list[dict[str, Any]]) -> None:
    """Print what the runs of one researcher came to, all topics together."""
    verdicts: Counter[str] = sum((run["verdicts"] for run in runs), Counter())
    claims = sum(verdicts.values())
    shares = ", ".join(f"{name} {number / claims:.0%}" for name, number in sorted(verdicts.items()))
    print(
        f"{researcher}: {claims} claims ({shares}), {sum(run['sources'] for run in runs)} sources, "
        f"{sum(run['calls'] for run in runs)} calls, {sum(run['tokens'] for run in runs):,} tokens, "
        f"{sum(run['seconds'] for run in runs):.1f} s"
    )


if __name__ == "__main__":
    main()
