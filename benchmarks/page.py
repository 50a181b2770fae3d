"""Measure what a person sees, in JupyterLab and a real Chromium: how soon, how smoothly, at what weight.

`python benchmarks/page.py`; it needs the labextension built, Chromium, and about three minutes.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.browser.conftest import FLAGS  # noqa: E402  (the repository is no installed package)
from tests.browser.lab import TOKEN, Lab, Notebook, wait_for  # noqa: E402

MIME = "application/vnd.jupyter-research.session+json"
CYCLES = 200
WARM_UP = 30
REPEATS = 5

#: Notes when each update was sent, and when the frame that shows it had been painted.
WATCH = """(() => {
  const sent = new Map();
  const note = window.jrNote = {paints: [], frames: [], long: []};
  const Native = window.WebSocket;
  window.WebSocket = class extends Native {
    constructor(...given) {
      super(...given);
      this.addEventListener('message', ({data}) => {
        if (!this.url.includes('research/api/ws')) return;
        for (const one of JSON.parse(data).events ?? []) {
          if (one.detail.sent) sent.set(`${one.session_id} ${one.seq}`, one.detail.sent * 1000);
        }
      });
    }
  };
  const shown = new Map();
  const painted = changes => {
    // Those beyond the window are drawn once a second, and painted never.
    const seen = changes.filter(({target}) => !target.hasAttribute('data-unseen'));
    const seqs = seen.map(({target}) => [target.dataset.sessionId, Number(target.dataset.seq)]);
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      const now = performance.timeOrigin + performance.now();
      for (const [id, seq] of seqs) {
        for (let one = (shown.get(id) ?? 0) + 1; one <= seq; one += 1) {
          const from = sent.get(`${id} ${one}`);
          if (from) note.paints.push(now - from);
        }
        shown.set(id, Math.max(seq, shown.get(id) ?? 0));
      }
    };
    channel.port2.postMessage(null);
  };
  const options = {subtree: true, attributes: true, attributeFilter: ['data-seq']};
  document.addEventListener('DOMContentLoaded', () =>
    new MutationObserver(painted).observe(document.body, options));
  new PerformanceObserver(list => list.getEntries().forEach(({duration}) => note.long.push(duration)))
    .observe({type: 'long-animation-frame'});
  let last = 0;
  const frame = now => {
    if (last) note.frames.push(now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
})()"""

#: Resolves with the milliseconds until a card stands there.
CARD_AFTER_RUN = """() => new Promise(resolve => {
  const before = document.querySelectorAll('.jp-OutputArea .jr-session').length;
  const begin = performance.now();
  const look = () => document.querySelectorAll('.jp-OutputArea .jr-session').length > before
    ? resolve(performance.now() - begin) : requestAnimationFrame(look);
  void window.jupyterapp.commands.execute('notebook:run-cell');
  look();
})"""

LIVE_SINCE_LOAD = """() => new Promise(resolve => {
  const look = () => document.querySelector('.jp-OutputArea .jr-session[data-link=live]')
    ? resolve(performance.now()) : requestAnimationFrame(look);
  look();
})"""

#: Opens a session in a tab, waits for its report, and closes it.
CYCLE = """async ([id, times]) => {
  const app = window.jupyterapp;
  const until = look => new Promise(resolve => {
    const again = () => look() ? resolve() : requestAnimationFrame(again);
    again();
  });
  for (let time = 0; time < times; time += 1) {
    await app.commands.execute('jupyter-research:open', {id});
    await until(() => document.querySelector('.jr-tab .jr-session[data-link=live] .jr-report'));
    app.shell.currentWidget.dispose();
    await until(() => !document.querySelector('.jr-tab'));
  }
}"""


@dataclass(frozen=True, slots=True)
class Figure:
    """Hold one measurement and what it has to reach."""

    name: str
    value: float
    limit: float
    unit: str

    def row(self) -> str:
        """Give the row of a Markdown table."""
        reached = "reached" if self.value <= self.limit else "missed"
        return f"| {self.name} | {self.value:,.1f} {self.unit} | ≤ {self.limit:g} {self.unit} | {reached} |"


@contextmanager
def laboratory() -> Iterator[tuple[Lab, Browser]]:
    """Run a JupyterLab of its own, and a browser."""
    folder = Path(tempfile.mkdtemp(prefix="page-"))
    researchers = {"paced": "benchmarks.peers.paced:paced"}
    lab = Lab(folder, config={"researchers": researchers, "max_working_sessions": 40})
    lab.prepare()
    try:
        lab.start()
        with sync_playwright() as playwright:
            path = os.environ.get("CHROMIUM") or shutil.which("chromium")
            yield lab, playwright.chromium.launch(executable_path=path, args=FLAGS)
    finally:
        lab.stop()
        shutil.rmtree(folder, ignore_errors=True)


def start(lab: Lab, topic: str, **options: Any) -> dict[str, Any]:
    """Start a session past the browser, and give its snapshot."""
    body = {"topic": topic, "researcher": "paced", "options": options}
    found: dict[str, Any] = lab.ask("POST", "research/api/sessions", body)
    return found


def showing(lab: Lab, name: str, snapshots: list[dict[str, Any]]) -> str:
    """Write a notebook whose outputs show these sessions."""
    import nbformat

    document = nbformat.v4.new_notebook()
    for snapshot in snapshots:
        identity = {"schema": 1, "session_id": snapshot["session_id"], "where": "server"}
        data = {MIME: {**identity, "snapshot": snapshot}, "text/plain": "a session"}
        cell = nbformat.v4.new_code_cell("1")
        cell.outputs.append(nbformat.v4.new_output("display_data", data))
        document.cells.append(cell)
    nbformat.write(document, lab.root / name)
    return name


def watched(lab: Lab, page: Page, count: int, rate: float, seconds: float = 20) -> dict[str, list[float]]:
    """Show so many sessions in one page until they end, and give what was noted."""
    # They begin when the page is there.
    waiting = [start(lab, f"session {number}", rate=rate, seconds=seconds + 12) for number in range(count)]
    page.goto(lab.address(showing(lab, f"{count}.ipynb", waiting)))
    page.wait_for_function(
        "count => document.querySelectorAll('.jr-session[data-link=live]').length === count", arg=count
    )
    page.wait_for_timeout(2000)  # What a page does when it has just been loaded is another figure.
    page.evaluate("for (const list of Object.values(jrNote)) list.length = 0")
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    before = busy(session)
    page.wait_for_timeout(seconds * 1000)
    share = (busy(session) - before) / seconds
    session.detach()
    noted: dict[str, list[float]] = page.evaluate("jrNote")
    updates = count * rate
    print(f"{count} cards: the page works {share:.1%} of the time, {1000 * share / updates:.2f} ms an update")
    for one in waiting:
        lab.ask("POST", f"research/api/sessions/{one['session_id']}/cancel")
    return noted


def busy(session: CDPSession) -> float:
    """Give the seconds that the page's main thread has worked."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))


def idle(lab: Lab, page: Page) -> list[Figure]:
    """Say how late frames are where nothing happens: what the machine adds to the figures below."""
    page.goto(f"{lab.url}lab?token={TOKEN}&reset")
    page.wait_for_function("window.jupyterapp?.restored")
    page.wait_for_timeout(2000)
    page.evaluate("for (const list of Object.values(jrNote)) list.length = 0")
    page.wait_for_timeout(10_000)
    distances = page.evaluate("jrNote.frames")
    p95 = statistics.quantiles(distances, n=20)[18]
    print(f"an idle page: {p95:.1f} ms between two frames at p95, at most {max(distances):.1f} ms")
    return []


def paint(lab: Lab, page: Page) -> list[Figure]:
    """Measure from the research thread to the painted frame."""
    paints = watched(lab, page, 10, 10)["paints"]
    # Five of ten cards are in the window, or close to it.
    assert len(paints) > 700, len(paints)
    return [
        Figure("update to paint, median, 10 sessions at 10/s", statistics.median(paints), 35, "ms"),
        Figure("update to paint, p95", statistics.quantiles(paints, n=20)[18], 60, "ms"),
    ]


def frames(lab: Lab, page: Page) -> list[Figure]:
    """Measure the longest frame among many cards."""
    noted = watched(lab, page, 20, 5)
    # The browser's own account of frames that took 50 ms and longer.
    longest = max(noted["long"], default=0)
    print(f"20 cards: {len(noted['frames'])} frames, longest distance {max(noted['frames']):.1f} ms")
    return [Figure("longest frame, 20 cards at 5/s", longest, 100, "ms")]


def appearance(lab: Lab, page: Page) -> list[Figure]:
    """Measure from a run cell to its card, with an idle kernel."""
    line = "%research --researcher paced --set rate=1 --set seconds=1 --new how soon?"
    cells = ["%load_ext jupyter_research", *[line] * REPEATS]
    notebook = Notebook(page, lab, lab.notebook(*cells, name="appearance.ipynb"))
    notebook.open()
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-cell-and-select-next')")
    took = []
    for number in range(REPEATS):
        page.evaluate(
            "index => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = index }", number + 1
        )
        took.append(page.evaluate(CARD_AFTER_RUN))
        page.wait_for_timeout(1500)
    return [Figure("card after the cell ran, slowest of 5", max(took), 700, "ms")]


def again(lab: Lab, page: Page) -> list[Figure]:
    """Measure from a reload with a busy kernel to the live card."""
    line = "%research --researcher paced --set rate=2 --set seconds=120 --new busy kernel"
    cells = ("%load_ext jupyter_research", line, "import time; time.sleep(120)")
    notebook = Notebook(page, lab, lab.notebook(*cells, name="again.ipynb"))
    notebook.open()
    notebook.run_all()
    page.evaluate(LIVE_SINCE_LOAD)
    notebook.save()
    took = []
    for _ in range(REPEATS):
        page.goto(lab.address(notebook.name))
        took.append(page.evaluate(LIVE_SINCE_LOAD) / 1000)
    return [Figure("live again after a reload, kernel busy, slowest of 5", max(took), 4, "s")]


def heap(lab: Lab, page: Page) -> list[Figure]:
    """Measure what is left of sessions that were opened and closed."""
    (lab.root / "note.md").write_text("# Tides\n\nThe tide is caused by the gravity of the moon.\n")
    body = {"topic": "what causes the tide?", "options": {"sources": ["note.md"]}}
    session_id = lab.ask("POST", "research/api/sessions", body)["session_id"]
    path = f"research/api/sessions/{session_id}"
    wait_for(lambda: lab.ask("GET", path)["state"] == "completed", "the report")
    page.goto(f"{lab.url}lab?token={TOKEN}&reset")
    page.wait_for_function("window.jupyterapp?.restored")
    page.evaluate(CYCLE, [session_id, WARM_UP])
    before = used(page)
    page.evaluate(CYCLE, [session_id, CYCLES])
    return [Figure(f"heap after {CYCLES} times opened and closed", (used(page) - before) / 1e6, 5, "MB")]


def used(page: Page) -> float:
    """Give the bytes of the heap that are in use."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.enable")
    session.send("HeapProfiler.collectGarbage")
    found: float = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return found


def weight(lab: Lab, page: Page) -> list[Figure]:
    """Weigh what the page of JupyterLab fetches of ours at its start, and all that it could."""
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    page.goto(f"{lab.url}lab?token={TOKEN}&reset")
    page.wait_for_function("window.jupyterapp?.restored")
    page.wait_for_timeout(1000)
    static = ROOT / "jupyter_research" / "labextension" / "static"
    # The loader of module federation is the builder's, the same in each extension.
    ours = [path for path in static.glob("*.js") if not path.name.startswith(("remoteEntry", "style"))]
    first = [path for path in ours if any(path.name in url for url in fetched)]
    print(f"all that can be loaded: {sum(path.stat().st_size for path in ours) / 1000:.1f} kB")
    return [Figure("bundle at the start of the page", sum(p.stat().st_size for p in first) / 1000, 60, "kB")]


def main() -> None:
    """Measure everything and print the table."""
    parts: list[Callable[[Lab, Page], list[Figure]]] = [weight, appearance, again, idle, paint, frames, heap]
    chosen = [part for part in parts if part.__name__ in sys.argv[1:]] or parts
    rows = []
    with laboratory() as (lab, browser):
        for part in chosen:
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            context.set_default_timeout(60_000)
            context.add_init_script(WATCH)
            begin = time.monotonic()
            rows += [figure.row() for figure in part(lab, context.new_page())]
            print(f"{part.__name__}: {time.monotonic() - begin:.0f} s, load {os.getloadavg()[0]:.1f}")
            context.close()
    print("\n| figure | measured | to reach | |", "| --- | --- | --- | --- |", *rows, sep="\n")


if __name__ == "__main__":
    main()
