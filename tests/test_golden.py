"""Ten topics over our own documentation: the reports as they were last decided to be.

The documentation is a copy: a difference comes from the engine, never from a new sentence in `docs/`.
`make golden` writes the reports anew; whatever then differs is to be read and meant.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from jupyter_research.client.local import LocalClient
from jupyter_research.client.session import Session

GOLDEN = Path(__file__).parent / "golden"
TOPICS = {
    "restart": "what happens to a session when the server is restarted?",
    "visible": "who can see my sessions on a JupyterHub?",
    "own-researcher": "how do I write my own researcher?",
    "citations": "how are citations checked?",
    "updates": "how does a status update reach the browser?",
    "unasked": "which files are read when no source is named?",
    "pause": "pause, resume and cancel",
    "limits": "limits on memory and number of sessions",
    "tokens": "tokens, cookies and passwords",
    "nothing": "medieval trade routes of the Hanse",
}
#: What differs from run to run and says nothing about the report.
PASSING = re.compile(r"^- (Date|Package version|Session): .*$", re.MULTILINE)


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    client = LocalClient.over(tmp_path_factory.mktemp("golden"))
    yield client
    client.close()


@pytest.fixture
def research(client, monkeypatch):
    """Run a session over the copy, as from a notebook beside it."""
    monkeypatch.chdir(GOLDEN)

    def research(topic):
        body = {"topic": topic, "options": {"sources": ["library"]}, "approve": "auto"}
        return Session(client, client.start(body)).wait(90).report

    return research


@pytest.mark.parametrize("name", TOPICS)
def test_the_report_is_as_it_was_decided_to_be(research, name):
    report = PASSING.sub(r"- \1: (differs)", research(TOPICS[name]).text)
    path = GOLDEN / f"{name}.md"
    if os.environ.get("GOLDEN") == "write":
        path.write_text(report, encoding="utf-8")
    assert report == path.read_text(encoding="utf-8"), "Run `make golden`, read the difference, and mean it."


def test_each_golden_report_has_its_topic():
    assert {path.stem for path in GOLDEN.glob("*.md")} == set(TOPICS)
