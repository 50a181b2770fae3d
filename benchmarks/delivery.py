"""Measure the way of a status update against servers that others would build, in one run.

Prints a table with ratios; the peers are in `peers/`. Everything stays on this machine's loopback and
ends by itself. Needs the extra `[bench]`.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from peers import carriers  # noqa: E402 The line above finds it.
from peers.servers import Jupyter, Rooms, Server, running, viewing  # noqa: E402

BEGIN = time.perf_counter()

ROOMS, EACH, BATCHES, OURS = "Flask-SocketIO", "Tornado, one each", "Tornado, batches", "jupyter_research"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Say how much is measured."""

    sessions: int = 100
    burst: int = 200
    rounds: int = 5
    #: Seconds of one paced round, of each server.
    paced: float = 3.0
    replay: int = 10_000
    idle: int = 1000
    #: Seconds after which what has not come counts as lost.
    timeout: float = 20.0


FULL = Scale()
QUICK = Scale(rounds=2, paced=1.0, idle=200, timeout=8.0)


@dataclass(slots=True)
class Figures:
    """Gather what was measured, by server."""

    rates: dict[str, list[float]] = field(default_factory=dict)
    cpus: dict[str, list[float]] = field(default_factory=dict)
    medians: dict[str, list[float]] = field(default_factory=dict)
    p99s: dict[str, list[float]] = field(default_factory=dict)
    wrong: dict[str, dict[str, int]] = field(default_factory=dict)
    ours: dict[str, float] = field(default_factory=dict)
    #: What is added to calls of those who are in no session.
    carriers: dict[str, float] = field(default_factory=dict)

    def count_wrong(self, name: str, wrong: dict[str, int]) -> None:
        """Add up what was lost, doubled, out of order or another session's."""
        total = self.wrong.setdefault(name, {})
        for what, count in wrong.items():
            total[what] = total.get(what, 0) + count


def transmit(server: Server, name: str, scale: Scale, updates: int, interval: float) -> dict[str, Any]:
    """Let all sessions send to one viewer each; add the server's CPU time."""
    what = (name, scale.sessions, updates, interval)
    ids = server.prepare(*what)
    with viewing(server, ids, updates, scale.timeout) as viewers:
        before = server.cpu()
        server.go(*what)
        viewers.hear("done")
        cpu = server.cpu() - before
        result = {**viewers.result(), "cpu": cpu}
    server.end(name)
    return result


def measure_bursts(servers: list[Server], scale: Scale, figures: Figures) -> None:
    """Let 100 sessions say all they have at once; in turns, so that all meet the same noise."""
    for number in range(scale.rounds):
        for server in servers:
            if server.name == EACH and number:
                continue  # Once is enough to see it collapse.
            result = transmit(server, f"burst{number}", scale, scale.burst, 0.0)
            delivered = max(1, result["delivered"])
            figures.rates.setdefault(server.name, []).append(delivered / result["seconds"])
            figures.cpus.setdefault(server.name, []).append(result["cpu"] / delivered * 1e6)
            figures.count_wrong(server.name, result["wrong"])
            say(
                f"burst {number + 1}: {server.name}: {delivered / result['seconds']:,.0f}/s, "
                f"{result['cpu'] / delivered * 1e6:.0f} µs, {result['frames']} frames"
            )


def measure_pace(servers: list[Server], scale: Scale, figures: Figures) -> None:
    """Let 100 sessions say something ten times a second.

    In turns: a p99 is what the machine did meanwhile as much as what the server did, and the median of some
    turns is not taken in by one of them.
    """
    for number in range(scale.rounds):
        for server in servers:
            result = transmit(server, f"paced{number}", scale, int(scale.paced * 10), 0.1)
            figures.medians.setdefault(server.name, []).append(result["median"] * 1000)
            figures.p99s.setdefault(server.name, []).append(result["p99"] * 1000)
            figures.count_wrong(server.name, result["wrong"])
            say(
                f"paced {number + 1}: {server.name}: {result['median'] * 1000:.1f} ms, p99 "
                f"{result['p99'] * 1000:.1f} ms, CPU {result['cpu'] / result['delivered'] * 1e6:.0f} µs"
            )


def measure_call(server: Jupyter, figures: Figures) -> None:
    """Measure what a call costs its thread: the least median, as others use this machine too."""
    both = [server.report(server.start("clocks", updates=2000)).split() for _ in range(7)]
    figures.ours["call"] = min(float(median) for median, _ in both)


def measure_replay(server: Jupyter, scale: Scale, figures: Figures) -> None:
    """Let a late viewer read everything."""
    [session_id] = server.prepare("replay", 1, scale.replay, 0.0)
    server.go("replay", 1, scale.replay, 0.0)
    server.end("replay")
    took = []
    for _ in range(3):
        with viewing(server, [session_id], scale.replay, scale.timeout) as viewers:
            viewers.hear("done")
            result = viewers.result()
        figures.count_wrong(OURS, result["wrong"])
        took.append(result["replay"] * 1000)
    figures.ours["replay"] = statistics.median(took)


def measure_idle(server: Jupyter, scale: Scale, figures: Figures) -> None:
    """Connect one viewer to each of many sessions, and start more."""
    ids = [server.start("says_little") for _ in range(scale.idle)]
    server.report(ids[-1])
    alone = _starts(server)
    before = server.memory()
    with viewing(server, ids, 0, scale.timeout):
        figures.ours["viewer"] = (server.memory() - before) / 1024 / scale.idle
        figures.ours["start alone"], figures.ours["start watched"] = alone, _starts(server)


def _starts(server: Jupyter) -> float:
    took = []
    for _ in range(40):
        begin = time.perf_counter()
        server.start("says_little")
        took.append((time.perf_counter() - begin) * 1000)
    return statistics.median(took)


def table(figures: Figures, scale: Scale) -> str:
    """Give the table in Markdown."""
    rates, cpus = _medians(figures.rates), _medians(figures.cpus)
    medians, p99s, ours = _medians(figures.medians), _medians(figures.p99s), figures.ours
    wrong = {name: sum(counts.values()) for name, counts in figures.wrong.items()}
    rows = [
        _row("burst: delivered per second", rates, "{:,.0f}", ROOMS, 2.5, at_least=True),
        _row("burst: server CPU an update, µs", cpus, "{:.0f}", ROOMS, 0.5),
        _row("the same against the limit", cpus, "{:.0f}", BATCHES, 3.0),
        _row("paced: median latency, ms", medians, "{:.1f}", ROOMS, 2.5),
        _row("paced: p99 latency, ms", p99s, "{:.1f}", ROOMS, 1.5),
        _alone("`send_status_update`, median, µs", ours["call"], 5.0),
        _alone(f"replay of {scale.replay:,} events, ms", ours["replay"], 150.0),
        _alone(f"memory a viewer, {scale.idle:,} idle, KiB", ours["viewer"], 40.0),
        _alone("start of a session among them, ratio", ours["start watched"] / ours["start alone"], 2.0),
        *(_alone(f"outside a session, {call}, µs", added, 0.3) for call, added in figures.carriers.items()),
        _line(
            "lost, doubled, out of order, foreign",
            *(str(wrong.get(name, "")) for name in NAMES),
            "",
            "0",
            _verdict(wrong[OURS] == 0),
        ),
    ]
    head = _line("figure", *NAMES, "ratio", "to reach", "")
    return "\n".join([head, _line(*["---"] * 8), *rows])


NAMES = (ROOMS, EACH, BATCHES, OURS)


def _medians(values: dict[str, list[float]]) -> dict[str, float]:
    return {name: statistics.median(found) for name, found in values.items()}


def _row(
    figure: str,
    values: dict[str, float],
    form: str,
    peer: str,
    goal: float,
    *,
    at_least: bool = False,
) -> str:
    ratio = values[OURS] / values[peer]
    reached = ratio >= goal if at_least else ratio <= goal
    sign = "≥" if at_least else "≤"
    short = {ROOMS: "Flask-SocketIO", BATCHES: "the limit"}[peer]
    cells = (form.format(values[name]) if name in values else "" for name in NAMES)
    return _line(figure, *cells, f"{ratio:.2f}", f"{sign} {goal} × {short}", _verdict(reached))


def _alone(figure: str, value: float, goal: float) -> str:
    return _line(figure, "", "", "", f"{value:.2f}", "", f"≤ {goal:g}", _verdict(value <= goal))


def _verdict(reached: bool) -> str:
    return "reached" if reached else "MISSED"


def _line(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def say(text: str) -> None:
    """Show how far it is."""
    print(f"{time.perf_counter() - BEGIN:6.1f} s  {text}", file=sys.stderr, flush=True)


def main() -> int:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, shorter ones")
    scale = QUICK if parser.parse_args().quick else FULL
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    begin = time.monotonic()
    figures = Figures()
    with tempfile.TemporaryDirectory() as folder:
        rooms = Rooms(ROOMS, "-m", "peers.flask_rooms", "{port}")
        each = Server(EACH, "-m", "peers.tornado_each", "{port}")
        batches = Server(BATCHES, "-m", "peers.tornado_batches", "{port}")
        ours = Jupyter(OURS, Path(folder, "one"))
        with running(rooms, each, batches, ours):
            measure_bursts([rooms, each, batches, ours], scale, figures)
            measure_pace([rooms, batches, ours], scale, figures)
            measure_call(ours, figures)
            measure_replay(ours, scale, figures)
        fresh = Jupyter(OURS, Path(folder, "two"))
        with running(fresh):
            measure_idle(fresh, scale, figures)
    figures.carriers = carriers.measure()
    print(table(figures, scale))
    print(f"\n{scale.rounds} rounds, medians; {time.monotonic() - begin:.0f} s")
    return 0 if not any(figures.wrong[OURS].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
